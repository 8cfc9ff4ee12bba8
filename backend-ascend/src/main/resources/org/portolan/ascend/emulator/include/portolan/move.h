// Copies between global and local memory.
#pragma once
#include "vector.h"

namespace AscendC {

struct DataCopyParams { // lengths and gaps in 32-byte blocks, gaps from an end to the next start
    uint16_t blockCount = 1, blockLen = 0, srcStride = 0, dstStride = 0;
    DataCopyParams() = default;
    DataCopyParams(uint16_t count, uint16_t length, uint16_t srcGap, uint16_t dstGap)
        : blockCount(count), blockLen(length), srcStride(srcGap), dstStride(dstGap) {}
};

struct DataCopyExtParams { // length in bytes; a gap in bytes in global memory, in 32-byte blocks in local memory
    uint16_t blockCount = 1;
    uint32_t blockLen = 0, srcStride = 0, dstStride = 0, rsv = 0;
    DataCopyExtParams() = default;
    DataCopyExtParams(uint16_t count, uint32_t length, uint32_t srcGap, uint32_t dstGap, uint32_t reserved)
        : blockCount(count), blockLen(length), srcStride(srcGap), dstStride(dstGap), rsv(reserved) {}
};

template <class T> struct DataCopyPadExtParams {
    bool isPad = false;
    uint8_t leftPadding = 0, rightPadding = 0;
    T paddingValue{};
    DataCopyPadExtParams() = default;
    DataCopyPadExtParams(bool pad, uint8_t left, uint8_t right, T value)
        : isPad(pad), leftPadding(left), rightPadding(right), paddingValue(value) {}
};

struct Nd2NzParams {
    uint16_t ndNum = 1, nValue = 0, dValue = 0, srcNdMatrixStride = 0, srcDValue = 0, dstNzC0Stride = 0, dstNzNStride = 1,
             dstNzMatrixStride = 0;
    Nd2NzParams() = default;
    Nd2NzParams(uint16_t matrices, uint16_t n, uint16_t d, uint16_t srcMatrix, uint16_t srcD, uint16_t dstC0, uint16_t dstN,
                uint16_t dstMatrix)
        : ndNum(matrices), nValue(n), dValue(d), srcNdMatrixStride(srcMatrix), srcDValue(srcD), dstNzC0Stride(dstC0),
          dstNzNStride(dstN), dstNzMatrixStride(dstMatrix) {}
};

template <class T> inline portolan::Rows wholeBlocks(uint64_t bytes) {
    portolan::Rows rows{};
    rows.count = 1, rows.length = uint32_t(bytes), rows.element = sizeof(T);
    return rows;
}
template <class T> inline portolan::Rows wholeBlocks(const DataCopyParams &steps) {
    portolan::Rows rows{};
    rows.count = steps.blockCount, rows.length = steps.blockLen * 32u, rows.element = sizeof(T);
    rows.sourceStep = (uint64_t(steps.blockLen) + steps.srcStride) * 32;
    rows.targetStep = (uint64_t(steps.blockLen) + steps.dstStride) * 32;
    return rows;
}

template <class T> inline void DataCopy(const LocalTensor<T> &dst, const GlobalTensor<T> &src, uint32_t count, PORTOLAN_LINE) {
    portolan::copyIn(dst, src, wholeBlocks<T>(uint64_t(count) * sizeof(T)), {"DataCopy", line.number});
}
template <class T> inline void DataCopy(const GlobalTensor<T> &dst, const LocalTensor<T> &src, uint32_t count, PORTOLAN_LINE) {
    portolan::copyOut(dst, src, wholeBlocks<T>(uint64_t(count) * sizeof(T)), {"DataCopy", line.number});
}
template <class T> inline void DataCopy(const LocalTensor<T> &dst, const LocalTensor<T> &src, uint32_t count, PORTOLAN_LINE) {
    portolan::copyLocal(dst, src, wholeBlocks<T>(uint64_t(count) * sizeof(T)), {"DataCopy", line.number});
}
template <class T> inline void DataCopy(const LocalTensor<T> &dst, const GlobalTensor<T> &src, const DataCopyParams &steps, PORTOLAN_LINE) {
    portolan::copyIn(dst, src, wholeBlocks<T>(steps), {"DataCopy", line.number});
}
template <class T> inline void DataCopy(const GlobalTensor<T> &dst, const LocalTensor<T> &src, const DataCopyParams &steps, PORTOLAN_LINE) {
    portolan::copyOut(dst, src, wholeBlocks<T>(steps), {"DataCopy", line.number});
}
template <class T> inline void DataCopy(const LocalTensor<T> &dst, const LocalTensor<T> &src, const DataCopyParams &steps, PORTOLAN_LINE) {
    portolan::copyLocal(dst, src, wholeBlocks<T>(steps), {"DataCopy", line.number});
}
template <class T> inline void DataCopy(const GlobalTensor<T> &, const GlobalTensor<T> &, uint32_t) {
    static_assert(sizeof(T) == 0, "DataCopy: there is no path from global memory to global memory");
}

// Rows of a matrix in global memory to fractals in L1.
template <class T> inline void DataCopy(const LocalTensor<T> &dst, const GlobalTensor<T> &src, const Nd2NzParams &steps, PORTOLAN_LINE) {
    static_assert(kHasCube, "DataCopy with Nd2NzParams: dav-2002 has it not");
    portolan::Nd2Nz shape{steps.ndNum, steps.nValue, steps.dValue, steps.srcNdMatrixStride, steps.srcDValue,
                          steps.dstNzC0Stride, steps.dstNzNStride, steps.dstNzMatrixStride};
    portolan::fractals(sizeof(T), dst, src, shape, {"DataCopy(Nd2Nz)", line.number});
}

inline uint64_t upToBlock(uint64_t bytes) { return (bytes + 31) / 32 * 32; }

template <class T>
inline void DataCopyPad(const LocalTensor<T> &dst, const GlobalTensor<T> &src, const DataCopyExtParams &steps,
                        const DataCopyPadExtParams<T> &padding, PORTOLAN_LINE) {
    static_assert(kHasPad, "DataCopyPad: dav-2002 has it not; copy whole 32-byte blocks");
    portolan::Rows rows{};
    rows.count = steps.blockCount, rows.length = steps.blockLen, rows.element = sizeof(T);
    rows.left = padding.leftPadding * sizeof(T), rows.right = padding.rightPadding * sizeof(T);
    rows.padding = bitsOf(padding.paddingValue), rows.isPad = padding.isPad ? 1 : 2;
    rows.sourceStep = uint64_t(steps.blockLen) + steps.srcStride;
    rows.targetStep = upToBlock(uint64_t(steps.blockLen) + (padding.isPad ? rows.left + rows.right : 0)) + steps.dstStride * 32ull;
    portolan::copyIn(dst, src, rows, {"DataCopyPad", line.number});
}
template <class T>
inline void DataCopyPad(const GlobalTensor<T> &dst, const LocalTensor<T> &src, const DataCopyExtParams &steps, PORTOLAN_LINE) {
    static_assert(kHasPad, "DataCopyPad: dav-2002 has it not; copy whole 32-byte blocks");
    portolan::Rows rows{};
    rows.count = steps.blockCount, rows.length = steps.blockLen, rows.element = sizeof(T), rows.isPad = 2;
    rows.sourceStep = upToBlock(steps.blockLen) + steps.srcStride * 32ull;
    rows.targetStep = uint64_t(steps.blockLen) + steps.dstStride;
    portolan::copyOut(dst, src, rows, {"DataCopyPad", line.number});
}

} // namespace AscendC
