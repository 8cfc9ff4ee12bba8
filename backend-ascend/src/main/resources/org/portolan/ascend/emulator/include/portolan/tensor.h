// Tensors: pieces of memory with an element type.
#pragma once
#include "types.h"

namespace AscendC {

template <class T> class LocalTensor : public portolan::Local {
public:
    using PrimType = T;
    LocalTensor() : portolan::Local{nullptr, 0, -1, 0, 0} {}
    explicit LocalTensor(const portolan::Local &piece) : portolan::Local(piece) {}

    LocalTensor operator[](uint32_t offset) const {
        LocalTensor part(*this);
        uint64_t skipped = uint64_t(offset) * sizeof(T);
        part.address += skipped;
        part.bytes = skipped < bytes ? uint32_t(bytes - skipped) : 0;
        return part;
    }
    template <class U> LocalTensor<U> ReinterpretCast() const { return LocalTensor<U>(*this); }
    T GetValue(uint32_t index, PORTOLAN_LINE) const {
        if (!isPlain(index)) portolan::scalarRead(*this, uint64_t(index) * sizeof(T), sizeof(T), {"GetValue", line.number});
        T value;
        __builtin_memcpy(&value, address + uint64_t(index) * sizeof(T), sizeof(T));
        return value;
    }
    template <class U> void SetValue(uint32_t index, U value, PORTOLAN_LINE) const {
        if (!isPlain(index)) portolan::scalarWrite(*this, uint64_t(index) * sizeof(T), sizeof(T), {"SetValue", line.number});
        T element = static_cast<T>(value);
        __builtin_memcpy(address + uint64_t(index) * sizeof(T), &element, sizeof(T));
    }
    // Whether the library has nothing to say about an access of the scalar unit.
    bool isPlain(uint32_t index) const { return !portolan::checking && !portolan::counting && (uint64_t(index) + 1) * sizeof(T) <= bytes; }
    uint32_t GetSize() const { return bytes / sizeof(T); }
    uint32_t GetLength() const { return bytes; }
    void SetSize(uint32_t count) { bytes = count * sizeof(T); }
    TPosition GetPosition() const { return TPosition(position); }
};

template <class T> class GlobalTensor : public portolan::Global {
public:
    using PrimType = T;
    GlobalTensor() : portolan::Global{nullptr, 0} {}
    void SetGlobalBuffer(__gm__ T *buffer, uint64_t count) {
        address = reinterpret_cast<uint8_t *>(buffer);
        bytes = count * sizeof(T);
    }
    void SetGlobalBuffer(__gm__ T *buffer) {
        address = reinterpret_cast<uint8_t *>(buffer);
        bytes = ~uint64_t(0);
    }
    GlobalTensor operator[](uint64_t offset) const {
        GlobalTensor part(*this);
        uint64_t skipped = offset * sizeof(T);
        part.address += skipped;
        if (bytes != ~uint64_t(0)) part.bytes = skipped < bytes ? bytes - skipped : 0;
        return part;
    }
    T GetValue(uint64_t index, PORTOLAN_LINE) const {
        portolan::globalRead(*this, index * sizeof(T), sizeof(T), {"GetValue", line.number});
        T value;
        __builtin_memcpy(&value, address + index * sizeof(T), sizeof(T));
        return value;
    }
    // Goes through the core's data cache: DataCacheCleanAndInvalid brings it to memory.
    template <class U> void SetValue(uint64_t index, U value, PORTOLAN_LINE) const {
        portolan::globalWrite(*this, index * sizeof(T), sizeof(T), {"SetValue", line.number});
        T element = static_cast<T>(value);
        __builtin_memcpy(address + index * sizeof(T), &element, sizeof(T));
    }
    __gm__ T *GetPhyAddr() const { return reinterpret_cast<__gm__ T *>(address); }
    __gm__ T *GetPhyAddr(uint64_t offset) const { return GetPhyAddr() + offset; }
    uint64_t GetSize() const { return bytes / sizeof(T); }
};

} // namespace AscendC
