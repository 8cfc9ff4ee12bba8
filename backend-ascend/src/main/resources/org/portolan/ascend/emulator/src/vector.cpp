// Elementwise vector instructions.
#include "numerics.h"
#include "operands.h"

namespace portolan {
namespace {

template <class F, class T> void loop2(T *d, const T *a, const T *b, int64_t n) {
    using W = WideOf<T>;
    PORTOLAN_LANES for (int64_t i = 0; i < n; i++) d[i] = T(F::apply(W(a[i]), W(b[i])));
}
template <class F, class T> void loop1(T *d, const T *a, int64_t n) {
    using W = WideOf<T>;
    PORTOLAN_LANES for (int64_t i = 0; i < n; i++) d[i] = T(F::apply(W(a[i])));
}
template <class F, class T> void loopScalar(T *d, const T *a, T value, int64_t n) {
    using W = WideOf<T>;
    W wide = W(value);
    PORTOLAN_LANES for (int64_t i = 0; i < n; i++) d[i] = T(F::apply(W(a[i]), wide));
}
template <class T> void loopFused(T *d, const T *a, const T *b, int64_t n) { // d = a * b + d, two roundings
    using W = WideOf<T>;
    PORTOLAN_LANES for (int64_t i = 0; i < n; i++) d[i] = T(W(T(W(a[i]) * W(b[i]))) + W(d[i]));
}
template <class T> void loopAxpy(T *d, const T *a, T value, int64_t n) {
    using W = WideOf<T>;
    W wide = W(value);
    PORTOLAN_LANES for (int64_t i = 0; i < n; i++) d[i] = T(W(T(W(a[i]) * wide)) + W(d[i]));
}
template <class T> void loopSet(T *d, T value, int64_t n) {
    for (int64_t i = 0; i < n; i++) d[i] = value;
}

template <class T> void run2(Binary operation, T *d, const T *a, const T *b, int64_t n) {
    switch (operation) {
        case Binary::Add: return loop2<AddOf>(d, a, b, n);
        case Binary::Sub: return loop2<SubOf>(d, a, b, n);
        case Binary::Mul: return loop2<MulOf>(d, a, b, n);
        case Binary::Max: return loop2<MaxOf>(d, a, b, n);
        case Binary::Min: return loop2<MinOf>(d, a, b, n);
        case Binary::Div: if constexpr (isFloating<T>) return loop2<DivOf>(d, a, b, n); return;
        case Binary::MulAddDst: if constexpr (isFloating<T>) return loopFused(d, a, b, n); return;
        case Binary::And: if constexpr (!isFloating<T>) return loop2<AndOf>(d, a, b, n); return;
        case Binary::Or: if constexpr (!isFloating<T>) return loop2<OrOf>(d, a, b, n); return;
    }
}

template <class T> void run1(Unary operation, T *d, const T *a, int64_t n) {
    switch (operation) {
        case Unary::Relu: return loop1<ReluOf>(d, a, n);
        case Unary::Not: if constexpr (!isFloating<T>) return loop1<NotOf>(d, a, n); return;
        case Unary::Abs: if constexpr (isFloating<T>) return loop1<AbsOf>(d, a, n); return;
        case Unary::Exp: if constexpr (isFloating<T>) return loop1<ExpOf>(d, a, n); return;
        case Unary::Ln: if constexpr (isFloating<T>) return loop1<LnOf>(d, a, n); return;
        case Unary::Sqrt: if constexpr (isFloating<T>) return loop1<SqrtOf>(d, a, n); return;
        case Unary::Rsqrt: if constexpr (isFloating<T>) return loop1<RsqrtOf>(d, a, n); return;
        case Unary::Reciprocal: if constexpr (isFloating<T>) return loop1<ReciprocalOf>(d, a, n); return;
    }
}

template <class T> void runScalar(Scalar operation, T *d, const T *a, T value, int64_t n) {
    switch (operation) {
        case Scalar::Adds: return loopScalar<AddOf>(d, a, value, n);
        case Scalar::Muls: return loopScalar<MulOf>(d, a, value, n);
        case Scalar::Maxs: return loopScalar<MaxOf>(d, a, value, n);
        case Scalar::Mins: return loopScalar<MinOf>(d, a, value, n);
        case Scalar::Duplicate: return loopSet(d, value, n);
        case Scalar::LeakyRelu: if constexpr (isFloating<T>) return loopScalar<LeakyOf>(d, a, value, n); return;
        case Scalar::Axpy: if constexpr (isFloating<T>) return loopAxpy(d, a, value, n); return;
        case Scalar::ShiftLeft: if constexpr (!isFloating<T>) return loopScalar<LeftOf>(d, a, value, n); return;
        case Scalar::ShiftRight: if constexpr (!isFloating<T>) return loopScalar<RightOf>(d, a, value, n); return;
    }
}

// The worst that is allowed of the hardware: each result is the neighbour of the right one, above and below by turns.
template <class T> void blur(T *results, int64_t n) {
    if constexpr (isFloating<T>) {
        for (int64_t i = 0; i < n; i++) {
            float value = float(results[i]);
            if (value != value || value == 0 || __builtin_fabsf(value) >= __builtin_inff()) continue;
            if constexpr (sizeof(T) == 4) results[i] = bitsAs<float>(bitsAs<uint32_t>(results[i]) + (i % 2 == 0 ? 1 : -1));
            else results[i] = bitsAs<half>(uint16_t(bitsAs<uint16_t>(results[i]) + (i % 2 == 0 ? 1 : -1)));
        }
    }
}
template <class T> void blur(Binary operation, T *results, int64_t n) {
    if (worst && operation == Binary::Div) blur(results, n);
}
template <class T> void blur(Unary operation, T *results, int64_t n) {
    if (worst && (operation == Unary::Exp || operation == Unary::Ln || operation == Unary::Sqrt)) blur(results, n);
}

// Calls body with a null pointer of the element's C++ type.
template <class Body> void typed(Core &core, Type type, Body body) {
    switch (type) {
        case Type::F32: return body(static_cast<float *>(nullptr));
        case Type::F16: return body(static_cast<half *>(nullptr));
        case Type::I16: return body(static_cast<int16_t *>(nullptr));
        case Type::BF16:
        case Type::U16: return body(static_cast<uint16_t *>(nullptr));
        case Type::I32: return body(static_cast<int32_t *>(nullptr));
        case Type::U32: return body(static_cast<uint32_t *>(nullptr));
        default: core.fault("the vector unit has no such elements");
    }
}

template <class T> T elementOf(uint64_t bits) {
    T value;
    memcpy(&value, &bits, sizeof(T));
    return value;
}

bool begins(Core &core, int64_t count, Place place) {
    core.begin(PipeV, place);
    if (count < 0) core.fault("count %ld", long(count));
    return count != 0;
}

template <class T> T *as(const Walk &walked, int32_t repeat, uint32_t block, uint32_t lane) {
    return reinterpret_cast<T *>(walked.at(repeat, block)) + lane;
}

} // namespace

void binary(Binary operation, Type type, const Local &dst, const Local &a, const Local &b, int64_t count, Place place) {
    Core &core = portolan::core(place);
    if (!begins(core, count, place)) return;
    unified(core, dst, "the destination"), unified(core, a, "source 0"), unified(core, b, "source 1");
    typed(core, type, [&](auto *kind) {
        using T = __typeof__(*kind);
        T *first = source<T>(core, a, count, "source 0");
        T *second = source<T>(core, b, count, "source 1");
        if (operation == Binary::MulAddDst) source<T>(core, dst, count, "the destination");
        T *to = target<T>(core, dst, count);
        apart(core, to, first, count * sizeof(T), "source 0"), apart(core, to, second, count * sizeof(T), "source 1");
        run2(operation, to, first, second, count);
        blur(operation, to, count);
    });
}

void binaryRepeat(Binary operation, Type type, const Local &dst, const Local &a, const Local &b, const Repeat &repeat, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    checkRepeat(core, repeat);
    if (repeat.times > 0 && repeat.dstBlock == 0) core.fault("dstBlkStride 0 is not defined");
    uint32_t size = sizeOf(type);
    Walk to = walk(core, dst, repeat.dstBlock, repeat.dstRepeat, repeat, size, "the destination");
    Walk first = walk(core, a, repeat.firstBlock, repeat.firstRepeat, repeat, size, "source 0");
    Walk second = walk(core, b, repeat.secondBlock, repeat.secondRepeat, repeat, size, "source 1");
    follow(core, first, repeat, size, false), follow(core, second, repeat, size, false);
    if (operation == Binary::MulAddDst) follow(core, to, repeat, size, false);
    follow(core, to, repeat, size, true);
    typed(core, type, [&](auto *kind) {
        using T = __typeof__(*kind);
        eachBlock(repeat, size, [&](int32_t time, uint32_t block, uint32_t lane, uint32_t lanes) {
            T *d = as<T>(to, time, block, lane);
            T *x = as<T>(first, time, block, lane), *y = as<T>(second, time, block, lane);
            apart(core, d, x, lanes * size, "source 0"), apart(core, d, y, lanes * size, "source 1");
            run2(operation, d, x, y, lanes);
            blur(operation, d, lanes);
        });
    });
}

void unary(Unary operation, Type type, const Local &dst, const Local &a, int64_t count, Place place) {
    Core &core = portolan::core(place);
    if (!begins(core, count, place)) return;
    unified(core, dst, "the destination"), unified(core, a, "the source");
    typed(core, type, [&](auto *kind) {
        using T = __typeof__(*kind);
        T *from = source<T>(core, a, count, "the source");
        T *to = target<T>(core, dst, count);
        apart(core, to, from, count * sizeof(T), "the source");
        run1(operation, to, from, count);
        blur(operation, to, count);
    });
}

void unaryRepeat(Unary operation, Type type, const Local &dst, const Local &a, const Repeat &repeat, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    checkRepeat(core, repeat);
    uint32_t size = sizeOf(type);
    Walk to = walk(core, dst, repeat.dstBlock, repeat.dstRepeat, repeat, size, "the destination");
    Walk from = walk(core, a, repeat.firstBlock, repeat.firstRepeat, repeat, size, "the source");
    follow(core, from, repeat, size, false), follow(core, to, repeat, size, true);
    typed(core, type, [&](auto *kind) {
        using T = __typeof__(*kind);
        eachBlock(repeat, size, [&](int32_t time, uint32_t block, uint32_t lane, uint32_t lanes) {
            T *d = as<T>(to, time, block, lane), *x = as<T>(from, time, block, lane);
            apart(core, d, x, lanes * size, "the source");
            run1(operation, d, x, lanes);
            blur(operation, d, lanes);
        });
    });
}

void scalar(Scalar operation, Type type, const Local &dst, const Local &a, uint64_t bits, int64_t count, Place place) {
    Core &core = portolan::core(place);
    if (!begins(core, count, place)) return;
    unified(core, dst, "the destination"), unified(core, a, "the source");
    typed(core, type, [&](auto *kind) {
        using T = __typeof__(*kind);
        T *from = operation == Scalar::Duplicate ? nullptr : source<T>(core, a, count, "the source");
        if (operation == Scalar::Axpy) source<T>(core, dst, count, "the destination");
        T *to = target<T>(core, dst, count);
        if (from != nullptr) apart(core, to, from, count * sizeof(T), "the source");
        runScalar(operation, to, from, elementOf<T>(bits), count);
    });
}

void scalarRepeat(Scalar operation, Type type, const Local &dst, const Local &a, uint64_t bits, const Repeat &repeat, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    checkRepeat(core, repeat);
    uint32_t size = sizeOf(type);
    bool reads = operation != Scalar::Duplicate;
    Walk to = walk(core, dst, repeat.dstBlock, repeat.dstRepeat, repeat, size, "the destination");
    Walk from = reads ? walk(core, a, repeat.firstBlock, repeat.firstRepeat, repeat, size, "the source") : to;
    if (reads) follow(core, from, repeat, size, false);
    if (operation == Scalar::Axpy) follow(core, to, repeat, size, false);
    follow(core, to, repeat, size, true);
    typed(core, type, [&](auto *kind) {
        using T = __typeof__(*kind);
        T value = elementOf<T>(bits);
        eachBlock(repeat, size, [&](int32_t time, uint32_t block, uint32_t lane, uint32_t lanes) {
            T *d = as<T>(to, time, block, lane), *x = as<T>(from, time, block, lane);
            apart(core, d, x, lanes * size, "the source");
            runScalar(operation, d, x, value, lanes);
        });
    });
}

void vectorIndex(Type type, const Local &dst, uint64_t first, int64_t count, Place place) {
    Core &core = portolan::core(place);
    if (!begins(core, count, place)) return;
    unified(core, dst, "the destination");
    typed(core, type, [&](auto *kind) {
        using T = __typeof__(*kind);
        T *to = target<T>(core, dst, count);
        T start = elementOf<T>(first);
        for (int64_t i = 0; i < count; i++) to[i] = T(WideOf<T>(start) + WideOf<T>(i));
    });
}

} // namespace portolan
