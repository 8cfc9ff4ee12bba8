// Operands of vector instructions: checked, and walked over.
#pragma once
#include "core.h"

namespace portolan {

constexpr uint32_t kBlock = 32, kBlocksOfRepeat = 8;

// Sources first: an instruction reads before it writes.
template <class T> inline T *source(Core &core, const Local &tensor, int64_t count, const char *what, bool mayBeUnset = false) {
    uint8_t *address = core.span(tensor, 0, count * sizeof(T), what);
    core.aligned(address, kBlock, what);
    core.read(address, count * sizeof(T), what, mayBeUnset);
    return reinterpret_cast<T *>(address);
}

template <class T> inline T *target(Core &core, const Local &tensor, int64_t count) {
    uint8_t *address = core.span(tensor, 0, count * sizeof(T), "the destination");
    core.aligned(address, kBlock, "the destination");
    core.write(address, count * sizeof(T), "the destination");
    return reinterpret_cast<T *>(address);
}

// In one instruction a source and the destination are the same bytes, or share none.
inline void apart(Core &core, const void *destination, const void *from, int64_t bytes, const char *what) {
    auto *a = static_cast<const uint8_t *>(destination), *b = static_cast<const uint8_t *>(from);
    if (a != b && a < b + bytes && b < a + bytes) core.fault("the destination and %s overlap in part", what);
}

inline void unified(Core &core, const Local &tensor, const char *what) {
    if (tensor.address != nullptr && core.kindOf(tensor.position) != Unified) core.fault("%s is not in the unified buffer, and the vector unit works there only", what);
}

inline void checkRepeat(Core &core, const Repeat &repeat) {
    if (repeat.times == -1) core.fault("the mask has more lanes than a repeat of 256 bytes, or none");
    if (repeat.times < 0 || repeat.times > 255) core.fault("repeatTime %d, but 0 to 255 are possible", repeat.times);
}

inline uint32_t maskOf(const Repeat &repeat, uint32_t block, uint32_t lanes) {
    uint32_t at = block * lanes;
    uint64_t word = at < 64 ? repeat.mask[0] : repeat.mask[1];
    return uint32_t(word >> (at % 64)) & ((1u << lanes) - 1);
}

struct Walk {
    const char *what;
    uint8_t *start;
    int32_t blockStep, repeatStep; // in blocks
    uint8_t *at(int32_t repeat, uint32_t block) const { return start + (int64_t(repeat) * repeatStep + int64_t(block) * blockStep) * kBlock; }
};

// Reaches of an operand of the form with repeats, before anything is touched.
inline Walk walk(Core &core, const Local &tensor, int32_t blockStep, int32_t repeatStep, const Repeat &repeat, uint32_t element, const char *what) {
    uint32_t lanes = kBlock / element;
    int64_t end = 0;
    for (uint32_t block = 0; block < kBlocksOfRepeat && repeat.times > 0; block++) {
        uint32_t mask = maskOf(repeat, block, lanes);
        if (mask == 0) continue;
        int64_t last = (int64_t(repeat.times - 1) * repeatStep + int64_t(block) * blockStep) * kBlock + (32 - __builtin_clz(mask)) * element;
        end = most(end, last);
    }
    uint8_t *start = core.span(tensor, 0, uint64_t(end), what);
    core.aligned(start, kBlock, what);
    return {what, start, blockStep, repeatStep};
}

inline void follow(Core &core, const Walk &walked, const Repeat &repeat, uint32_t element, bool writes) {
    if (!checking) return;
    uint32_t lanes = kBlock / element, all = (1u << lanes) - 1;
    for (int32_t time = 0; time < repeat.times; time++) {
        for (uint32_t block = 0; block < kBlocksOfRepeat; block++) {
            uint32_t mask = maskOf(repeat, block, lanes);
            if (mask == all) {
                if (writes) core.write(walked.at(time, block), kBlock, walked.what);
                else core.read(walked.at(time, block), kBlock, walked.what);
                continue;
            }
            for (uint32_t lane = 0; lane < lanes; lane++) {
                if ((mask >> lane & 1) == 0) continue;
                if (writes) core.write(walked.at(time, block) + lane * element, element, walked.what);
                else core.read(walked.at(time, block) + lane * element, element, walked.what);
            }
        }
    }
}

// Calls body(repeat, block, firstLane, lanes) for every run of lanes that is on.
template <class Body> inline void eachBlock(const Repeat &repeat, uint32_t element, Body body) {
    uint32_t lanes = kBlock / element, all = (1u << lanes) - 1;
    for (int32_t time = 0; time < repeat.times; time++) {
        for (uint32_t block = 0; block < kBlocksOfRepeat; block++) {
            uint32_t mask = maskOf(repeat, block, lanes);
            if (mask == all) {
                body(time, block, 0u, lanes);
            } else if (mask != 0) {
                for (uint32_t lane = 0; lane < lanes; lane++) {
                    if (mask >> lane & 1) body(time, block, lane, 1u);
                }
            }
        }
    }
}

} // namespace portolan
