// One core: its local memories, its queues and flags, and who knows what of whom.
//
// Execution is sequential; what could happen at the same time is found with vector clocks. `known[p][q]` is the number
// of the last instruction of pipe q that has certainly ended when the next instruction of pipe p starts. An access by p
// to what q wrote (or, for writes, read) in instruction n is in order only if n <= known[p][q].
#pragma once
#include "../include/portolan/runtime.h"
#include "memory.h"

namespace portolan {

struct Chip {
    int32_t architecture;
    const char *name;
    int32_t cubeCores, vectorCores;
    uint32_t unified, l1, l0a, l0b, l0c; // usable bytes
    bool vectorOrdered;                  // dependent vector instructions wait for each other by themselves
    bool rowMajorFractals;               // of L0A: Zz; else Nz
};
const Chip *chipOf(int32_t architecture);

enum MemoryKind : int32_t { Unified, L1, L0A, L0B, L0C, MemoryKinds };

struct Cell { // 32 bytes of a local memory
    uint32_t written;
    uint32_t read[PipeCount];
    uint8_t writer;
};

struct Memory {
    const char *name;
    uint8_t *base;
    uint32_t size, used;
    uint32_t firstCell;
};

enum class State : uint8_t { Free, Allocated, Queued, Dequeued };

struct Buffer {
    uint8_t *address;
    uint32_t bytes;
    uint8_t position, generation;
    State state;
    int8_t fullEvent, emptyEvent;
    int32_t line;
};

struct Flag {
    bool set, kept, ofQueue;
    int32_t line;
    uint32_t clock[PipeCount];
};

struct Undo { // what stood in global memory before a launch
    uint8_t *address;
    uint8_t before[32], after[32];
    uint8_t bytes;
};

struct Log {
    Undo *entries;
    uint32_t count, capacity;
};

// What the blocks of a launch did. Of the scalar unit's instructions single elements are counted, and nothing else is known.
struct Counts {
    uint64_t instructions[PipeCount];
    uint64_t bytesIn, bytesOut;
    uint64_t small; // copies of pieces of less than 32 bytes
};

struct Launch {
    const char *kernel;
    uint32_t epoch, blocks;
    int32_t device;
    bool logging;
    Log *log;
    Counts *counts; // null where nobody asks
};
void logUndo(const Launch &, uint8_t *address, uint8_t bytes);

constexpr int32_t kBuffers = 64;

struct Core {
    const Chip *chip;
    const Launch *launch;
    uint32_t block;
    Memory memories[MemoryKinds];
    uint8_t *initialized; // a byte for each byte of the memories
    Cell *cells;
    uint8_t *base;
    uint32_t total;

    Buffer buffers[kBuffers];
    int32_t bufferCount;
    uint32_t sequence[PipeCount];
    uint32_t known[PipeCount][PipeCount];
    Flag flags[PipeCount][PipeCount][8];
    Place names[PipeCount][256]; // of the last instructions
    Pipe pipe;                   // of the current instruction
    Place place;
    bool open, usedCube, usedAtomic;
    int32_t atomic;
    Type atomicType;
    float dequantScale;
    uint32_t dirtyLines;
    int32_t dirtyLine;
    Allocation *recent;
    uint32_t recentChanges;
    Counts counts;

    void *jump[5];
    char message[1024];

    static Core *make(const Chip *);
    void start(const Launch *, uint32_t block);
    void finish();
    [[noreturn]] void fault(const char *format, ...) __attribute__((format(printf, 2, 3)));

    void begin(Pipe, Place);
    // The address of `bytes` bytes of the tensor; they lie in it, and it may be used. Checked in every mode.
    uint8_t *span(const Local &, uint64_t offset, uint64_t bytes, const char *what);
    void aligned(const uint8_t *, uint32_t alignment, const char *what);
    void read(const uint8_t *, uint64_t bytes, const char *what, bool mayBeUnset = false);
    void write(const uint8_t *, uint64_t bytes, const char *what);
    void unset(const uint8_t *, uint64_t bytes); // such bytes hold nothing that a kernel may use
    bool isSet(const uint8_t *, uint64_t bytes) const;
    uint8_t *global(const Global &, uint64_t offset, uint64_t bytes, const char *what);
    void globalReads(const uint8_t *, uint64_t bytes, uint8_t *targetSet);
    void globalWrites(const uint8_t *, uint64_t bytes, uint64_t touchedFrom, uint64_t touchedTo);
    MemoryKind kindOf(uint8_t position);
    Memory &memoryOf(const uint8_t *);

    void learn(uint8_t pipe, const uint32_t *clock);
    void teach(uint8_t pipe, uint32_t *clock);
    const char *describe(const uint8_t *);
    const char *instruction(uint8_t pipe, uint32_t number);
    char described[160], instructed[160];
};

extern __thread Core *current;
extern int32_t worst; // whether inexact functions are off by a unit in the last place
Core &core(Place);
extern const char *const kPipeNames[PipeCount];
uint32_t sizeOf(Type);

} // namespace portolan
