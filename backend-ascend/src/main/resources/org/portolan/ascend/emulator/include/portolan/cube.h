// The cube unit: from L1 over L0A and L0B to L0C, and from there to global memory.
#pragma once
#include "move.h"

namespace AscendC {

struct LoadData2DParams {
    uint16_t startIndex = 0;
    uint8_t repeatTimes = 0;
    uint16_t srcStride = 0;
    uint8_t sid = 0;
    uint16_t dstGap = 0;
    bool ifTranspose = false;
    uint8_t addrMode = 0;
    LoadData2DParams() = default;
    LoadData2DParams(uint16_t start, uint8_t repeat, uint16_t stride, uint8_t id, uint16_t gap, bool transpose, uint8_t mode)
        : startIndex(start), repeatTimes(repeat), srcStride(stride), sid(id), dstGap(gap), ifTranspose(transpose), addrMode(mode) {}
};

struct LoadData2dTransposeParams {
    uint16_t startIndex = 0;
    uint8_t repeatTimes = 0;
    uint16_t srcStride = 0, dstGap = 0, dstFracGap = 0;
    uint8_t addrMode = 0;
    LoadData2dTransposeParams() = default;
    LoadData2dTransposeParams(uint16_t start, uint8_t repeat, uint16_t stride, uint16_t gap, uint16_t fractalGap, uint8_t mode = 0)
        : startIndex(start), repeatTimes(repeat), srcStride(stride), dstGap(gap), dstFracGap(fractalGap), addrMode(mode) {}
};

struct MmadParams {
    uint16_t m = 0, n = 0, k = 0;
    bool isBias = false;
    int32_t fmOffset = 0;
    bool enSsparse = false, enWinogradA = false, enWinogradB = false;
    int8_t unitFlag = 0;
    bool kDirectionAlign = false, cmatrixSource = false, cmatrixInitVal = true;
};

struct FixpipeParamsV220 {
    uint16_t nSize = 0, mSize = 0, srcStride = 0;
    uint32_t dstStride = 0;
    QuantMode_t quantPre = NoQuant;
    uint64_t deqScalar = 0;
    uint16_t ndNum = 1, srcNdStride = 0, dstNdStride = 0;
    bool reluEn = false;
    uint8_t unitFlag = 0;
};

enum class CO2Layout : uint8_t { NZ, ROW_MAJOR };
struct FixpipeConfig { CO2Layout format; };
constexpr FixpipeConfig CFG_NZ{CO2Layout::NZ}, CFG_ROW_MAJOR{CO2Layout::ROW_MAJOR};

template <class T> struct InitConstValueParams {
    uint16_t repeatTimes = 0, blockNum = 0, dstGap = 0;
    T initValue{};
    InitConstValueParams() = default;
    InitConstValueParams(uint16_t repeat, uint16_t blocks, uint16_t gap, T value)
        : repeatTimes(repeat), blockNum(blocks), dstGap(gap), initValue(value) {}
};

template <class T> constexpr bool isCubeOperand = isOneOf<T, half, bfloat16_t, float, int8_t>;

// Blocks of 32 bytes in L1, of 512 bytes in L0A and L0B.
template <class T> inline void InitConstValue(const LocalTensor<T> &dst, const InitConstValueParams<T> &steps, PORTOLAN_LINE) {
    static_assert(kHasCube, "InitConstValue: dav-2002 has no cube path in this subset");
    static_assert(isMovable<T>, "InitConstValue: 16- and 32-bit types only");
    portolan::fill(sizeof(T), dst, bitsOf(steps.initValue), steps.repeatTimes, steps.blockNum, steps.dstGap, {"InitConstValue", line.number});
}
template <class T> inline void Fill(const LocalTensor<T> &dst, const InitConstValueParams<T> &steps, PORTOLAN_LINE) {
    InitConstValue(dst, steps, line);
}

template <class T> inline void LoadData(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LoadData2DParams &steps, PORTOLAN_LINE) {
    static_assert(kHasCube, "LoadData: dav-2002 has no cube path in this subset");
    static_assert(isCubeOperand<T>, "LoadData: half, bfloat16_t, float or int8_t");
    portolan::load(sizeof(T), dst, src, {steps.startIndex, steps.repeatTimes, steps.srcStride, steps.dstGap, steps.ifTranspose},
                   {"LoadData", line.number});
}

// Squares of 16 x 16 elements, or 32 x 32 of 8 bits: one fractal or two that lie side by side.
template <class T>
inline void LoadDataWithTranspose(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LoadData2dTransposeParams &steps,
                                  PORTOLAN_LINE) {
    static_assert(kHasSquares, "LoadDataWithTranspose: dav-2201 only in this subset");
    static_assert(isCubeOperand<T>, "LoadDataWithTranspose: half, bfloat16_t, float or int8_t");
    portolan::loadTurned(sizeof(T), dst, src, {steps.startIndex, steps.repeatTimes, steps.srcStride, steps.dstGap, steps.dstFracGap},
                         {"LoadDataWithTranspose", line.number});
}

template <class C, class A, class B>
inline void Mmad(const LocalTensor<C> &dst, const LocalTensor<A> &fm, const LocalTensor<B> &filter, const MmadParams &steps, PORTOLAN_LINE) {
    static_assert(kHasCube, "Mmad: dav-2002 has no cube path in this subset");
    static_assert((isOneOf<C, float> && Same<A, B>::value && isOneOf<A, half, bfloat16_t, float>)
                      || (isOneOf<C, int32_t> && isOneOf<A, int8_t> && isOneOf<B, int8_t>),
                  "Mmad: the cube multiplies half, bfloat16_t or float to float, and int8_t to int32_t");
    portolan::multiply(typeOf<C>, typeOf<A>, dst, fm, filter, {steps.m, steps.n, steps.k, steps.cmatrixInitVal}, {"Mmad", line.number});
}

template <class T, class U>
inline portolan::Fix fixOf(const FixpipeParamsV220 &steps, const FixpipeConfig &config) {
    return {steps.nSize, steps.mSize, steps.srcStride, steps.dstStride, steps.reluEn, int32_t(steps.quantPre),
            config.format == CO2Layout::ROW_MAJOR, steps.ndNum, steps.srcNdStride, steps.dstNdStride, steps.deqScalar, nullptr};
}
template <class T, class U> constexpr bool isFix =
    (isOneOf<U, float> && isOneOf<T, float, half, bfloat16_t>) || (isOneOf<U, int32_t> && isOneOf<T, int32_t, half, int8_t>);

template <class T, class U, const FixpipeConfig &config = CFG_ROW_MAJOR>
inline void Fixpipe(const GlobalTensor<T> &dst, const LocalTensor<U> &src, const FixpipeParamsV220 &steps, PORTOLAN_LINE) {
    static_assert(kHasCube, "Fixpipe: dav-2002 has no cube path in this subset");
    static_assert(isFix<T, U>, "Fixpipe: float to float, half or bfloat16_t; int32_t to int32_t, half or int8_t");
    portolan::fix(typeOf<T>, typeOf<U>, dst, src, fixOf<T, U>(steps, config), {"Fixpipe", line.number});
}
// With a factor for each column (VDEQF16, VREQ8), in L1.
template <class T, class U, const FixpipeConfig &config = CFG_ROW_MAJOR, class S>
inline void Fixpipe(const GlobalTensor<T> &dst, const LocalTensor<U> &src, const LocalTensor<S> &scales, const FixpipeParamsV220 &steps,
                    PORTOLAN_LINE) {
    static_assert(kHasCube, "Fixpipe: dav-2002 has no cube path in this subset");
    static_assert(isFix<T, U> && isOneOf<S, uint64_t>, "Fixpipe: the factors are a tensor of uint64_t");
    portolan::Fix shape = fixOf<T, U>(steps, config);
    shape.scales = &scales;
    portolan::fix(typeOf<T>, typeOf<U>, dst, src, shape, {"Fixpipe", line.number});
}

} // namespace AscendC
