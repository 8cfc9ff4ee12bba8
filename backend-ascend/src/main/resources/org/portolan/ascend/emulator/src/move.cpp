// Copies between global memory and local memories.
#include "numerics.h"
#include "operands.h"

namespace portolan {
namespace {

constexpr uint32_t kMostRows = 4095, kLongestRow = 2097151;

// False where there is nothing to do.
bool checkRows(Core &core, const Rows &rows) {
    if (rows.count > kMostRows) core.fault("blockCount %u, but at most %u are possible", rows.count, kMostRows);
    if (rows.isPad == 0 && rows.length % kBlock != 0) {
        core.fault("%u bytes are no multiple of 32: the hardware would leave the rest out; use DataCopyPad", rows.length);
    }
    if (rows.isPad != 0) {
        if (rows.length > kLongestRow) core.fault("blockLen %u, but at most %u bytes are possible", rows.length, kLongestRow);
        if (rows.length % rows.element != 0) core.fault("blockLen %u is no multiple of the element's %d bytes", rows.length, rows.element);
        if (rows.isPad == 1 && (rows.left > kBlock || rows.right > kBlock)) core.fault("padding of %u and %u bytes, but at most 32 are possible on a side", rows.left, rows.right);
    }
    return rows.count != 0 && rows.length != 0;
}

template <class T> void addAll(T *to, const T *from, uint64_t count) {
    using W = WideOf<T>;
    for (uint64_t i = 0; i < count; i++) to[i] = T(W(to[i]) + W(from[i]));
}

Mutex atomicMutex; // in fast mode blocks run at the same time

void accumulate(Core &core, uint8_t *to, const uint8_t *from, uint64_t bytes, int32_t element) {
    if (uint32_t(element) != sizeOf(core.atomicType)) core.fault("atomic mode is set for elements of %u bytes, the copy has %d", sizeOf(core.atomicType), element);
    Locked locked(atomicMutex);
    uint64_t count = bytes / element;
    switch (core.atomicType) {
        case Type::F32: return addAll(reinterpret_cast<float *>(to), reinterpret_cast<const float *>(from), count);
        case Type::F16: return addAll(reinterpret_cast<half *>(to), reinterpret_cast<const half *>(from), count);
        case Type::BF16: {
            auto *d = reinterpret_cast<bf16 *>(to);
            auto *s = reinterpret_cast<const bf16 *>(from);
            for (uint64_t i = 0; i < count; i++) d[i] = toBf16(toFloat(d[i]) + toFloat(s[i]));
            return;
        }
        case Type::I8: return addAll(reinterpret_cast<int8_t *>(to), reinterpret_cast<const int8_t *>(from), count);
        case Type::I16: return addAll(reinterpret_cast<int16_t *>(to), reinterpret_cast<const int16_t *>(from), count);
        default: return addAll(reinterpret_cast<int32_t *>(to), reinterpret_cast<const int32_t *>(from), count);
    }
}

// Where a chip copies whole blocks only, elements go to memory by way of their block. Its other bytes may hold nothing: they
// go back to where they came from, and hold nothing there.
struct Leftover {
    bool possible;
    uint8_t bytes[kBlock];
};

Leftover leftover(Core &core, const uint8_t *from, const uint8_t *to, uint64_t bytes) {
    Leftover found{};
    Allocation &of = *core.recent;
    bool block = bytes == kBlock && reinterpret_cast<uint64_t>(to) % kBlock == 0;
    if (!checking || core.chip->architecture != 2002 || !block || of.initialized == nullptr) return found;
    bool nothing = true;
    for (uint32_t i = 0; i < kBlock; i++) {
        uint64_t at = to - of.base + i;
        bool held = of.initialized[at / 32] >> (at % 32) & 1;
        found.bytes[i] = !held && !core.initialized[from - core.base + i];
        nothing &= found.bytes[i] != 0;
        found.possible |= found.bytes[i] != 0;
    }
    // With nothing of its own in it, the block is no way for elements: somebody forgot to write it.
    return nothing ? Leftover{} : found;
}

void forget(Core &core, const uint8_t *to, const Leftover &found) {
    Allocation &of = *core.recent;
    for (uint32_t i = 0; found.possible && i < kBlock; i++) {
        uint64_t at = to - of.base + i;
        if (found.bytes[i]) of.initialized[at / 32] &= ~(1u << at % 32);
    }
}

void checkSource(Core &core, const uint8_t *from, uint64_t bytes, const Leftover &found) {
    core.read(from, bytes, "the source", found.possible);
    for (uint32_t i = 0; found.possible && i < bytes; i++) {
        if (!found.bytes[i]) core.read(from + i, 1, "the source");
    }
}

void copySet(Core &core, uint8_t *target, const uint8_t *from, const Global &, uint64_t bytes) {
    // What was never written in global memory is as good as never written here.
    core.globalReads(from, bytes, core.initialized + (target - core.base));
}

} // namespace

void copyIn(const Local &dst, const Global &a, const Rows &rows, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeMte2, place);
    if (!checkRows(core, rows)) return;
    MemoryKind kind = core.kindOf(dst.position);
    if (kind == L0C || kind == L0A || kind == L0B) core.fault("there is no such path from global memory to %s", core.memories[kind].name);
    uint32_t left = rows.isPad == 1 ? rows.left : 0, right = rows.isPad == 1 ? rows.right : 0;
    uint32_t whole = (left + rows.length + right + kBlock - 1) / kBlock * kBlock;
    core.counts.bytesIn += uint64_t(rows.count) * rows.length;
    core.counts.small += rows.length < kBlock;
    for (uint32_t row = 0; row < rows.count; row++) {
        uint8_t *from = core.global(a, row * rows.sourceStep, rows.length, "the source");
        if (reinterpret_cast<uint64_t>(from) % rows.element != 0) core.fault("the source is at %p, no multiple of its element's %d bytes", (void *)from, rows.element);
        uint8_t *to = core.span(dst, row * rows.targetStep, whole, "the destination");
        core.aligned(to, kBlock, "the destination");
        core.write(to, whole, "the destination");
        for (uint32_t i = 0; i < left; i += rows.element) memcpy(to + i, &rows.padding, rows.element);
        memcpy(to + left, from, rows.length);
        for (uint32_t i = 0; i < right; i += rows.element) memcpy(to + left + rows.length + i, &rows.padding, rows.element);
        copySet(core, to + left, from, a, rows.length);
        // Up to the block's end lies what a kernel must not count on.
        uint32_t end = left + rows.length + right;
        if (end < whole) {
            for (uint32_t i = end; i < whole; i += rows.element) memcpy(to + i, to, rows.element);
            core.unset(to + end, whole - end);
        }
    }
}

void copyOut(const Global &dst, const Local &a, const Rows &rows, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeMte3, place);
    if (!checkRows(core, rows)) return;
    if (core.kindOf(a.position) != Unified) core.fault("there is no such path from %s to global memory", core.memories[core.kindOf(a.position)].name);
    core.counts.bytesOut += uint64_t(rows.count) * rows.length;
    core.counts.small += rows.length < kBlock;
    for (uint32_t row = 0; row < rows.count; row++) {
        uint8_t *from = core.span(a, row * rows.sourceStep, rows.length, "the source");
        core.aligned(from, kBlock, "the source");
        uint8_t *to = core.global(dst, row * rows.targetStep, rows.length, "the destination");
        Leftover rest = leftover(core, from, to, rows.length);
        checkSource(core, from, rows.length, rest);
        if (reinterpret_cast<uint64_t>(to) % rows.element != 0) core.fault("the destination is at %p, no multiple of its element's %d bytes", (void *)to, rows.element);
        for (uint64_t i = 0; core.atomic != 0 && core.recent->initialized != nullptr && i < rows.length; i++) {
            uint64_t at = to - core.recent->base + i;
            if ((core.recent->initialized[at / 32] >> (at % 32) & 1) == 0) core.fault("atomic addition to global memory that was never written");
        }
        core.globalWrites(to, rows.length, 0, 0);
        forget(core, to, rest);
        if (core.atomic == 0) memcpy(to, from, rows.length);
        else accumulate(core, to, from, rows.length, rows.element);
    }
}

void copyLocal(const Local &dst, const Local &a, const Rows &rows, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    if (!checkRows(core, rows)) return;
    if (core.kindOf(dst.position) != Unified || core.kindOf(a.position) != Unified) {
        core.fault("there is no such path from %s to %s", core.memories[core.kindOf(a.position)].name, core.memories[core.kindOf(dst.position)].name);
    }
    for (uint32_t row = 0; row < rows.count; row++) {
        uint8_t *from = core.span(a, row * rows.sourceStep, rows.length, "the source");
        uint8_t *to = core.span(dst, row * rows.targetStep, rows.length, "the destination");
        core.aligned(from, kBlock, "the source"), core.aligned(to, kBlock, "the destination");
        core.read(from, rows.length, "the source");
        core.write(to, rows.length, "the destination");
        apart(core, to, from, rows.length, "the source");
        memmove(to, from, rows.length);
    }
}

} // namespace portolan
