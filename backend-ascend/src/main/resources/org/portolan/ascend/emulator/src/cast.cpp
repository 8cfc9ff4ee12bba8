// Conversions. Which rounding modes a conversion takes is the chip's.
#include "numerics.h"
#include "operands.h"

namespace portolan {
namespace {

enum Mode : int32_t { None, Rint, Floor, Ceil, Round, Trunc, Odd };

constexpr uint32_t kNone = 1, kWhole = 0x3e, kOdd = 0x40; // kWhole: RINT to TRUNC

uint32_t modesOf(Type to, Type from) {
    switch (from) {
        case Type::F16:
            if (to == Type::F32) return kNone;
            return to == Type::I8 || to == Type::U8 ? kWhole | kNone : kWhole;
        case Type::F32:
            if (to == Type::F16) return kWhole | kNone | kOdd;
            return kWhole;
        case Type::BF16: return to == Type::F32 ? kNone : kWhole;
        case Type::I8:
        case Type::U8: return kNone;
        case Type::I16: return to == Type::F32 ? kNone : kWhole | kNone;
        case Type::I32: return to == Type::F32 ? kWhole | kNone : kNone;
        case Type::I64: return to == Type::F32 ? kWhole : kNone;
        default: return 0;
    }
}

double whole(double x, int32_t mode) {
    switch (mode) {
        case Floor: return __builtin_floor(x);
        case Ceil: return __builtin_ceil(x);
        case Round: return x < 0 ? -__builtin_floor(0.5 - x) : __builtin_floor(x + 0.5);
        case Trunc: return __builtin_trunc(x);
        default: return __builtin_roundeven(x);
    }
}

template <class T> T saturate(double x, double low, double high) {
    if (x != x) return 0;
    return x <= low ? T(low) : x >= high ? T(high) : T(x);
}

int64_t saturate64(double x) {
    if (x != x) return 0;
    if (x >= 9223372036854775808.0) return INT64_MAX;
    return x < -9223372036854775808.0 ? INT64_MIN : int64_t(x);
}

// What the three narrow floating types are made of: the value toward zero, and the next one away from it.
struct Half {
    using Bits = uint16_t;
    static constexpr Bits magnitude = 0x7fff, infinity = 0x7c00;
    static double value(Bits bits) { return bits == infinity ? 65536.0 : double(bitsAs<half>(bits)); }
    static Bits nearest(double x) { return bitsAs<Bits>(half(float(x))); } // off by one at most: see narrow
};
struct Brain {
    using Bits = uint16_t;
    static constexpr Bits magnitude = 0x7fff, infinity = 0x7f80;
    static double value(Bits bits) { return bits == infinity ? 0x1p128 : double(toFloat({bits})); }
    static Bits nearest(double x) { return toBf16(float(x)).bits; }
};
struct Single {
    using Bits = uint32_t;
    static constexpr Bits magnitude = 0x7fffffff, infinity = 0x7f800000;
    static double value(Bits bits) { return bits == infinity ? 0x1p128 : double(bitsAs<float>(bits)); }
    static Bits nearest(double x) { return bitsAs<Bits>(float(x)); }
};

template <class F> typename F::Bits narrow(double x, int32_t mode) {
    using Bits = typename F::Bits;
    bool negative = __builtin_signbit(x);
    Bits sign = negative ? Bits(~F::magnitude) : Bits(0);
    double size = __builtin_fabs(x);
    if (x != x) return Bits(F::infinity | F::infinity >> 1 | sign);
    if (size == __builtin_inf()) return Bits(F::infinity | sign);
    Bits low = Bits(F::nearest(size) & F::magnitude); // near; then toward zero
    if (low > F::infinity) low = F::infinity;
    while (low > 0 && F::value(low) > size) low--;
    if (low == F::infinity) low--;
    double lower = F::value(low);
    if (lower == size) return Bits(low | sign);
    Bits high = Bits(low + 1);
    double below = size - lower, above = F::value(high) - size;
    bool up = false;
    switch (mode) {
        case Floor: up = negative; break;
        case Ceil: up = !negative; break;
        case Trunc: up = false; break;
        case Round: up = below >= above; break;
        case Odd: up = (low & 1) == 0; break;
        default: up = below > above || (below == above && (low & 1) != 0); break;
    }
    return Bits((up ? high : low) | sign);
}

double widen(const uint8_t *from, Type type) {
    switch (type) {
        case Type::F32: return *reinterpret_cast<const float *>(from);
        case Type::F16: return *reinterpret_cast<const half *>(from);
        case Type::BF16: return toFloat(*reinterpret_cast<const bf16 *>(from));
        case Type::I8: return *reinterpret_cast<const int8_t *>(from);
        case Type::U8: return *from;
        case Type::I16: return *reinterpret_cast<const int16_t *>(from);
        case Type::I32: return *reinterpret_cast<const int32_t *>(from);
        default: return double(*reinterpret_cast<const int64_t *>(from));
    }
}

float fromLong(int64_t x, int32_t mode) {
    float near = float(x);
    if (mode == None || mode == Rint) return near;
    // Magnitudes, so that 2^63 needs no case of its own.
    uint64_t size = x < 0 ? -uint64_t(x) : uint64_t(x), got = uint64_t(__builtin_fabsf(near));
    uint32_t bits = bitsAs<uint32_t>(near);
    bool negative = x < 0;
    if (got == size) return near;
    uint32_t low = got > size ? bits - 1 : bits; // toward zero
    uint64_t below = size - uint64_t(__builtin_fabsf(bitsAs<float>(low))), above = uint64_t(__builtin_fabsf(bitsAs<float>(low + 1))) - size;
    bool up = mode == Floor ? negative : mode == Ceil ? !negative : mode == Round && below >= above;
    return bitsAs<float>(up ? low + 1 : low);
}

void one(uint8_t *to, Type toType, const uint8_t *from, Type fromType, int32_t mode, float scale) {
    if (fromType == Type::I64) {
        int64_t x = *reinterpret_cast<const int64_t *>(from);
        if (toType == Type::F32) *reinterpret_cast<float *>(to) = fromLong(x, mode);
        else *reinterpret_cast<int32_t *>(to) = int32_t(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x);
        return;
    }
    double x = widen(from, fromType);
    switch (toType) {
        case Type::F32:
            if (fromType == Type::F32) *reinterpret_cast<float *>(to) = float(whole(x, mode));
            else *reinterpret_cast<uint32_t *>(to) = narrow<Single>(x, mode);
            return;
        case Type::F16:
            if (fromType == Type::I32) *reinterpret_cast<half *>(to) = half(float(x) * scale);
            else *reinterpret_cast<uint16_t *>(to) = narrow<Half>(x, mode);
            return;
        case Type::BF16: *reinterpret_cast<uint16_t *>(to) = narrow<Brain>(x, mode); return;
        case Type::I8: *reinterpret_cast<int8_t *>(to) = saturate<int8_t>(whole(x, mode), -128, 127); return;
        case Type::U8: *to = saturate<uint8_t>(whole(x, mode), 0, 255); return;
        case Type::I16: *reinterpret_cast<int16_t *>(to) = saturate<int16_t>(whole(x, mode), -32768, 32767); return;
        case Type::I32: *reinterpret_cast<int32_t *>(to) = saturate<int32_t>(whole(x, mode), -2147483648.0, 2147483647.0); return;
        default: *reinterpret_cast<int64_t *>(to) = saturate64(whole(x, mode)); return;
    }
}

void checkMode(Core &core, Type to, Type from, int32_t mode) {
    if (mode < None || mode > Odd || (modesOf(to, from) >> mode & 1) == 0) {
        constexpr const char *names[] = {"CAST_NONE", "CAST_RINT", "CAST_FLOOR", "CAST_CEIL", "CAST_ROUND", "CAST_TRUNC", "CAST_ODD"};
        core.fault("this conversion does not take %s", mode >= None && mode <= Odd ? names[mode] : "such a rounding mode");
    }
}

template <class To, class From, class Step> bool fast(uint8_t *to, const uint8_t *from, int64_t count, Step step) {
    auto *d = reinterpret_cast<To *>(to);
    auto *s = reinterpret_cast<const From *>(from);
    for (int64_t i = 0; i < count; i++) d[i] = step(s[i]);
    return true;
}

// The frequent conversions, as loops that are vectorised.
bool common(uint8_t *to, Type toType, const uint8_t *from, Type fromType, int32_t mode, int64_t count) {
    bool near = mode == None || mode == Rint;
    if (toType == Type::F32 && fromType == Type::F16) return fast<float, half>(to, from, count, [](half x) { return float(x); });
    if (toType == Type::F16 && fromType == Type::F32 && near) return fast<half, float>(to, from, count, [](float x) { return half(x); });
    if (toType == Type::F32 && fromType == Type::BF16) return fast<float, bf16>(to, from, count, [](bf16 x) { return toFloat(x); });
    if (toType == Type::BF16 && fromType == Type::F32 && near) return fast<bf16, float>(to, from, count, [](float x) { return toBf16(x); });
    if (toType == Type::F32 && fromType == Type::I32 && near) return fast<float, int32_t>(to, from, count, [](int32_t x) { return float(x); });
    return false;
}

} // namespace

void cast(Type to, Type from, const Local &dst, const Local &a, int32_t mode, int64_t count, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    checkMode(core, to, from, mode);
    if (count == 0) return;
    uint32_t wide = sizeOf(to), narrow = sizeOf(from);
    unified(core, dst, "the destination"), unified(core, a, "the source");
    uint8_t *source = portolan::source<uint8_t>(core, a, count * narrow, "the source");
    uint8_t *target = portolan::target<uint8_t>(core, dst, count * wide);
    bool same = source == target && wide == narrow;
    if (!same && target < source + count * narrow && source < target + count * wide) core.fault("the destination and the source overlap");
    if (common(target, to, source, from, mode, count)) return;
    for (int64_t i = 0; i < count; i++) one(target + i * wide, to, source + i * narrow, from, mode, core.dequantScale);
}

void castRepeat(Type to, Type from, const Local &dst, const Local &a, int32_t mode, const Repeat &repeat, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    checkMode(core, to, from, mode);
    checkRepeat(core, repeat);
    // A repeat has as many elements as 256 bytes of the wider type; the narrower one fills fewer blocks.
    uint32_t wide = sizeOf(to), narrow = sizeOf(from), lanes = 256 / most(wide, narrow);
    auto place1 = [](int32_t block, int32_t step, int32_t time, uint32_t lane, uint32_t size) {
        uint64_t byte = uint64_t(lane) * size;
        return (int64_t(time) * step + int64_t(byte / kBlock) * block) * kBlock + byte % kBlock;
    };
    for (int32_t time = 0; time < repeat.times; time++) {
        for (uint32_t lane = 0; lane < lanes; lane++) {
            if ((repeat.mask[lane / 64] >> (lane % 64) & 1) == 0) continue;
            uint8_t *source = core.span(a, place1(repeat.firstBlock, repeat.firstRepeat, time, lane, narrow), narrow, "the source");
            uint8_t *target = core.span(dst, place1(repeat.dstBlock, repeat.dstRepeat, time, lane, wide), wide, "the destination");
            core.read(source, narrow, "the source");
            core.write(target, wide, "the destination");
            one(target, to, source, from, mode, core.dequantScale);
        }
    }
}

} // namespace portolan
