// The device's memory: every allocation is known, with a red zone on both sides.
#pragma once
#include "../include/portolan/runtime.h"
#include "system.h"

namespace portolan {

constexpr int32_t kMostDevices = 8;

// What happened to 32 bytes of global memory in the launch `epoch`.
struct GlobalCell {
    uint32_t epoch, writeSequence, writeMask, readSequence;
    uint16_t writeBlock, readBlock;
    uint8_t writePipe, readPipe, atomic, logged;
};
constexpr uint16_t kNobody = 0xffff, kSeveral = 0xfffe;

struct Allocation {
    uint8_t *base;
    uint64_t size;   // as asked for
    uint64_t padded; // that and the runtime's 32 spare bytes
    uint64_t mapped; // with the red zones
    uint32_t number;
    int32_t device; // that it belongs to; -1 for memory of the host
    bool host, freed, reported;
    GlobalCell *cells;     // made when a kernel is followed for the first time
    uint32_t *initialized; // a bit for each byte; null where nothing is followed
};

// The allocation that holds the address, or the nearest one before it; null if there is none.
Allocation *findAllocation(const void *address);
int32_t allocateMemory(uint64_t size, int32_t device, void **result); // device -1: pinned memory of the host
// 0, or why not: 1 unknown address, 2 freed already, 3 a red zone was written.
int32_t freeMemory(void *address, bool host);
void markInitialized(Allocation &, uint64_t offset, uint64_t bytes);
// Grows when an allocation is forgotten: what findAllocation gave may be gone then.
uint32_t memoryChanges();
uint64_t memoryInUse(int32_t device);
uint64_t memoryInAll(); // of each device
// The number of an allocation whose red zone was written and that was not told of before, or -1.
int64_t brokenRedZone();

} // namespace portolan
