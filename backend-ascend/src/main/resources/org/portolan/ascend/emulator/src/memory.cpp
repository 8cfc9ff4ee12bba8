#include "memory.h"

namespace portolan {
namespace {

constexpr uint64_t kRedZone = 64, kQuarantine = 64ull << 20;
constexpr uint8_t kRed = 0xFD;

Mutex mutex;
Allocation **allocations; // by address
int32_t count, capacity;
uint32_t numbers;
uint64_t inUse[kMostDevices], quarantined;
uint32_t changes;

// The index of the last allocation that starts at or before the address, -1 for none.
int32_t indexOf(const void *address) {
    int32_t low = 0, high = count;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (allocations[middle]->base - kRedZone <= static_cast<const uint8_t *>(address)) low = middle + 1;
        else high = middle;
    }
    return low - 1;
}

bool isRed(const Allocation &of) {
    for (const uint8_t *at = of.base - kRedZone; at < of.base; at++) {
        if (*at != kRed) return false;
    }
    for (const uint8_t *at = of.base + of.padded; at < of.base + of.padded + kRedZone; at++) {
        if (*at != kRed) return false;
    }
    return true;
}

void give(int32_t index) {
    __atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
    Allocation *gone = allocations[index];
    munmap(gone->base - kRedZone, gone->mapped);
    uint64_t cells = (gone->padded + 31) / 32;
    if (gone->cells != nullptr) munmap(gone->cells, cells * sizeof(GlobalCell));
    if (gone->initialized != nullptr) munmap(gone->initialized, cells * 4);
    memmove(allocations + index, allocations + index + 1, (count - index - 1) * sizeof(Allocation *));
    count--;
    free(gone);
}

} // namespace

uint64_t memoryInAll() {
    static uint64_t bytes;
    if (bytes == 0) {
        const char *asked = getenv("PORTOLAN_ASCEND_MEMORY");
        uint64_t number = asked == nullptr ? 0 : uint64_t(atol(asked));
        bytes = number == 0 ? 32ull << 30 : number;
    }
    return bytes;
}

uint32_t memoryChanges() { return __atomic_load_n(&changes, __ATOMIC_ACQUIRE); }

uint64_t memoryInUse(int32_t device) { return __atomic_load_n(&inUse[device], __ATOMIC_RELAXED); }

Allocation *findAllocation(const void *address) {
    Locked locked(mutex);
    int32_t index = indexOf(address);
    return index < 0 ? nullptr : allocations[index];
}

int32_t allocateMemory(uint64_t size, int32_t device, void **result) {
    Locked locked(mutex);
    bool host = device < 0;
    uint64_t padded = host ? size : (size + 31) / 32 * 32 + 32;
    if (size > (1ull << 46) || (!host && inUse[device] + padded > memoryInAll())) return 1;
    uint64_t mapped = padded + 2 * kRedZone;
    auto *block = static_cast<uint8_t *>(pages(mapped));
    if (block == nullptr) return 1;
    if (count == capacity) {
        capacity = capacity == 0 ? 256 : capacity * 2;
        allocations = static_cast<Allocation **>(realloc(allocations, capacity * sizeof(Allocation *)));
    }
    auto *fresh = static_cast<Allocation *>(calloc(1, sizeof(Allocation)));
    fresh->base = block + kRedZone, fresh->size = size, fresh->padded = padded, fresh->mapped = mapped;
    fresh->number = numbers++, fresh->host = host, fresh->device = device;
    memset(block, kRed, kRedZone);
    memset(fresh->base + padded, kRed, kRedZone);
    if (!host) {
        if (checking) fresh->initialized = static_cast<uint32_t *>(pages((padded + 31) / 32 * 4));
        // What nobody wrote looks like nothing, in pages of moderate number.
        if (checking && padded <= (16u << 20)) memset(fresh->base, 0xCB, padded);
        __atomic_add_fetch(&inUse[device], padded, __ATOMIC_RELAXED);
    }
    int32_t index = indexOf(block) + 1;
    memmove(allocations + index + 1, allocations + index, (count - index) * sizeof(Allocation *));
    allocations[index] = fresh;
    count++;
    *result = fresh->base;
    return 0;
}

int32_t freeMemory(void *address, bool host) {
    Locked locked(mutex);
    int32_t index = indexOf(address);
    if (index < 0 || allocations[index]->base != address || allocations[index]->host != host) return 1;
    Allocation &gone = *allocations[index];
    if (gone.freed) return 2;
    bool red = isRed(gone);
    gone.freed = true;
    if (!host) __atomic_sub_fetch(&inUse[gone.device], gone.padded, __ATOMIC_RELAXED);
    // Freed memory stays known for a while, so that a use of it is found.
    if (gone.mapped > kQuarantine / 4) {
        give(index);
    } else {
        quarantined += gone.mapped;
        for (int32_t i = 0; quarantined > kQuarantine && i < count;) {
            if (!allocations[i]->freed || allocations[i] == &gone) {
                i++;
                continue;
            }
            quarantined -= allocations[i]->mapped;
            give(i);
        }
    }
    return red ? 0 : 3;
}

void markInitialized(Allocation &of, uint64_t offset, uint64_t bytes) {
    if (of.initialized == nullptr || bytes == 0) return;
    uint64_t end = offset + bytes;
    for (uint64_t cell = offset / 32; cell * 32 < end; cell++) {
        uint32_t mask = ~0u;
        if (cell * 32 < offset) mask &= ~0u << (offset - cell * 32);
        if (cell * 32 + 32 > end) mask &= ~0u >> (cell * 32 + 32 - end);
        of.initialized[cell] |= mask;
    }
}

int64_t brokenRedZone() {
    Locked locked(mutex);
    for (int32_t i = 0; i < count; i++) {
        Allocation &of = *allocations[i];
        if (of.freed || of.reported || isRed(of)) continue;
        of.reported = true;
        return of.number;
    }
    return -1;
}

} // namespace portolan
