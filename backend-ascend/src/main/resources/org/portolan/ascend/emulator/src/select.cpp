// Comparisons, selections and moves inside the unified buffer.
#include "numerics.h"
#include "operands.h"

namespace portolan {
namespace {

template <class T> void compareLoop(int32_t mode, uint8_t *to, const T *a, const T *b, T value, int64_t count) {
    using W = WideOf<T>;
    for (int64_t i = 0; i < count; i += 8) {
        uint32_t byte = 0;
        for (int64_t j = 0; j < 8; j++) {
            W x = W(a[i + j]), y = W(b == nullptr ? value : b[i + j]);
            bool holds = false;
            switch (mode) {
                case 0: holds = x < y; break;
                case 1: holds = x > y; break;
                case 2: holds = x == y; break;
                case 3: holds = x <= y; break;
                case 4: holds = x >= y; break;
                default: holds = x != y; break;
            }
            byte |= uint32_t(holds) << j;
        }
        to[i / 8] = uint8_t(byte);
    }
}

template <class T> T valueOf(uint64_t bits) {
    T value;
    memcpy(&value, &bits, sizeof(T));
    return value;
}

} // namespace

void compare(int32_t mode, Type type, const Local &dst, const Local &a, const Local *b, uint64_t bits, int64_t count, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    if (count == 0) return;
    uint32_t size = sizeOf(type);
    if (count < 0 || count * size % 256 != 0) core.fault("%ld elements of %u bytes are no multiple of 256 bytes", long(count), size);
    if (type == Type::I32 && mode != 2) core.fault("int32_t can only be compared with EQ");
    unified(core, dst, "the destination"), unified(core, a, "source 0");
    // Lanes beyond what was written may be compared; their bits count as never written.
    uint8_t *x = source<uint8_t>(core, a, count * size, "source 0", true);
    uint8_t *y = b == nullptr ? nullptr : source<uint8_t>(core, *b, count * size, "source 1", true);
    uint8_t set[16384];
    if (checking) {
        for (int64_t i = 0; i < count / 8 && i < int64_t(sizeof(set)); i++) {
            set[i] = 0;
            for (int64_t j = i * 8; j < i * 8 + 8; j++) {
                set[i] |= core.isSet(x + j * size, size) && (y == nullptr || core.isSet(y + j * size, size));
            }
        }
    }
    uint8_t *to = target<uint8_t>(core, dst, count / 8);
    if (type == Type::F32) compareLoop(mode, to, reinterpret_cast<float *>(x), reinterpret_cast<float *>(y), valueOf<float>(bits), count);
    else if (type == Type::F16) compareLoop(mode, to, reinterpret_cast<half *>(x), reinterpret_cast<half *>(y), valueOf<half>(bits), count);
    else compareLoop(mode, to, reinterpret_cast<int32_t *>(x), reinterpret_cast<int32_t *>(y), valueOf<int32_t>(bits), count);
    for (int64_t i = 0; checking && i < count / 8 && i < int64_t(sizeof(set)); i++) {
        if (!set[i]) core.unset(to + i, 1);
    }
}

void select(int32_t mode, Type type, const Local &dst, const Local &mask, const Local &a, const Local *b, uint64_t bits, int64_t count, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    if (count == 0) return;
    if (count < 0) core.fault("count %ld", long(count));
    if (b == nullptr ? mode != 1 : mode == 1) core.fault("%s takes %s", mode == 1 ? "VSEL_TENSOR_SCALAR_MODE" : "this mode", b == nullptr ? "no scalar" : "a scalar as source 1");
    unified(core, dst, "the destination"), unified(core, a, "source 0");
    uint32_t size = sizeOf(type), lanes = 256 / size;
    int64_t maskBytes = mode == 0 ? lanes / 8 : (count + 7) / 8;
    uint8_t *chosen = source<uint8_t>(core, mask, maskBytes, "the mask");
    uint8_t *x = source<uint8_t>(core, a, count * size, "source 0");
    uint8_t *y = b == nullptr ? nullptr : source<uint8_t>(core, *b, count * size, "source 1");
    uint8_t *to = target<uint8_t>(core, dst, count * size);
    apart(core, to, x, count * size, "source 0");
    if (y != nullptr) apart(core, to, y, count * size, "source 1");
    auto each = [&](auto *d, auto *first, auto *second, auto other) {
        for (int64_t i = 0; i < count; i++) {
            int64_t bit = mode == 0 ? i % lanes : i;
            auto rest = second == nullptr ? other : second[i];
            d[i] = chosen[bit / 8] >> (bit % 8) & 1 ? first[i] : rest;
        }
    };
    if (size == 4) each(reinterpret_cast<uint32_t *>(to), reinterpret_cast<uint32_t *>(x), reinterpret_cast<uint32_t *>(y), uint32_t(bits));
    else each(reinterpret_cast<uint16_t *>(to), reinterpret_cast<uint16_t *>(x), reinterpret_cast<uint16_t *>(y), uint16_t(bits));
}

void gather(int32_t element, const Local &dst, const Local &a, const Local &offsets, uint32_t base, int64_t count, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    if (count == 0) return;
    if (count < 0) core.fault("count %ld", long(count));
    unified(core, dst, "the destination"), unified(core, a, "the source"), unified(core, offsets, "the offsets");
    uint32_t *where = source<uint32_t>(core, offsets, count, "the offsets");
    uint8_t *from = core.span(a, 0, a.bytes, "the source");
    core.aligned(from, kBlock, "the source");
    for (int64_t i = 0; i < count; i++) {
        uint64_t offset = uint64_t(base) + where[i];
        if (offset % element != 0) core.fault("offset %ld is %lu, no multiple of the element's %d bytes", long(i), (unsigned long)offset, element);
        core.read(core.span(a, offset, element, "a gathered element"), element, "a gathered element");
    }
    uint8_t *to = target<uint8_t>(core, dst, count * element);
    apart(core, to, from, a.bytes < count * element ? a.bytes : count * element, "the source");
    for (int64_t i = 0; i < count; i++) {
        if (element == 4) memcpy(to + i * 4, from + base + where[i], 4);
        else memcpy(to + i * 2, from + base + where[i], 2);
    }
}

void broadcastBlocks(int32_t element, const Local &dst, const Local &a, const Repeat &repeat, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    if (repeat.times == 0) return;
    uint32_t size = uint32_t(element);
    uint8_t *from = source<uint8_t>(core, a, int64_t(repeat.times) * 8 * size, "the source");
    int64_t last = (int64_t(repeat.times - 1) * repeat.dstRepeat + 7ll * repeat.dstBlock + 1) * kBlock;
    uint8_t *to = core.span(dst, 0, last, "the destination");
    core.aligned(to, kBlock, "the destination");
    for (int32_t time = 0; time < repeat.times; time++) {
        for (int32_t block = 0; block < 8; block++) {
            uint8_t *at = to + (int64_t(time) * repeat.dstRepeat + int64_t(block) * repeat.dstBlock) * kBlock;
            core.write(at, kBlock, "the destination");
            for (uint32_t lane = 0; lane < kBlock / size; lane++) memcpy(at + lane * size, from + (time * 8 + block) * size, size);
        }
    }
}

void transpose16(const Local &dst, const Local &a, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeV, place);
    uint16_t *from = source<uint16_t>(core, a, 256, "the source");
    uint16_t *to = target<uint16_t>(core, dst, 256);
    apart(core, to, from, 512, "the source");
    uint16_t copy[256];
    memcpy(copy, from, sizeof(copy));
    for (int32_t r = 0; r < 16; r++) {
        for (int32_t c = 0; c < 16; c++) to[c * 16 + r] = copy[r * 16 + c];
    }
}

} // namespace portolan
