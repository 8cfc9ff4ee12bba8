// Arithmetic of the vector unit: each operation rounds its own result. The functions are computed in double precision
// and rounded once, so that their error is below 0.51 units in the last place; loops over them are vectorised.
#pragma once
#include "../include/portolan/runtime.h"

namespace portolan {

typedef _Float16 half;
struct bf16 {
    uint16_t bits;
};

template <class To, class From> inline To bitsAs(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    __builtin_memcpy(&to, &from, sizeof(To));
    return to;
}

inline float toFloat(bf16 value) { return bitsAs<float>(uint32_t(value.bits) << 16); }
inline bf16 toBf16(float value) {
    uint32_t bits = bitsAs<uint32_t>(value);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return {uint16_t(value != value ? (bits >> 16 | 0x40) : rounded)};
}

constexpr double kRoundingBias = 6755399441055744.0; // 1.5 * 2^52: adding it leaves the nearest integer in the low bits

inline float exponential(float x) {
    double limited = x > 90.0f ? 90.0 : x < -110.0f ? -110.0 : double(x);
    double shifted = limited * 1.4426950408889634 + kRoundingBias;
    int64_t power = int64_t(bitsAs<uint64_t>(shifted) << 13) >> 13; // the low 51 bits, signed
    double whole = shifted - kRoundingBias;
    double rest = limited - whole * 0.6931471805599453;
    double sum = 1.0 / 3628800;
    sum = sum * rest + 1.0 / 362880;
    sum = sum * rest + 1.0 / 40320;
    sum = sum * rest + 1.0 / 5040;
    sum = sum * rest + 1.0 / 720;
    sum = sum * rest + 1.0 / 120;
    sum = sum * rest + 1.0 / 24;
    sum = sum * rest + 1.0 / 6;
    sum = sum * rest + 0.5;
    sum = sum * rest + 1.0;
    sum = sum * rest + 1.0;
    float result = float(sum * bitsAs<double>(uint64_t(power + 1023) << 52));
    return x != x ? x : result;
}

inline float logarithm(float x) {
    double value = double(x);
    uint64_t bits = bitsAs<uint64_t>(value);
    // The mantissa goes to [sqrt(1/2), sqrt(2)), so that the sum below is accurate near one.
    uint64_t moved = bits - 0x3fe6a09e667f3bcdull;
    int64_t power = int64_t(moved) >> 52;
    double mantissa = bitsAs<double>(bits - (uint64_t(power) << 52));
    double s = (mantissa - 1.0) / (mantissa + 1.0);
    double q = s * s;
    double sum = 1.0 / 15;
    sum = sum * q + 1.0 / 13;
    sum = sum * q + 1.0 / 11;
    sum = sum * q + 1.0 / 9;
    sum = sum * q + 1.0 / 7;
    sum = sum * q + 1.0 / 5;
    sum = sum * q + 1.0 / 3;
    sum = sum * q + 1.0;
    float result = float(2.0 * s * sum + double(power) * 0.6931471805599453);
    result = x == __builtin_inff() ? x : result;
    result = x == 0.0f ? -__builtin_inff() : result;
    return x < 0.0f || x != x ? __builtin_nanf("") : result;
}

// The unit's own reciprocals are coarse: results keep 12 bits, so that nothing can rely on more.
inline float coarse(float value) { return bitsAs<float>(bitsAs<uint32_t>(value) & 0xfffff000u); }

template <class T> struct Wide { using type = T; };
template <> struct Wide<half> { using type = float; };
template <class T> using WideOf = typename Wide<T>::type;

template <class T> inline constexpr bool isFloating = false;
template <> inline constexpr bool isFloating<float> = true;
template <> inline constexpr bool isFloating<half> = true;

struct AddOf { template <class T> static T apply(T a, T b) { if constexpr (isFloating<T>) return a + b; else return T(uint32_t(a) + uint32_t(b)); } };
struct SubOf { template <class T> static T apply(T a, T b) { if constexpr (isFloating<T>) return a - b; else return T(uint32_t(a) - uint32_t(b)); } };
struct MulOf { template <class T> static T apply(T a, T b) { if constexpr (isFloating<T>) return a * b; else return T(uint32_t(a) * uint32_t(b)); } };
struct DivOf { template <class T> static T apply(T a, T b) { return a / b; } };
struct MaxOf { template <class T> static T apply(T a, T b) { T r = a > b ? a : b; r = b != b ? b : r; return a != a ? a : r; } };
struct MinOf { template <class T> static T apply(T a, T b) { T r = a < b ? a : b; r = b != b ? b : r; return a != a ? a : r; } };
struct AndOf { template <class T> static T apply(T a, T b) { return T(a & b); } };
struct OrOf { template <class T> static T apply(T a, T b) { return T(a | b); } };

struct AbsOf { template <class T> static T apply(T a) { return bitsAs<T>(bitsAs<uint32_t>(a) & 0x7fffffffu); } };
struct ExpOf { static float apply(float a) { return exponential(a); } };
struct LnOf { static float apply(float a) { return logarithm(a); } };
struct SqrtOf { static float apply(float a) { return __builtin_sqrtf(a); } };
struct RsqrtOf { static float apply(float a) { return coarse(1.0f / __builtin_sqrtf(a)); } };
struct ReciprocalOf { static float apply(float a) { return coarse(1.0f / a); } };
struct ReluOf { template <class T> static T apply(T a) { return a < T(0) ? T(0) : a; } };
struct NotOf { template <class T> static T apply(T a) { return T(~a); } };

struct LeakyOf { template <class T> static T apply(T a, T slope) { return a < T(0) ? a * slope : a; } };
struct LeftOf { template <class T> static T apply(T a, T by) { return uint32_t(by) >= sizeof(T) * 8 ? T(0) : T(uint32_t(a) << by); } };
struct RightOf { template <class T> static T apply(T a, T by) { return uint32_t(by) >= sizeof(T) * 8 ? T(a < 0 ? -1 : 0) : T(a >> by); } };

#define PORTOLAN_LANES _Pragma("clang loop vectorize(assume_safety) interleave(enable)")

} // namespace portolan
