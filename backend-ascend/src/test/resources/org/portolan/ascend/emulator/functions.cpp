// Elementary functions and conversions over many numbers, a kernel for each.
#include "kernel_operator.h"
using namespace AscendC;

namespace {
template <class To, class From, class Work> void over(GM_ADDR x, GM_ADDR y, GM_ADDR count, Work work) {
    constexpr uint32_t tile = 1024;
    int64_t n = *reinterpret_cast<__gm__ int64_t *>(count);
    TPipe pipe;
    TQue<TPosition::VECIN, 1> in;
    TQue<TPosition::VECOUT, 1> out;
    pipe.InitBuffer(in, 1, tile * sizeof(From));
    pipe.InitBuffer(out, 1, tile * sizeof(To));
    GlobalTensor<From> from;
    GlobalTensor<To> to;
    from.SetGlobalBuffer(reinterpret_cast<__gm__ From *>(x), n);
    to.SetGlobalBuffer(reinterpret_cast<__gm__ To *>(y), n);
    for (int64_t at = 0; at < n; at += tile) { // n is a multiple of the tile
        auto a = in.AllocTensor<From>();
        DataCopy(a, from[at], tile);
        in.EnQue(a);
        a = in.DeQue<From>();
        auto b = out.AllocTensor<To>();
        work(b, a, tile);
        in.FreeTensor(a);
        out.EnQue(b);
        b = out.DeQue<To>();
        DataCopy(to[at], b, tile);
        out.FreeTensor(b);
    }
}
} // namespace

#define FUNCTION(name, type, call)                                                                          \
    extern "C" __global__ __aicore__ void name(GM_ADDR x, GM_ADDR y, GM_ADDR count) {                       \
        over<type, type>(x, y, count, [](auto b, auto a, uint32_t n) { call(b, a, n); });                   \
    }
FUNCTION(exponential, float, Exp)
FUNCTION(logarithm, float, Ln)
FUNCTION(root, float, Sqrt)
FUNCTION(reciprocal, float, Reciprocal)
FUNCTION(exponentialOfHalves, half, Exp)
FUNCTION(logarithmOfHalves, half, Ln)

#define CONVERSION(name, from, to, mode)                                                                    \
    extern "C" __global__ __aicore__ void name(GM_ADDR x, GM_ADDR y, GM_ADDR count) {                       \
        over<to, from>(x, y, count, [](auto b, auto a, uint32_t n) { Cast(b, a, RoundMode::mode, n); });    \
    }
CONVERSION(rint, float, int32_t, CAST_RINT)
CONVERSION(floor, float, int32_t, CAST_FLOOR)
CONVERSION(ceil, float, int32_t, CAST_CEIL)
CONVERSION(round, float, int32_t, CAST_ROUND)
CONVERSION(trunc, float, int32_t, CAST_TRUNC)
CONVERSION(floatToShort, float, int16_t, CAST_RINT)
CONVERSION(floatToLong, float, int64_t, CAST_RINT)
CONVERSION(floatToHalf, float, half, CAST_RINT)
CONVERSION(floatToHalfDown, float, half, CAST_FLOOR)
CONVERSION(floatToHalfUp, float, half, CAST_CEIL)
CONVERSION(floatToHalfZero, float, half, CAST_TRUNC)
CONVERSION(floatToHalfOdd, float, half, CAST_ODD)
CONVERSION(floatToBrain, float, bfloat16_t, CAST_RINT)
CONVERSION(brainToFloat, bfloat16_t, float, CAST_NONE)
CONVERSION(halfToFloat, half, float, CAST_NONE)
CONVERSION(halfToByte, half, int8_t, CAST_RINT)
CONVERSION(halfToUnsignedByte, half, uint8_t, CAST_TRUNC)
CONVERSION(intToFloat, int32_t, float, CAST_NONE)
CONVERSION(longToFloat, int64_t, float, CAST_RINT)
CONVERSION(longToFloatDown, int64_t, float, CAST_FLOOR)
CONVERSION(longToInt, int64_t, int32_t, CAST_NONE)
