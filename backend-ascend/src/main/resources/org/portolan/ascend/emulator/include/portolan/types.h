// Element types, enumerations and the chip's numbers. The chip is __NPU_ARCH__: 2201 (Atlas A2, A3: Ascend910B),
// 2002 (Ascend310P) or 3510 (Ascend950).
#pragma once
#include "runtime.h"

#ifndef __NPU_ARCH__
#define __NPU_ARCH__ 2201
#endif

#define __gm__
#define __ubuf__
#define __cbuf__
#define __aicore__
#define __vector__
#define __cube__
#define __mix__(cube, vector)
#define __global__ __attribute__((visibility("default"), used))
#define GM_ADDR __gm__ uint8_t *
#define KERNEL_TYPE_AIV_ONLY 1
#define KERNEL_TYPE_AIC_ONLY 2
#define KERNEL_TASK_TYPE_DEFAULT(type) static_assert((type) == 1 || (type) == 2, "only AIV_ONLY and AIC_ONLY kernels")

typedef _Float16 half;

// Storage only: the vector unit has no arithmetic on it, and neither has this type.
struct bfloat16_t {
    uint16_t bits;
};

enum pipe_t { PIPE_S = 0, PIPE_V, PIPE_M, PIPE_MTE1, PIPE_MTE2, PIPE_MTE3, PIPE_FIX, PIPE_ALL };
enum event_t { EVENT_ID0 = 0, EVENT_ID1, EVENT_ID2, EVENT_ID3, EVENT_ID4, EVENT_ID5, EVENT_ID6, EVENT_ID7 };

namespace AscendC {

enum class TPosition : uint8_t { GM, A1, A2, B1, B2, C1, C2, CO1, CO2, VECIN, VECOUT, VECCALC, LCM = VECCALC, SPM, SHM = SPM, TSCM, MAX };
using QuePosition = TPosition;

#define PORTOLAN_EVENT(from, to) from##_##to = ::PIPE_##from * 16 + ::PIPE_##to
enum class HardEvent : uint8_t {
    PORTOLAN_EVENT(S, V), PORTOLAN_EVENT(V, S), PORTOLAN_EVENT(S, MTE2), PORTOLAN_EVENT(MTE2, S), PORTOLAN_EVENT(S, MTE3),
    PORTOLAN_EVENT(MTE3, S), PORTOLAN_EVENT(MTE2, V), PORTOLAN_EVENT(V, MTE2), PORTOLAN_EVENT(MTE3, V),
    PORTOLAN_EVENT(V, MTE3), PORTOLAN_EVENT(MTE2, MTE3), PORTOLAN_EVENT(MTE3, MTE2), PORTOLAN_EVENT(MTE2, MTE1),
    PORTOLAN_EVENT(MTE1, MTE2), PORTOLAN_EVENT(MTE1, M), PORTOLAN_EVENT(M, MTE1), PORTOLAN_EVENT(MTE1, V),
    PORTOLAN_EVENT(V, MTE1), PORTOLAN_EVENT(M, V), PORTOLAN_EVENT(V, M), PORTOLAN_EVENT(M, FIX), PORTOLAN_EVENT(FIX, M),
    PORTOLAN_EVENT(FIX, MTE2), PORTOLAN_EVENT(MTE2, FIX), PORTOLAN_EVENT(FIX, MTE3), PORTOLAN_EVENT(MTE3, FIX),
    PORTOLAN_EVENT(FIX, S), PORTOLAN_EVENT(S, FIX), PORTOLAN_EVENT(M, S), PORTOLAN_EVENT(S, M), PORTOLAN_EVENT(FIX, V),
    PORTOLAN_EVENT(V, FIX), PORTOLAN_EVENT(MTE1, S), PORTOLAN_EVENT(S, MTE1), PORTOLAN_EVENT(MTE3, MTE1),
    PORTOLAN_EVENT(MTE1, MTE3), PORTOLAN_EVENT(MTE1, FIX), PORTOLAN_EVENT(FIX, MTE1),
};
#undef PORTOLAN_EVENT

enum class RoundMode : int32_t { CAST_NONE, CAST_RINT, CAST_FLOOR, CAST_CEIL, CAST_ROUND, CAST_TRUNC, CAST_ODD };
enum class CMPMODE : uint8_t { LT, GT, EQ, LE, GE, NE };
enum class SELMODE : uint8_t { VSEL_CMPMASK_SPR, VSEL_TENSOR_SCALAR_MODE, VSEL_TENSOR_TENSOR_MODE };
enum class ReduceOrder : int32_t { ORDER_VALUE_INDEX, ORDER_INDEX_VALUE, ORDER_ONLY_VALUE, ORDER_ONLY_INDEX };
enum QuantMode_t { NoQuant, F322F16, F322BF16, DEQF16, VDEQF16, REQ8, VREQ8 };

constexpr int kArchitecture = __NPU_ARCH__;
static_assert(kArchitecture == 2201 || kArchitecture == 2002 || kArchitecture == 3510,
              "__NPU_ARCH__ is 2201 (910B), 2002 (310P) or 3510 (950)");
constexpr bool kHasPad = kArchitecture != 2002;  // DataCopyPad
constexpr bool kHasBf16 = kArchitecture != 2002;
constexpr bool kHasCube = kArchitecture != 2002; // the path through L0C and Fixpipe
constexpr bool kHasSquares = kArchitecture == 2201; // loads that turn squares of any element

template <class A, class B> struct Same { static constexpr bool value = false; };
template <class A> struct Same<A, A> { static constexpr bool value = true; };
template <class T, class... Of> constexpr bool isOneOf = (Same<T, Of>::value || ...);

template <class T> struct TypeOf;
#define PORTOLAN_TYPE(type, name) \
    template <> struct TypeOf<type> { static constexpr portolan::Type value = portolan::Type::name; }
PORTOLAN_TYPE(float, F32);
PORTOLAN_TYPE(half, F16);
PORTOLAN_TYPE(bfloat16_t, BF16);
PORTOLAN_TYPE(int8_t, I8);
PORTOLAN_TYPE(uint8_t, U8);
PORTOLAN_TYPE(int16_t, I16);
PORTOLAN_TYPE(uint16_t, U16);
PORTOLAN_TYPE(int32_t, I32);
PORTOLAN_TYPE(uint32_t, U32);
PORTOLAN_TYPE(int64_t, I64);
PORTOLAN_TYPE(uint64_t, U64);
#undef PORTOLAN_TYPE
template <> struct TypeOf<bool> { static constexpr portolan::Type value = portolan::Type::U8; };
template <class T> constexpr portolan::Type typeOf = TypeOf<T>::value;

template <class T> inline uint64_t bitsOf(T value) {
    uint64_t bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    return bits;
}

inline float ToFloat(const bfloat16_t &value) {
    uint32_t bits = uint32_t(value.bits) << 16;
    float result;
    __builtin_memcpy(&result, &bits, 4);
    return result;
}

// Rounds to the nearest, ties to even.
inline bfloat16_t ToBfloat16(const float &value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    if (value != value) return {uint16_t(bits >> 16 | 0x40)};
    return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// The line of the kernel's source that makes a call.
struct Line {
    int32_t number;
    static constexpr Line here(int32_t number = __builtin_LINE()) { return {number}; }
};

// Where a template parameter stands last, so that a call may leave it out.
#define PORTOLAN_LINE Line line = Line::here()

} // namespace AscendC

// Which chip the kernels of this file are for; the library refuses them on another one.
extern "C" __attribute__((visibility("default"), weak, used)) const int portolan_ascend_architecture = __NPU_ARCH__;
