#include "kernel_operator.h"

#ifdef __clang__
#pragma clang diagnostic ignored "-Wunused"
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wtautological-compare"
#pragma clang diagnostic ignored "-Wparentheses"
#pragma clang diagnostic ignored "-Wunknown-warning-option"
#pragma clang diagnostic ignored "-Wbitwise-instead-of-logical"
#endif

using namespace AscendC;

// The same bits as another type.
template <class To, class From> __aicore__ inline To as(From value) {
    union { From from; To to; } both = {value};
    return both.to;
}

// What one pipe does next comes after what another has done.
template <HardEvent event> __aicore__ inline void order() {
    const auto id = GetTPipePtr()->FetchEventID(event);
    SetFlag<event>(id);
    WaitFlag<event>(id);
}

// The elements of tensors: x = at(tensor)[i]; at(tensor)[i] = y. Those of global memory that the kernel also writes go
// through a block of near memory, so that what is written is seen and nothing beside it changes.
template <class T> struct NearElement {
    LocalTensor<T> tensor;
    uint32_t index;
    __aicore__ inline operator T() const { return tensor.GetValue(index); }
    __aicore__ inline void operator=(T value) const { tensor.SetValue(index, value); }
};
template <class T> struct NearElements {
    LocalTensor<T> tensor;
    __aicore__ inline NearElement<T> operator[](int64_t index) const { return {tensor, uint32_t(index)}; }
};
template <class T> __aicore__ inline NearElements<T> at(const LocalTensor<T> &tensor) { return {tensor}; }

template <class T> struct ReadElements {
    GlobalTensor<T> tensor;
    __aicore__ inline T operator[](int64_t index) const { return tensor.GetValue(index); }
    __aicore__ inline ReadElements operator+(int64_t distance) const { return {tensor[distance]}; }
};
template <class T> __aicore__ inline ReadElements<T> at(const GlobalTensor<T> &tensor) { return {tensor}; }

// How single elements and pieces of rows come and go depends on what the chip can copy; it stands below.
template <class T> __aicore__ inline T take(const GlobalTensor<T> &from, int64_t place, const LocalTensor<uint8_t> &stage);
template <class T>
__aicore__ inline void give(const GlobalTensor<T> &to, int64_t place, T value, const LocalTensor<uint8_t> &stage);
template <class T>
__aicore__ inline void takePiece(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t first, int64_t limit,
                                 T other);
template <class T>
__aicore__ inline void takeRows(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t step, int64_t width,
                                int64_t count, int32_t spread);
template <class T>
__aicore__ inline void givePiece(const GlobalTensor<T> &to, int64_t place, const LocalTensor<T> &from, int64_t first, int64_t limit,
                                 const LocalTensor<uint8_t> &stage);

template <class T> __aicore__ inline GlobalTensor<uint8_t> bytesOf(const GlobalTensor<T> &tensor, int64_t index) {
    GlobalTensor<uint8_t> bytes;
    bytes.SetGlobalBuffer((__gm__ uint8_t *)tensor.GetPhyAddr() + index * int64_t(sizeof(T)));
    return bytes;
}
template <class T> struct WrittenElement {
    GlobalTensor<T> tensor;
    LocalTensor<uint8_t> stage;
    int64_t index;
    __aicore__ inline operator T() const { return take(tensor, index, stage); }
    __aicore__ inline void operator=(T value) const { give(tensor, index, value, stage); }
};
template <class T> struct WrittenElements {
    GlobalTensor<T> tensor;
    LocalTensor<uint8_t> stage;
    __aicore__ inline WrittenElement<T> operator[](int64_t index) const { return {tensor, stage, index}; }
    __aicore__ inline WrittenElements operator+(int64_t distance) const { return {tensor[distance], stage}; }
};
template <class T> __aicore__ inline WrittenElements<T> at(const GlobalTensor<T> &tensor, const LocalTensor<uint8_t> &stage) {
    return {tensor, stage};
}

// Elements of less than a byte. A byte is stored when the next one is begun; what the kernel did not give in it is kept.
template <int bits> struct Packed {
    WrittenElements<uint8_t> bytes;
    int64_t length;
    int64_t place;
    uint32_t value;
    uint32_t given;
    __aicore__ inline Packed(const WrittenElements<uint8_t> &bytes, int64_t length)
        : bytes(bytes), length(length), place(-1), value(0), given(0) {}
    __aicore__ inline ~Packed() { flush(); }
    __aicore__ inline void flush() {
        if (place < 0) return;
        const int64_t rest = length - place * (8 / bits);
        const uint32_t all = rest >= 8 / bits ? 255u : (1u << rest * bits) - 1u;
        if ((given & all) != all) value |= uint32_t(uint8_t(bytes[place])) & ~given;
        bytes[place] = uint8_t(value);
        place = -1;
        value = 0;
        given = 0;
    }
    __aicore__ inline void set(int64_t element, uint32_t one) {
        const int64_t own = element / (8 / bits);
        if (own != place) flush();
        place = own;
        const uint32_t shift = uint32_t(element % (8 / bits)) * bits;
        const uint32_t mask = ((1u << bits) - 1u) << shift;
        value = (value & ~mask) | ((one << shift) & mask);
        given |= mask;
    }
    __aicore__ inline uint8_t operator[](int64_t byte) {
        if (byte == place) flush();
        return bytes[byte];
    }
};

// Truth values in near memory are bits, as comparisons make them.
struct BitElement {
    LocalTensor<uint8_t> tensor;
    int64_t index;
    __aicore__ inline operator uint8_t() const { return tensor.GetValue(uint32_t(index / 8)) >> index % 8 & 1; }
    __aicore__ inline void operator=(uint8_t value) const {
        const uint32_t place = uint32_t(index / 8);
        const uint8_t before = index % 8 == 0 ? uint8_t(0) : tensor.GetValue(place);
        tensor.SetValue(place, uint8_t((before & ~(1u << index % 8)) | uint32_t(value != 0) << index % 8));
    }
};
struct BitElements {
    LocalTensor<uint8_t> tensor;
    __aicore__ inline BitElement operator[](int64_t index) const { return {tensor, index}; }
};
__aicore__ inline BitElements bits(const LocalTensor<uint8_t> &tensor) { return {tensor}; }

// The same value in every element.
template <class T> __aicore__ inline void fill(const LocalTensor<T> &to, T value, int32_t count) {
    if constexpr (sizeof(T) == 1) {
        Duplicate(to.template ReinterpretCast<uint16_t>(), uint16_t(uint8_t(value) * 257u), count / 2);
    } else if constexpr (sizeof(T) == 2) {
        Duplicate(to.template ReinterpretCast<uint16_t>(), as<uint16_t>(value), count);
    } else if constexpr (sizeof(T) == 4) {
        Duplicate(to.template ReinterpretCast<uint32_t>(), as<uint32_t>(value), count);
    } else if (uint32_t(value) == uint32_t(uint64_t(value) >> 32)) {
        Duplicate(to.template ReinterpretCast<uint32_t>(), uint32_t(value), 2 * count);
    } else {
        order<HardEvent::V_S>();
        for (int32_t i = 0; i < count; i++) to.SetValue(uint32_t(i), value);
        order<HardEvent::S_V>();
    }
}

// The bits of a piece of near memory, unchanged.
template <class T> __aicore__ inline void copy(const LocalTensor<T> &to, const LocalTensor<T> &from, int32_t bytes) {
    const auto source = from.template ReinterpretCast<uint16_t>();
    Or(to.template ReinterpretCast<uint16_t>(), source, source, bytes / 2);
}

__aicore__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
__aicore__ inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// Elements first .. limit of a piece from global memory, `other` elsewhere.
template <class T>
__aicore__ inline void fetch(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t first, int64_t limit,
                             T other, int32_t count) {
    first = most(first, 0);
    limit = least(limit, count);
    if (first > 0 || limit < count) {
        fill(to, other, count);
        order<HardEvent::V_MTE2>();
    }
    if (first >= limit) return;
    takePiece(to, from, place, first, limit, other);
}

// Pieces first .. limit of `width` elements, which lie `step` elements apart and come to lie `spread` apart, in blocks of their own.
template <class T>
__aicore__ inline void rows(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t step, int64_t width,
                            int64_t first, int64_t limit, T other, int32_t count, int32_t spread) {
    first = most(first, 0);
    limit = least(limit, count);
    if (first > 0 || limit < count) {
        fill(to, other, count * spread);
        order<HardEvent::V_MTE2>();
    }
    if (first >= limit) return;
    takeRows(to[uint32_t(first * spread)], from, place + first * step, step, width, limit - first, spread);
}

// Elements first .. limit of a piece to global memory.
template <class T>
__aicore__ inline void put(const GlobalTensor<T> &to, int64_t place, const LocalTensor<T> &from, int64_t first, int64_t limit,
                           int32_t count, const LocalTensor<uint8_t> &stage) {
    first = most(first, 0);
    limit = least(limit, count);
    const int64_t block = 32 / int64_t(sizeof(T));
    if (first < limit && first % block != 0) {
        // Copies begin where a block does: what is before is done one by one.
        const int64_t next = least(limit, (first + block - 1) / block * block);
        order<HardEvent::V_S>();
        order<HardEvent::MTE3_S>();
        for (; first < next; first++) at(to, stage)[place + first] = from.GetValue(uint32_t(first));
        order<HardEvent::S_MTE3>();
    }
    if (first < limit) givePiece(to, place, from, first, limit, stage);
}

// The first failure of this core, in a block of its own.
__aicore__ inline void report(GM_ADDR errors, int64_t error, const LocalTensor<uint8_t> &stage) {
    if (error == 0) return;
    GlobalTensor<int64_t> words;
    words.SetGlobalBuffer((__gm__ int64_t *)errors);
    at(words, stage)[int64_t(GetBlockIdx()) * 4] = error;
}

template <class T> __aicore__ inline T smaller(T a, T b) { return b < a ? b : a; }
template <class T> __aicore__ inline T larger(T a, T b) { return a < b ? b : a; }
__aicore__ inline uint32_t leadingZeros32(uint32_t value) { return value == 0 ? 32u : uint32_t(__builtin_clz(value)); }
__aicore__ inline uint64_t leadingZeros64(uint64_t value) { return value == 0 ? 64u : uint64_t(__builtin_clzll(value)); }
