// The vector unit. Which types an operation has is the chip's; another type does not compile.
#pragma once
#include "pipe.h"

namespace AscendC {

struct UnaryRepeatParams {
    uint16_t dstBlkStride = 1, srcBlkStride = 1;
    uint8_t dstRepStride = 8, srcRepStride = 8;
    UnaryRepeatParams() = default;
    UnaryRepeatParams(uint16_t dstBlk, uint16_t srcBlk, uint8_t dstRep, uint8_t srcRep)
        : dstBlkStride(dstBlk), srcBlkStride(srcBlk), dstRepStride(dstRep), srcRepStride(srcRep) {}
};

struct BinaryRepeatParams {
    uint8_t dstBlkStride = 1, src0BlkStride = 1, src1BlkStride = 1, dstRepStride = 8, src0RepStride = 8, src1RepStride = 8;
    BinaryRepeatParams() = default;
    BinaryRepeatParams(uint8_t dstBlk, uint8_t src0Blk, uint8_t src1Blk, uint8_t dstRep, uint8_t src0Rep, uint8_t src1Rep)
        : dstBlkStride(dstBlk), src0BlkStride(src0Blk), src1BlkStride(src1Blk), dstRepStride(dstRep), src0RepStride(src0Rep),
          src1RepStride(src1Rep) {}
};

struct BrcbRepeatParams {
    uint16_t dstBlkStride = 1, dstRepStride = 8;
    BrcbRepeatParams() = default;
    BrcbRepeatParams(uint16_t dstBlk, uint16_t dstRep) : dstBlkStride(dstBlk), dstRepStride(dstRep) {}
};

// The first `count` lanes of a repeat; a count that no repeat has makes -1 repeats, and the library says so.
template <class T> inline portolan::Repeat lanes(uint64_t count, int32_t times) {
    portolan::Repeat repeat{};
    repeat.times = times;
    if (count == 0 || count > 256 / sizeof(T)) {
        repeat.times = -1;
    } else {
        repeat.mask[0] = count >= 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
        repeat.mask[1] = count <= 64 ? 0 : count >= 128 ? ~uint64_t(0) : (uint64_t(1) << (count - 64)) - 1;
    }
    return repeat;
}
template <class T> inline portolan::Repeat lanes(const uint64_t mask[], int32_t times) {
    portolan::Repeat repeat{};
    repeat.times = times;
    repeat.mask[0] = mask[0];
    repeat.mask[1] = sizeof(T) == 4 ? 0 : mask[1];
    return repeat;
}
inline portolan::Repeat with(portolan::Repeat repeat, const UnaryRepeatParams &steps) {
    repeat.dstBlock = steps.dstBlkStride, repeat.firstBlock = steps.srcBlkStride;
    repeat.dstRepeat = steps.dstRepStride, repeat.firstRepeat = steps.srcRepStride;
    return repeat;
}
inline portolan::Repeat with(portolan::Repeat repeat, const BinaryRepeatParams &steps) {
    repeat.dstBlock = steps.dstBlkStride, repeat.firstBlock = steps.src0BlkStride, repeat.secondBlock = steps.src1BlkStride;
    repeat.dstRepeat = steps.dstRepStride, repeat.firstRepeat = steps.src0RepStride, repeat.secondRepeat = steps.src1RepStride;
    return repeat;
}

#define PORTOLAN_BINARY(name, operation, types, ...)                                                                          \
    template <class T, bool isSetMask = true>                                                                                 \
    inline void name(const LocalTensor<T> &dst, const LocalTensor<T> &src0, const LocalTensor<T> &src1, int32_t count,        \
                     PORTOLAN_LINE) {                                                                                         \
        static_assert(isOneOf<T, __VA_ARGS__>, #name ": the vector unit has it for " types " only");                          \
        portolan::binary(portolan::Binary::operation, typeOf<T>, dst, src0, src1, count, {#name, line.number});               \
    }                                                                                                                         \
    template <class T, bool isSetMask = true, class Mask>                                                                     \
    inline void name(const LocalTensor<T> &dst, const LocalTensor<T> &src0, const LocalTensor<T> &src1, Mask mask,            \
                     uint8_t repeatTime, const BinaryRepeatParams &steps, PORTOLAN_LINE) {                                    \
        static_assert(isOneOf<T, __VA_ARGS__>, #name ": the vector unit has it for " types " only");                          \
        portolan::binaryRepeat(portolan::Binary::operation, typeOf<T>, dst, src0, src1, with(lanes<T>(mask, repeatTime), steps), \
                               {#name, line.number});                                                                         \
    }
PORTOLAN_BINARY(Add, Add, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_BINARY(Sub, Sub, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_BINARY(Mul, Mul, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_BINARY(Div, Div, "half, float", half, float)
PORTOLAN_BINARY(Max, Max, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_BINARY(Min, Min, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_BINARY(And, And, "int16_t, uint16_t", int16_t, uint16_t)
PORTOLAN_BINARY(Or, Or, "int16_t, uint16_t", int16_t, uint16_t)
PORTOLAN_BINARY(MulAddDst, MulAddDst, "half, float", half, float)
#undef PORTOLAN_BINARY

#define PORTOLAN_UNARY(name, types, ...)                                                                                      \
    template <class T, bool isSetMask = true>                                                                                 \
    inline void name(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t count, PORTOLAN_LINE) {                    \
        static_assert(isOneOf<T, __VA_ARGS__>, #name ": the vector unit has it for " types " only");                          \
        portolan::unary(portolan::Unary::name, typeOf<T>, dst, src, count, {#name, line.number});                             \
    }                                                                                                                         \
    template <class T, bool isSetMask = true, class Mask>                                                                     \
    inline void name(const LocalTensor<T> &dst, const LocalTensor<T> &src, Mask mask, uint8_t repeatTime,                     \
                     const UnaryRepeatParams &steps, PORTOLAN_LINE) {                                                         \
        static_assert(isOneOf<T, __VA_ARGS__>, #name ": the vector unit has it for " types " only");                          \
        portolan::unaryRepeat(portolan::Unary::name, typeOf<T>, dst, src, with(lanes<T>(mask, repeatTime), steps),            \
                              {#name, line.number});                                                                          \
    }
PORTOLAN_UNARY(Abs, "half, float", half, float)
PORTOLAN_UNARY(Exp, "half, float", half, float)
PORTOLAN_UNARY(Ln, "half, float", half, float)
PORTOLAN_UNARY(Sqrt, "half, float", half, float)
PORTOLAN_UNARY(Rsqrt, "half, float", half, float)
PORTOLAN_UNARY(Reciprocal, "half, float", half, float)
PORTOLAN_UNARY(Relu, "half, float, int32_t", half, float, int32_t)
PORTOLAN_UNARY(Not, "int16_t, uint16_t", int16_t, uint16_t)
#undef PORTOLAN_UNARY

// The scalar has the tensor's type: a number of another type would be converted without a word.
#define PORTOLAN_SCALAR(name, types, ...)                                                                                     \
    template <class T, bool isSetMask = true, class U>                                                                        \
    inline void name(const LocalTensor<T> &dst, const LocalTensor<T> &src, const U &value, int32_t count, PORTOLAN_LINE) {    \
        static_assert(isOneOf<T, __VA_ARGS__>, #name ": the vector unit has it for " types " only");                          \
        portolan::scalar(portolan::Scalar::name, typeOf<T>, dst, src, bitsOf(static_cast<T>(value)), count, {#name, line.number}); \
    }                                                                                                                         \
    template <class T, bool isSetMask = true, class U, class Mask>                                                            \
    inline void name(const LocalTensor<T> &dst, const LocalTensor<T> &src, const U &value, Mask mask, uint8_t repeatTime,     \
                     const UnaryRepeatParams &steps, PORTOLAN_LINE) {                                                         \
        static_assert(isOneOf<T, __VA_ARGS__>, #name ": the vector unit has it for " types " only");                          \
        portolan::scalarRepeat(portolan::Scalar::name, typeOf<T>, dst, src, bitsOf(static_cast<T>(value)),                    \
                               with(lanes<T>(mask, repeatTime), steps), {#name, line.number});                                \
    }
PORTOLAN_SCALAR(Adds, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_SCALAR(Muls, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_SCALAR(Maxs, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_SCALAR(Mins, "half, float, int16_t, int32_t", half, float, int16_t, int32_t)
PORTOLAN_SCALAR(LeakyRelu, "half, float", half, float)
PORTOLAN_SCALAR(ShiftLeft, "16- and 32-bit integers", int16_t, uint16_t, int32_t, uint32_t)
PORTOLAN_SCALAR(ShiftRight, "16- and 32-bit integers", int16_t, uint16_t, int32_t, uint32_t)
PORTOLAN_SCALAR(Axpy, "half, float", half, float)
#undef PORTOLAN_SCALAR

template <class T> constexpr bool isMovable = isOneOf<T, half, int16_t, uint16_t, int32_t, uint32_t, float> || (kHasBf16 && isOneOf<T, bfloat16_t>);

template <class T, bool isSetMask = true>
inline void Duplicate(const LocalTensor<T> &dst, const T &value, int32_t count, PORTOLAN_LINE) {
    static_assert(isMovable<T>, "Duplicate: 16- and 32-bit types only");
    portolan::scalar(portolan::Scalar::Duplicate, typeOf<T>, dst, dst, bitsOf(value), count, {"Duplicate", line.number});
}
template <class T, bool isSetMask = true, class Mask>
inline void Duplicate(const LocalTensor<T> &dst, const T &value, Mask mask, uint8_t repeatTime, uint16_t dstBlockStride,
                      uint8_t dstRepeatStride, PORTOLAN_LINE) {
    static_assert(isMovable<T>, "Duplicate: 16- and 32-bit types only");
    portolan::scalarRepeat(portolan::Scalar::Duplicate, typeOf<T>, dst, dst, bitsOf(value),
                           with(lanes<T>(mask, repeatTime), UnaryRepeatParams(dstBlockStride, 1, dstRepeatStride, 8)),
                           {"Duplicate", line.number});
}

// Which conversions there are; each takes only some of the rounding modes, which the library checks.
template <class To, class From> constexpr bool isCast =
    isOneOf<From, half> ? isOneOf<To, float, int8_t, uint8_t, int16_t, int32_t>
    : isOneOf<From, float> ? isOneOf<To, half, float, int16_t, int32_t, int64_t> || (kHasBf16 && isOneOf<To, bfloat16_t>)
    : isOneOf<From, bfloat16_t> ? kHasBf16 && isOneOf<To, float, int32_t>
    : isOneOf<From, int8_t, uint8_t> ? isOneOf<To, half>
    : isOneOf<From, int16_t> ? isOneOf<To, float, half>
    : isOneOf<From, int32_t> ? isOneOf<To, float, int16_t, int64_t, half>
    : isOneOf<From, int64_t> && isOneOf<To, int32_t, float>;

template <class To, class From, bool isSetMask = true>
inline void Cast(const LocalTensor<To> &dst, const LocalTensor<From> &src, const RoundMode &mode, uint32_t count, PORTOLAN_LINE) {
    static_assert(isCast<To, From>, "Cast: the vector unit has no conversion between these types; chain it through float or half");
    portolan::cast(typeOf<To>, typeOf<From>, dst, src, int32_t(mode), count, {"Cast", line.number});
}
template <class To, class From, bool isSetMask = true, class Mask>
inline void Cast(const LocalTensor<To> &dst, const LocalTensor<From> &src, const RoundMode &mode, Mask mask, uint8_t repeatTime,
                 const UnaryRepeatParams &steps, PORTOLAN_LINE) {
    static_assert(isCast<To, From>, "Cast: the vector unit has no conversion between these types; chain it through float or half");
    if constexpr (sizeof(To) >= sizeof(From)) {
        portolan::castRepeat(typeOf<To>, typeOf<From>, dst, src, int32_t(mode), with(lanes<To>(mask, repeatTime), steps), {"Cast", line.number});
    } else {
        portolan::castRepeat(typeOf<To>, typeOf<From>, dst, src, int32_t(mode), with(lanes<From>(mask, repeatTime), steps), {"Cast", line.number});
    }
}
inline void SetDeqScale(half scale, PORTOLAN_LINE) { portolan::setDequantScale(float(scale), {"SetDeqScale", line.number}); }

template <class U> constexpr bool isMask = isOneOf<U, uint8_t, int8_t, uint16_t, uint32_t, uint64_t>;

// One bit for each element, in the order of the elements.
template <class T, class U>
inline void Compare(const LocalTensor<U> &dst, const LocalTensor<T> &src0, const LocalTensor<T> &src1, CMPMODE mode, uint32_t count,
                    PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float, int32_t>, "Compare: the vector unit has it for half, float and (EQ only) int32_t");
    static_assert(isOneOf<U, int8_t, uint8_t>, "Compare: the result is a tensor of uint8_t or int8_t");
    portolan::compare(int32_t(mode), typeOf<T>, dst, src0, &src1, 0, count, {"Compare", line.number});
}
template <class T, class U>
inline void Compares(const LocalTensor<U> &dst, const LocalTensor<T> &src0, T value, CMPMODE mode, uint32_t count, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float, int32_t>, "Compares: the vector unit has it for half, float and (EQ only) int32_t");
    static_assert(isOneOf<U, int8_t, uint8_t>, "Compares: the result is a tensor of uint8_t or int8_t");
    portolan::compare(int32_t(mode), typeOf<T>, dst, src0, nullptr, bitsOf(value), count, {"Compares", line.number});
}
// What Compares is called before CANN 8.2.
template <class T, class U>
inline void CompareScalar(const LocalTensor<U> &dst, const LocalTensor<T> &src0, T value, CMPMODE mode, uint32_t count, PORTOLAN_LINE) {
    Compares(dst, src0, value, mode, count, line);
}

template <class T, class U>
inline void Select(const LocalTensor<T> &dst, const LocalTensor<U> &mask, const LocalTensor<T> &src0, const LocalTensor<T> &src1,
                   SELMODE mode, uint32_t count, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float>, "Select: the vector unit has it for half and float only");
    static_assert(isMask<U>, "Select: the mask is a tensor of unsigned integers");
    portolan::select(int32_t(mode), typeOf<T>, dst, mask, src0, &src1, 0, count, {"Select", line.number});
}
template <class T, class U>
inline void Select(const LocalTensor<T> &dst, const LocalTensor<U> &mask, const LocalTensor<T> &src0, T src1, SELMODE mode,
                   uint32_t count, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float>, "Select: the vector unit has it for half and float only");
    static_assert(isMask<U>, "Select: the mask is a tensor of unsigned integers");
    portolan::select(int32_t(mode), typeOf<T>, dst, mask, src0, nullptr, bitsOf(src1), count, {"Select", line.number});
}

#define PORTOLAN_REDUCTION(kind)                                                                                              \
    template <class T, bool isSetMask = true>                                                                                 \
    inline void WholeReduce##kind(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t mask, int32_t repeatTime,     \
                                  int32_t dstRepStride, int32_t srcBlkStride, int32_t srcRepStride,                           \
                                  ReduceOrder order = ReduceOrder::ORDER_VALUE_INDEX, PORTOLAN_LINE) {                        \
        static_assert(isOneOf<T, half, float>, "WholeReduce" #kind ": the vector unit has it for half and float only");       \
        portolan::Repeat repeat = lanes<T>(uint64_t(mask), repeatTime);                                                       \
        repeat.dstRepeat = dstRepStride, repeat.firstBlock = srcBlkStride, repeat.firstRepeat = srcRepStride;                 \
        portolan::wholeReduce(portolan::Reduction::kind, typeOf<T>, dst, src, repeat, int32_t(order), {"WholeReduce" #kind, line.number}); \
    }                                                                                                                         \
    template <class T, bool isSetMask = true>                                                                                 \
    inline void BlockReduce##kind(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t repeatTime, int32_t mask,     \
                                  int32_t dstRepStride, int32_t srcBlkStride, int32_t srcRepStride, PORTOLAN_LINE) {          \
        static_assert(isOneOf<T, half, float>, "BlockReduce" #kind ": the vector unit has it for half and float only");       \
        portolan::Repeat repeat = lanes<T>(uint64_t(mask), repeatTime);                                                       \
        repeat.dstRepeat = dstRepStride, repeat.firstBlock = srcBlkStride, repeat.firstRepeat = srcRepStride;                 \
        portolan::blockReduce(portolan::Reduction::kind, typeOf<T>, dst, src, repeat, {"BlockReduce" #kind, line.number});    \
    }
PORTOLAN_REDUCTION(Sum)
PORTOLAN_REDUCTION(Max)
PORTOLAN_REDUCTION(Min)
#undef PORTOLAN_REDUCTION

template <class T, bool isSetMask = true>
inline void ReduceSum(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LocalTensor<T> &work, int32_t count, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float>, "ReduceSum: the vector unit has it for half and float only");
    portolan::reduce(portolan::Reduction::Sum, typeOf<T>, dst, src, work, count, false, {"ReduceSum", line.number});
}
template <class T>
inline void ReduceMax(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LocalTensor<T> &work, int32_t count,
                      bool calIndex = false, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float>, "ReduceMax: the vector unit has it for half and float only");
    portolan::reduce(portolan::Reduction::Max, typeOf<T>, dst, src, work, count, calIndex, {"ReduceMax", line.number});
}
template <class T>
inline void ReduceMin(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LocalTensor<T> &work, int32_t count,
                      bool calIndex = false, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float>, "ReduceMin: the vector unit has it for half and float only");
    portolan::reduce(portolan::Reduction::Min, typeOf<T>, dst, src, work, count, calIndex, {"ReduceMin", line.number});
}

// Offsets are in bytes and relative to `base` bytes after the source's start.
template <class T>
inline void Gather(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LocalTensor<uint32_t> &srcOffset, uint32_t base,
                   uint32_t count, PORTOLAN_LINE) {
    static_assert(isMovable<T>, "Gather: 16- and 32-bit types only");
    portolan::gather(sizeof(T), dst, src, srcOffset, base, count, {"Gather", line.number});
}

// Each of eight elements fills one block.
template <class T>
inline void Brcb(const LocalTensor<T> &dst, const LocalTensor<T> &src, uint8_t repeatTime, const BrcbRepeatParams &steps, PORTOLAN_LINE) {
    static_assert(isMovable<T>, "Brcb: 16- and 32-bit types only");
    portolan::Repeat repeat{};
    repeat.times = repeatTime, repeat.dstBlock = steps.dstBlkStride, repeat.dstRepeat = steps.dstRepStride;
    portolan::broadcastBlocks(sizeof(T), dst, src, repeat, {"Brcb", line.number});
}

// A matrix of 16 x 16 elements of 16 bits.
template <class T> inline void Transpose(const LocalTensor<T> &dst, const LocalTensor<T> &src, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, int16_t, uint16_t>, "Transpose: 16-bit types only");
    portolan::transpose16(dst, src, {"Transpose", line.number});
}

// first, first + 1, ...
template <class T> inline void CreateVecIndex(const LocalTensor<T> &dst, const T &first, uint32_t count, PORTOLAN_LINE) {
    static_assert(isOneOf<T, half, float, int16_t, int32_t>, "CreateVecIndex: half, float, int16_t or int32_t");
    portolan::vectorIndex(typeOf<T>, dst, bitsOf(first), count, {"CreateVecIndex", line.number});
}

} // namespace AscendC
