// Numbers of 64 bits with a fraction, which the chip has none of: by integers, every operation rounded once as IEEE 754
// says, to nearest with ties to even; denormals are kept.
struct Double {
    uint64_t bits;

    Double() = default;
    __aicore__ inline Double(float value);
    __aicore__ inline Double(int64_t value);
    __aicore__ inline Double(uint64_t value);

    // Towards zero; the value lies within the type.
    template <class T> __aicore__ inline explicit operator T() const;
};

namespace wide {

constexpr uint64_t SIGN = 1ull << 63;
constexpr uint64_t INFINITE = 0x7ffull << 52;

__aicore__ inline Double of(uint64_t bits) {
    Double result;
    result.bits = bits;
    return result;
}
__aicore__ inline Double nan() { return of(0x7ff8ull << 48); }
__aicore__ inline uint64_t magnitude(Double value) { return value.bits & ~SIGN; }
__aicore__ inline bool isNan(Double value) { return magnitude(value) > INFINITE; }

// The bits to the right of a place are lost, but that something was there is kept in the last one.
__aicore__ inline uint64_t shifted(uint64_t value, int32_t by) {
    if (by <= 0) return value;
    if (by >= 64) return uint64_t(value != 0);
    return value >> by | uint64_t((value << (64 - by)) != 0);
}

// significand * 2^exponent; of a finite number other than 0 the leading bit is the topmost.
struct Parts {
    uint64_t sign;
    int32_t exponent;
    uint64_t significand;
};
__aicore__ inline Parts parts(Double value) {
    const int32_t field = int32_t(value.bits >> 52 & 0x7ff);
    const uint64_t fraction = value.bits & ((1ull << 52) - 1);
    if (field != 0) return {value.bits & SIGN, field - 1086, (fraction | 1ull << 52) << 11};
    if (fraction == 0) return {value.bits & SIGN, 0, 0};
    const int32_t zeros = int32_t(leadingZeros64(fraction));
    return {value.bits & SIGN, -1074 - zeros, fraction << zeros};
}

// Rounds significand * 2^exponent, whose last bit may say that something was lost.
__aicore__ inline Double rounded(uint64_t sign, int32_t exponent, uint64_t significand) {
    if (significand == 0) return of(sign);
    const int32_t zeros = int32_t(leadingZeros64(significand));
    significand <<= zeros;
    int32_t field = exponent - zeros + 1086;
    if (field >= 0x7ff) return of(sign | INFINITE);
    if (field <= 0) {
        significand = shifted(significand, 1 - field);
        field = 0;
    }
    const uint64_t rest = significand & 0x7ff;
    uint64_t kept = significand >> 11;
    if (rest > 0x400 || (rest == 0x400 && (kept & 1) != 0)) kept++;
    // A carry out of the fraction runs into the exponent.
    return of(sign | ((field == 0 ? 0ull : uint64_t(field - 1) << 52) + kept));
}

struct Pair {
    uint64_t high;
    uint64_t low;
};
__aicore__ inline Pair product(uint64_t a, uint64_t b) {
    const uint64_t low = uint64_t(uint32_t(a)) * uint32_t(b);
    const uint64_t first = (a >> 32) * uint32_t(b);
    const uint64_t second = uint64_t(uint32_t(a)) * (b >> 32);
    const uint64_t middle = (low >> 32) + uint32_t(first) + uint32_t(second);
    return {(a >> 32) * (b >> 32) + (first >> 32) + (second >> 32) + (middle >> 32), middle << 32 | uint32_t(low)};
}
__aicore__ inline Pair shifted(Pair value, int32_t by) {
    if (by <= 0) return value;
    if (by >= 128) return {0, uint64_t((value.high | value.low) != 0)};
    if (by >= 64) return {0, shifted(value.high, by - 64) | uint64_t(value.low != 0)};
    return {value.high >> by, value.low >> by | value.high << (64 - by) | uint64_t((value.low << (64 - by)) != 0)};
}

__aicore__ inline Double sum(Double a, Double b) {
    if (isNan(a) || isNan(b)) return nan();
    if (magnitude(a) < magnitude(b)) {
        const Double other = a;
        a = b;
        b = other;
    }
    const bool alike = ((a.bits ^ b.bits) & SIGN) == 0;
    if (magnitude(a) == INFINITE) return !alike && magnitude(b) == INFINITE ? nan() : a;
    if (magnitude(b) == 0) return magnitude(a) == 0 && !alike ? of(0) : a;
    const Parts large = parts(a);
    const Parts small = parts(b);
    const uint64_t left = large.significand >> 1;
    const uint64_t right = shifted(small.significand >> 1, large.exponent - small.exponent);
    if (alike) return rounded(large.sign, large.exponent + 1, left + right);
    return left == right ? of(0) : rounded(large.sign, large.exponent + 1, left - right);
}

__aicore__ inline Double times(Double a, Double b) {
    const uint64_t sign = (a.bits ^ b.bits) & SIGN;
    if (isNan(a) || isNan(b)) return nan();
    if (magnitude(a) == INFINITE || magnitude(b) == INFINITE)
        return magnitude(a) == 0 || magnitude(b) == 0 ? nan() : of(sign | INFINITE);
    const Parts left = parts(a);
    const Parts right = parts(b);
    const Pair both = product(left.significand, right.significand);
    return rounded(sign, left.exponent + right.exponent + 64, both.high | uint64_t(both.low != 0));
}

__aicore__ inline Double quotient(Double a, Double b) {
    const uint64_t sign = (a.bits ^ b.bits) & SIGN;
    if (isNan(a) || isNan(b)) return nan();
    if (magnitude(a) == INFINITE) return magnitude(b) == INFINITE ? nan() : of(sign | INFINITE);
    if (magnitude(b) == 0) return magnitude(a) == 0 ? nan() : of(sign | INFINITE);
    if (magnitude(b) == INFINITE || magnitude(a) == 0) return of(sign);
    const Parts left = parts(a);
    const Parts right = parts(b);
    uint64_t rest = left.significand;
    uint64_t result = 0;
    bool over = false;
    for (int32_t i = 0; i < 58; i++) {
        result <<= 1;
        if (over || rest >= right.significand) {
            rest -= right.significand;
            result |= 1;
        }
        over = rest >> 63 != 0;
        rest <<= 1;
    }
    return rounded(sign, left.exponent - right.exponent - 58, result << 1 | uint64_t(over || rest != 0));
}

__aicore__ inline Double root(Double value) {
    if (isNan(value)) return nan();
    if (magnitude(value) == 0) return value;
    if (value.bits >> 63 != 0) return nan();
    if (value.bits == INFINITE) return value;
    Parts own = parts(value);
    if ((own.exponent & 1) != 0) {
        own.exponent++;
        own.significand >>= 1;
    }
    uint64_t rest = 0;
    uint64_t result = 0;
    for (int32_t i = 0; i < 57; i++) {
        rest = rest << 2 | own.significand >> 62;
        own.significand <<= 2;
        const uint64_t trial = result << 2 | 1;
        result <<= 1;
        if (rest >= trial) {
            rest -= trial;
            result |= 1;
        }
    }
    return rounded(0, own.exponent / 2 - 26, result << 1 | uint64_t(rest != 0));
}

// a * b + c, rounded once.
__aicore__ inline Double fused(Double a, Double b, Double c) {
    const uint64_t sign = (a.bits ^ b.bits) & SIGN;
    if (isNan(a) || isNan(b) || isNan(c)) return nan();
    if (magnitude(a) == INFINITE || magnitude(b) == INFINITE) return sum(times(a, b), c);
    if (magnitude(c) == INFINITE) return c;
    if (magnitude(a) == 0 || magnitude(b) == 0) return sum(of(sign), c);
    if (magnitude(c) == 0) return times(a, b);
    const Parts left = parts(a);
    const Parts right = parts(b);
    const Parts third = parts(c);
    // Both with a bit of room; what is shifted out is 0.
    Pair large = shifted(product(left.significand, right.significand), 1);
    Pair small = {third.significand >> 1, 0};
    int32_t exponent = left.exponent + right.exponent + 1;
    const int32_t other = third.exponent - 63;
    if (exponent >= other) {
        small = shifted(small, exponent - other);
    } else {
        large = shifted(large, other - exponent);
        exponent = other;
    }
    uint64_t resultSign = sign;
    if (sign == third.sign) {
        const uint64_t low = large.low + small.low;
        large = {large.high + small.high + uint64_t(low < small.low), low};
    } else {
        if (large.high < small.high || (large.high == small.high && large.low < small.low)) {
            const Pair exchanged = large;
            large = small;
            small = exchanged;
            resultSign = third.sign;
        }
        large = {large.high - small.high - uint64_t(large.low < small.low), large.low - small.low};
    }
    if (large.high == 0) {
        if (large.low == 0) return of(0);
        return rounded(resultSign, exponent, large.low);
    }
    const int32_t zeros = int32_t(leadingZeros64(large.high));
    if (zeros > 0) large = {large.high << zeros | large.low >> (64 - zeros), large.low << zeros};
    return rounded(resultSign, exponent + 64 - zeros, large.high | uint64_t(large.low != 0));
}

__aicore__ inline bool less(Double a, Double b) {
    if (isNan(a) || isNan(b)) return false;
    if (magnitude(a) == 0 && magnitude(b) == 0) return false;
    const bool negative = a.bits >> 63 != 0;
    if (negative != (b.bits >> 63 != 0)) return negative;
    return negative ? a.bits > b.bits : a.bits < b.bits;
}
__aicore__ inline bool equal(Double a, Double b) {
    return !isNan(a) && !isNan(b) && (a.bits == b.bits || (magnitude(a) == 0 && magnitude(b) == 0));
}

__aicore__ inline Double trunc(Double value) {
    const int32_t field = int32_t(value.bits >> 52 & 0x7ff);
    if (field < 1023) return of(value.bits & SIGN);
    if (field >= 1075) return value;
    return of(value.bits & ~((1ull << (1075 - field)) - 1));
}
__aicore__ inline Double floor(Double value) {
    const Double whole = trunc(value);
    return less(value, whole) ? sum(whole, of(SIGN | 1023ull << 52)) : whole;
}
__aicore__ inline Double ceil(Double value) {
    const Double whole = trunc(value);
    if (!less(whole, value)) return whole;
    return sum(whole, of(1023ull << 52));
}
__aicore__ inline Double rint(Double value) {
    if ((value.bits >> 52 & 0x7ff) >= 1075) return value;
    // Beside 2^52 there is no room for a fraction.
    const uint64_t large = 1075ull << 52;
    const Double moved = sum(of(magnitude(value)), of(large));
    return of((value.bits & SIGN) | magnitude(sum(moved, of(SIGN | large))));
}
__aicore__ inline Double abs(Double value) { return of(magnitude(value)); }
__aicore__ inline Double copysign(Double value, Double sign) { return of(magnitude(value) | (sign.bits & SIGN)); }

__aicore__ inline float narrow(Double value) {
    const uint32_t sign = uint32_t(value.bits >> 63) << 31;
    if (isNan(value)) return as<float>(uint32_t(0x7fc00000u));
    if (magnitude(value) == INFINITE) return as<float>(uint32_t(sign | 0x7f800000u));
    const Parts own = parts(value);
    int32_t field = own.exponent + 190;
    if (own.significand == 0) return as<float>(sign);
    if (field >= 255) return as<float>(uint32_t(sign | 0x7f800000u));
    uint64_t significand = own.significand;
    if (field <= 0) {
        significand = shifted(significand, 1 - field);
        field = 0;
    }
    const uint64_t half = 1ull << 39;
    const uint64_t rest = significand & (2 * half - 1);
    uint32_t kept = uint32_t(significand >> 40);
    if (rest > half || (rest == half && (kept & 1) != 0)) kept++;
    return as<float>(uint32_t(sign | ((field == 0 ? 0u : uint32_t(field - 1) << 23) + kept)));
}

// Towards zero.
__aicore__ inline uint64_t whole(Double value) {
    const Parts own = parts(value);
    const int32_t by = -own.exponent;
    return by >= 64 ? 0 : by <= 0 ? own.significand : own.significand >> by;
}

}  // namespace wide

__aicore__ inline Double::Double(float value) {
    const uint32_t own = as<uint32_t>(value);
    const uint64_t sign = uint64_t(own >> 31) << 63;
    const uint32_t field = own >> 23 & 255;
    const uint32_t fraction = own & 0x7fffff;
    bits = field == 255 ? (fraction != 0 ? wide::nan().bits : sign | wide::INFINITE)
           : field == 0 ? wide::rounded(sign, -149, fraction).bits
                        : sign | uint64_t(field + 896) << 52 | uint64_t(fraction) << 29;
}
__aicore__ inline Double::Double(int64_t value) {
    bits = value < 0 ? wide::rounded(wide::SIGN, 0, uint64_t(0) - uint64_t(value)).bits : wide::rounded(0, 0, uint64_t(value)).bits;
}
__aicore__ inline Double::Double(uint64_t value) { bits = wide::rounded(0, 0, value).bits; }

template <class T> __aicore__ inline Double::operator T() const {
    if constexpr (T(0.5f) != T(0)) {
        return T(wide::narrow(*this));
    } else {
        const uint64_t own = wide::whole(*this);
        return bits >> 63 != 0 ? T(uint64_t(0) - own) : T(own);
    }
}

__aicore__ inline Double operator+(Double a, Double b) { return wide::sum(a, b); }
__aicore__ inline Double operator-(Double a) { return wide::of(a.bits ^ wide::SIGN); }
__aicore__ inline Double operator-(Double a, Double b) { return wide::sum(a, -b); }
__aicore__ inline Double operator*(Double a, Double b) { return wide::times(a, b); }
__aicore__ inline Double operator/(Double a, Double b) { return wide::quotient(a, b); }
__aicore__ inline bool operator<(Double a, Double b) { return wide::less(a, b); }
__aicore__ inline bool operator>(Double a, Double b) { return wide::less(b, a); }
__aicore__ inline bool operator<=(Double a, Double b) { return wide::less(a, b) || wide::equal(a, b); }
__aicore__ inline bool operator>=(Double a, Double b) { return wide::less(b, a) || wide::equal(a, b); }
__aicore__ inline bool operator==(Double a, Double b) { return wide::equal(a, b); }
__aicore__ inline bool operator!=(Double a, Double b) { return !wide::equal(a, b); }

// In memory they are integers.
template <class Element> struct DoubleElement {
    Element element;
    __aicore__ inline operator Double() const { return wide::of(uint64_t(element)); }
    __aicore__ inline void operator=(Double value) const { element = value.bits; }
};
template <class Elements> struct DoubleElements {
    Elements elements;
    __aicore__ inline auto operator[](int64_t index) const {
        return DoubleElement<decltype(elements[index])>{elements[index]};
    }
    __aicore__ inline DoubleElements operator+(int64_t distance) const { return {elements + distance}; }
};
template <class Elements> __aicore__ inline DoubleElements<Elements> doubles(const Elements &elements) { return {elements}; }
