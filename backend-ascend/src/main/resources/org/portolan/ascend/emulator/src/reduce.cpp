// Reductions. Sums are taken over halves of a repeat, and then over halves of those: the hardware's order is not known.
#include "numerics.h"
#include "operands.h"

namespace portolan {
namespace {

template <class T> T sumOf(const T *values, int64_t count) {
    if (count == 0) return T(0);
    T part[128];
    for (int64_t i = 0; i < count; i++) part[i] = values[i];
    for (int64_t n = count; n > 1; n = (n + 1) / 2) {
        int64_t half = (n + 1) / 2;
        for (int64_t i = 0; i + half < n; i++) part[i] = T(WideOf<T>(part[i]) + WideOf<T>(part[i + half]));
    }
    return part[0];
}

// The place of the largest or smallest; of equal ones the first; of NaNs the first.
template <class T> int64_t extreme(const T *values, int64_t count, bool largest) {
    int64_t best = 0;
    for (int64_t i = 0; i < count; i++) {
        if (values[i] != values[i]) return i;
        if (largest ? values[i] > values[best] : values[i] < values[best]) best = i;
    }
    return best;
}

template <class T> T best(const T *values, int64_t count, bool largest) {
    using W = WideOf<T>;
    W found = W(values[0]);
    for (int64_t i = 1; i < count; i++) found = largest ? MaxOf::apply(found, W(values[i])) : MinOf::apply(found, W(values[i]));
    return T(found);
}

template <class T> T sumOfAll(const T *values, int64_t count, T *parts) {
    constexpr int64_t lanes = 256 / sizeof(T);
    const T *from = values;
    do { // each round leaves one value for each repeat
        int64_t repeats = (count + lanes - 1) / lanes;
        for (int64_t r = 0; r < repeats; r++) parts[r] = sumOf(from + r * lanes, least(lanes, count - r * lanes));
        from = parts, count = repeats;
    } while (count > 1);
    return parts[0];
}

template <class T> void store(uint8_t *to, T value, int64_t index, bool withIndex, Core &core) {
    core.write(to, sizeof(T) * (withIndex ? 2 : 1), "the destination");
    memcpy(to, &value, sizeof(T));
    if (withIndex) memcpy(to + sizeof(T), &index, sizeof(T)); // little endian: the low bits of the index
}

template <class T> void reduceAll(Core &core, Reduction operation, const Local &dst, const Local &a, const Local &work, int64_t count, bool index) {
    constexpr int64_t lanes = 256 / sizeof(T);
    int64_t repeats = (count + lanes - 1) / lanes;
    int64_t needed = (repeats * sizeof(T) * (operation == Reduction::Sum ? 1 : 2) + 31) / 32 * 32;
    T *values = source<T>(core, a, count, "the source");
    uint8_t *space = core.span(work, 0, needed, "the work tensor");
    core.aligned(space, kBlock, "the work tensor");
    core.write(space, needed, "the work tensor");
    core.unset(space, needed);
    uint8_t *to = core.span(dst, 0, sizeof(T) * (index ? 2 : 1), "the destination");
    core.aligned(to, kBlock, "the destination");
    auto *parts = reinterpret_cast<T *>(space);
    if (operation == Reduction::Sum) {
        apart(core, space, values, count * sizeof(T), "the source");
        T sum = sumOfAll(values, count, parts);
        store(to, sum, 0, false, core);
    } else if (index) {
        int64_t where = extreme(values, count, operation == Reduction::Max);
        store(to, values[where], where, true, core);
    } else {
        store(to, best(values, count, operation == Reduction::Max), 0, false, core);
    }
}

template <class T> void wholes(Core &core, Reduction operation, const Local &dst, const Local &a, const Repeat &repeat, int32_t order) {
    constexpr uint32_t lanes = 256 / sizeof(T), perBlock = kBlock / sizeof(T);
    Walk from = walk(core, a, repeat.firstBlock, repeat.firstRepeat, repeat, sizeof(T), "the source");
    follow(core, from, repeat, sizeof(T), false);
    bool pair = operation != Reduction::Sum && order < 2;
    for (int32_t time = 0; time < repeat.times; time++) {
        T values[lanes];
        int64_t places[lanes];
        int64_t count = 0;
        for (uint32_t lane = 0; lane < lanes; lane++) {
            if ((repeat.mask[lane / 64] >> (lane % 64) & 1) == 0) continue;
            memcpy(values + count, from.at(time, lane / perBlock) + lane % perBlock * sizeof(T), sizeof(T));
            places[count++] = lane;
        }
        uint8_t *to = core.span(dst, uint64_t(time) * repeat.dstRepeat * sizeof(T) * (pair ? 2 : 1), sizeof(T) * (pair ? 2 : 1), "the destination");
        core.aligned(to, sizeof(T), "the destination");
        if (operation == Reduction::Sum) {
            store(to, sumOf(values, count), 0, false, core);
            continue;
        }
        int64_t where = extreme(values, count, operation == Reduction::Max), index = places[where];
        T value = values[where];
        if (order == 1 || order == 3) { // the index first, or alone
            T swapped;
            memcpy(&swapped, &index, sizeof(T));
            int64_t bits = 0;
            memcpy(&bits, &value, sizeof(T));
            store(to, swapped, bits, order == 1, core);
        } else {
            store(to, value, index, order == 0, core);
        }
    }
}

template <class T> void blocks(Core &core, Reduction operation, const Local &dst, const Local &a, const Repeat &repeat) {
    constexpr uint32_t perBlock = kBlock / sizeof(T);
    Walk from = walk(core, a, repeat.firstBlock, repeat.firstRepeat, repeat, sizeof(T), "the source");
    follow(core, from, repeat, sizeof(T), false);
    for (int32_t time = 0; time < repeat.times; time++) {
        for (uint32_t block = 0; block < kBlocksOfRepeat; block++) {
            uint32_t mask = maskOf(repeat, block, perBlock);
            T values[perBlock];
            int64_t count = 0;
            for (uint32_t lane = 0; lane < perBlock; lane++) {
                if (mask >> lane & 1) memcpy(values + count++, from.at(time, block) + lane * sizeof(T), sizeof(T));
            }
            if (count == 0) continue;
            uint8_t *to = core.span(dst, (uint64_t(time) * repeat.dstRepeat * 8 + block) * sizeof(T), sizeof(T), "the destination");
            if (time == 0 && block == 0) core.aligned(to, 8 * sizeof(T), "the destination");
            store(to, operation == Reduction::Sum ? sumOf(values, count) : best(values, count, operation == Reduction::Max), 0, false, core);
        }
    }
}

} // namespace

void reduce(Reduction operation, Type type, const Local &dst, const Local &a, const Local &work, int64_t count, bool index, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    if (count == 0 && core.chip->architecture == 2201) return;
    if (count <= 0) core.fault("count %ld", long(count));
    unified(core, dst, "the destination"), unified(core, a, "the source"), unified(core, work, "the work tensor");
    if (type == Type::F32) reduceAll<float>(core, operation, dst, a, work, count, index);
    else reduceAll<half>(core, operation, dst, a, work, count, index);
}

void wholeReduce(Reduction operation, Type type, const Local &dst, const Local &a, const Repeat &repeat, int32_t order, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    checkRepeat(core, repeat);
    unified(core, dst, "the destination"), unified(core, a, "the source");
    if (type == Type::F32) wholes<float>(core, operation, dst, a, repeat, order);
    else wholes<half>(core, operation, dst, a, repeat, order);
}

void blockReduce(Reduction operation, Type type, const Local &dst, const Local &a, const Repeat &repeat, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    checkRepeat(core, repeat);
    unified(core, dst, "the destination"), unified(core, a, "the source");
    if (type == Type::F32) blocks<float>(core, operation, dst, a, repeat);
    else blocks<half>(core, operation, dst, a, repeat);
}

} // namespace portolan
