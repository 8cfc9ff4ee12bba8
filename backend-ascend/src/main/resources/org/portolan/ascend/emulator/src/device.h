// Streams, events, kernels: what lies between the C interface and the cores.
//
// Streams are lazy: what is put into one stays there until somebody synchronises, or asks after an event. A missing
// synchronisation therefore shows: the host reads what was there before.
#pragma once
#include "core.h"

namespace portolan {

constexpr int32_t kParameters = 128;

struct Binary_ {
    uint32_t magic;
    void *library;
    int32_t architecture, device;
};
constexpr uint32_t kBinaryMagic = 0x42494e41, kFunctionMagic = 0x46554e43, kStreamMagic = 0x5354524d, kEventMagic = 0x45564e54, kArgumentsMagic = 0x41524753;

struct Function {
    uint32_t magic;
    Binary_ *binary;
    void *entry;
    uint32_t launches;
    Function *next;
    char name[256];
};

struct Stream;

struct Event {
    uint32_t magic, flags;
    Stream *stream; // the last record
    uint64_t index;
    int64_t nanos;
};

struct Task {
    enum Kind : int32_t { Copy, Set, Launch, Record, Wait } kind;
    void *target;
    const void *source;
    uint64_t bytes;
    Function *function;
    uint64_t *arguments;
    uint32_t count, blocks;
    void *block; // device memory to be freed afterwards
    Event *event;
    Stream *other;
    uint64_t index;
};

struct Stream {
    uint32_t magic;
    Stream *next;
    Task *tasks; // a ring
    uint64_t capacity, first, last, wanted; // numbers of tasks: executed before `first`, to be executed before `wanted`
    uint8_t *space; // device memory for arguments
    uint64_t spaceUsed;
    int32_t device, error;
    char message[1024];
};

constexpr uint64_t kSpace = 1 << 20;

// Handles that are over. The last ones stay as they are, so that a stale handle is recognised; older ones are used again.
template <class T> struct Retired {
    static constexpr uint64_t kKept = 1024;
    T *items[kKept];
    uint64_t first, last;

    // The oldest one if there is no room, else null.
    T *give(T *gone) {
        T *oldest = last - first == kKept ? items[first++ % kKept] : nullptr;
        items[last++ % kKept] = gone;
        return oldest;
    }
};

extern Mutex deviceMutex; // streams, events and functions
extern Signal progress;
const Chip *deviceChip();
const char *deviceName();
bool nameDevice(const char *soc);
int32_t currentDevice(); // of this thread, -1 for none

Stream *makeStream(int32_t device);
void dropStream(Stream *);
void put(Stream &, const Task &); // under deviceMutex
void want(Stream &, uint64_t index);
// 0, an error of a kernel, or 107020 after the time (negative: none).
int32_t finish(Stream &, uint64_t index, int64_t nanos, char *message, size_t size);
int32_t finishAll(int32_t device, char *message, size_t size);

// The code that a call shall fail with, 0 for none: faults that tests ask for.
int32_t plannedFault(const char *call);
void planFault(const char *call, int32_t code, int32_t after);

// Runs a kernel; 0 or an error code, with the reason in `message`.
int32_t runKernel(Function &, int32_t device, const uint64_t *arguments, uint32_t count, uint32_t blocks, char *message, size_t size);

} // namespace portolan
