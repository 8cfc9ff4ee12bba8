// Matrix products on the cube, in the steps: fractals in L1, L0A and L0B, Mmad, Fixpipe.
#include "kernel_operator.h"
using namespace AscendC;

struct Sizes {
    int64_t m, n, k;
    float scale;
    int32_t relu;
};

namespace {
constexpr uint32_t up(uint32_t value, uint32_t step) { return (value + step - 1) / step * step; }

// C (m x n, rows of n) = A (m x k) * B, where B is stored n x k, or k x n (16-bit types only). A block takes 16-row
// pieces of A; n is a multiple of 16.
template <class T, class Sum, class C, bool transposed>
void product(GM_ADDR a, GM_ADDR b, GM_ADDR c, const Sizes &sizes, QuantMode_t quantisation) {
    constexpr uint32_t C0 = 32 / sizeof(T), F = 16 * C0;
    uint32_t n = sizes.n, k = sizes.k, kA = up(k, C0), kB = transposed ? kA : up(k, 16), nA = up(n, 16);
    TPipe pipe;
    TQue<TPosition::A1, 1> a1;
    TQue<TPosition::B1, 1> b1;
    TQue<TPosition::A2, 1> a2;
    TQue<TPosition::B2, 1> b2;
    TQue<TPosition::CO1, 1> co1;
    pipe.InitBuffer(a1, 1, 16 * kA * sizeof(T));
    pipe.InitBuffer(b1, 1, kB * nA * sizeof(T));
    pipe.InitBuffer(a2, 1, 16 * kA * sizeof(T));
    pipe.InitBuffer(b2, 1, kB * nA * sizeof(T));
    pipe.InitBuffer(co1, 1, 16 * nA * 4);
    GlobalTensor<T> ga, gb;
    GlobalTensor<C> gc;
    ga.SetGlobalBuffer(reinterpret_cast<__gm__ T *>(a), sizes.m * k);
    gb.SetGlobalBuffer(reinterpret_cast<__gm__ T *>(b), n * k);
    gc.SetGlobalBuffer(reinterpret_cast<__gm__ C *>(c), sizes.m * n);

    auto l1 = b1.template AllocTensor<T>();
    if constexpr (transposed) DataCopy(l1, gb, Nd2NzParams(1, n, k, 0, k, nA, 1, 0));
    else DataCopy(l1, gb, Nd2NzParams(1, k, n, 0, n, kB, 1, 0));
    b1.EnQue(l1);
    l1 = b1.template DeQue<T>();
    auto l0 = b2.template AllocTensor<T>();
    LoadData2DParams load;
    if constexpr (transposed) {
        uint32_t all = kA / C0 * (nA / 16);
        for (uint32_t at = 0; at < all; at += 255) {
            load.startIndex = at, load.repeatTimes = all - at < 255 ? all - at : 255, load.srcStride = 1;
            LoadData(l0[at * F], l1, load);
        }
    } else {
        for (uint32_t i = 0; i < kB / 16; i++) {
            load.repeatTimes = nA / 16, load.srcStride = kB / 16, load.ifTranspose = true;
            LoadData(l0[i * 16 * nA], l1[i * 256], load);
        }
    }
    b1.FreeTensor(l1);
    b2.EnQue(l0);
    l0 = b2.template DeQue<T>();

    for (int64_t row = GetBlockIdx() * 16; row < sizes.m; row += GetBlockNum() * 16) {
        uint32_t m = sizes.m - row < 16 ? sizes.m - row : 16;
        auto x1 = a1.template AllocTensor<T>();
        DataCopy(x1, ga[row * k], Nd2NzParams(1, m, k, 0, k, 16, 1, 0));
        a1.EnQue(x1);
        x1 = a1.template DeQue<T>();
        auto x2 = a2.template AllocTensor<T>();
        LoadData2DParams rows;
        rows.repeatTimes = kA / C0, rows.srcStride = 1;
        LoadData(x2, x1, rows);
        a1.FreeTensor(x1);
        a2.EnQue(x2);
        x2 = a2.template DeQue<T>();
        auto sum = co1.template AllocTensor<Sum>();
        MmadParams mmad;
        mmad.m = 16, mmad.n = n, mmad.k = k;
        if (m == 1) mmad.m = 16; // rows beyond m hold what L1 held; their results are not stored
        else mmad.m = m;
        Mmad(sum, x2, l0, mmad);
        a2.FreeTensor(x2);
        co1.EnQue(sum);
        sum = co1.template DeQue<Sum>();
        FixpipeParamsV220 fix;
        fix.nSize = n, fix.mSize = m, fix.srcStride = 16, fix.dstStride = n, fix.quantPre = quantisation, fix.reluEn = sizes.relu != 0;
        uint32_t bits;
        __builtin_memcpy(&bits, &sizes.scale, 4);
        fix.deqScalar = bits;
        Fixpipe(gc[row * n], sum, fix);
        co1.FreeTensor(sum);
    }
    b2.FreeTensor(l0);
}
} // namespace

#define KERNEL(name, T, Sum, C, transposed, mode)                                                        \
    extern "C" __global__ __aicore__ void name(GM_ADDR a, GM_ADDR b, GM_ADDR c, GM_ADDR sizes) {         \
        product<T, Sum, C, transposed>(a, b, c, *reinterpret_cast<__gm__ Sizes *>(sizes), mode);         \
    }
KERNEL(halves, half, float, float, true, NoQuant)
KERNEL(brains, bfloat16_t, float, float, true, NoQuant)
KERNEL(floats, float, float, float, true, NoQuant)
KERNEL(bytes, int8_t, int32_t, int32_t, true, NoQuant)
KERNEL(bytesToHalves, int8_t, int32_t, half, true, DEQF16)
KERNEL(halvesByRows, half, float, float, false, NoQuant)
KERNEL(halvesToHalves, half, float, half, true, F322F16)
