// The thread that does what streams hold, when it is wanted.
#include "device.h"

namespace portolan {

Mutex deviceMutex;
Signal progress;

namespace {

Stream *streams;
Signal wanted;
bool running;

struct Planned {
    char call[64];
    int32_t code, after;
} planned[16];
Mutex plannedMutex;
bool environmentRead;

// name=code or name=code@after, separated by commas
void readEnvironment() {
    environmentRead = true;
    const char *text = getenv("PORTOLAN_ASCEND_FAULT");
    while (text != nullptr && *text != 0) {
        char call[64];
        size_t length = 0;
        for (; *text != 0 && *text != '=' && *text != ','; text++) {
            if (length + 1 < sizeof(call)) call[length++] = *text;
        }
        call[length] = 0;
        int32_t code = 0, after = 0;
        if (*text == '=') code = int32_t(atol(++text));
        while (*text != 0 && *text != '@' && *text != ',') text++;
        if (*text == '@') after = int32_t(atol(++text));
        while (*text != 0 && *text != ',') text++;
        if (*text == ',') text++;
        for (Planned &free : planned) {
            if (free.code != 0 || code == 0) continue;
            memcpy(free.call, call, sizeof(call));
            free.code = code, free.after = after;
            break;
        }
    }
}

Task &taskOf(Stream &stream, uint64_t number) { return stream.tasks[number % stream.capacity]; }

void execute(Stream &stream, Task task);

// Under deviceMutex, on the device's thread.
void advance(Stream &stream, uint64_t index) {
    while (stream.first < index && stream.first < stream.last) {
        Task task = taskOf(stream, stream.first);
        if (task.kind == Task::Wait && task.other != nullptr && task.other->magic == kStreamMagic) advance(*task.other, task.index);
        deviceMutex.unlock();
        execute(stream, task);
        deviceMutex.lock();
        stream.first++;
        if (stream.first == stream.last) stream.spaceUsed = 0;
    }
}

void execute(Stream &stream, Task task) {
    bool dead = stream.error != 0; // what comes after a fault is not done, until the host has heard of it
    switch (task.kind) {
        case Task::Copy:
            if (!dead) memmove(task.target, task.source, task.bytes);
            break;
        case Task::Set:
            if (!dead) memset(task.target, int32_t(task.index), task.bytes);
            break;
        case Task::Launch:
            if (!dead) stream.error = runKernel(*task.function, stream.device, task.arguments, task.count, task.blocks, stream.message, sizeof(stream.message));
            free(task.arguments);
            if (task.block != nullptr) freeMemory(task.block, false);
            break;
        case Task::Record: task.event->nanos = nanoseconds(); break;
        case Task::Wait: break;
    }
}

void *run(void *) {
    for (;;) {
        int32_t seen = wanted.value();
        bool worked = false;
        deviceMutex.lock();
        for (Stream *stream = streams; stream != nullptr; stream = stream->next) {
            if (stream->first < stream->wanted) {
                advance(*stream, stream->wanted);
                worked = true;
                break;
            }
        }
        deviceMutex.unlock();
        if (worked) progress.raise();
        else wanted.await(seen);
    }
    return nullptr;
}

} // namespace

int32_t plannedFault(const char *call) {
    Locked locked(plannedMutex);
    if (!environmentRead) readEnvironment();
    for (Planned &fault : planned) {
        if (fault.code == 0 || strcmp(fault.call, call) != 0) continue;
        if (fault.after-- > 0) return 0;
        int32_t code = fault.code;
        fault.code = 0;
        return code;
    }
    return 0;
}

void planFault(const char *call, int32_t code, int32_t after) {
    Locked locked(plannedMutex);
    if (!environmentRead) readEnvironment();
    for (Planned &fault : planned) {
        if (fault.code != 0) continue;
        snprintf(fault.call, sizeof(fault.call), "%s", call);
        fault.code = code, fault.after = after;
        return;
    }
}

Stream *makeStream(int32_t device) {
    void *space;
    if (allocateMemory(kSpace, device, &space) != 0) return nullptr;
    auto *made = static_cast<Stream *>(calloc(1, sizeof(Stream)));
    made->magic = kStreamMagic;
    made->device = device;
    made->capacity = 256;
    made->tasks = static_cast<Task *>(malloc(made->capacity * sizeof(Task)));
    made->space = static_cast<uint8_t *>(space);
    Locked locked(deviceMutex);
    made->next = streams;
    streams = made;
    if (!running) {
        unsigned long thread;
        if (pthread_create(&thread, nullptr, run, nullptr) == 0) pthread_detach(thread);
        running = true;
    }
    return made;
}

void dropStream(Stream *gone) {
    char message[16];
    finish(*gone, ~uint64_t(0), -1, message, sizeof(message));
    Locked locked(deviceMutex);
    for (Stream **at = &streams; *at != nullptr; at = &(*at)->next) {
        if (*at != gone) continue;
        *at = gone->next;
        break;
    }
    gone->magic = 0; // its memory stays: events may name it, and a stale handle is recognised
    freeMemory(gone->space, false);
    free(gone->tasks);
    gone->tasks = nullptr;
}

void put(Stream &stream, const Task &task) {
    if (stream.last - stream.first == stream.capacity) {
        auto *larger = static_cast<Task *>(malloc(stream.capacity * 2 * sizeof(Task)));
        for (uint64_t i = stream.first; i < stream.last; i++) larger[i % (stream.capacity * 2)] = taskOf(stream, i);
        free(stream.tasks);
        stream.tasks = larger;
        stream.capacity *= 2;
    }
    taskOf(stream, stream.last++) = task;
}

void want(Stream &stream, uint64_t index) {
    stream.wanted = most(stream.wanted, least(index, stream.last));
    wanted.raise();
}

int32_t finish(Stream &stream, uint64_t index, int64_t nanos, char *message, size_t size) {
    int64_t end = nanos < 0 ? -1 : nanoseconds() + nanos;
    deviceMutex.lock();
    index = least(index, stream.last);
    if (stream.first < index) want(stream, index);
    while (stream.first < index) {
        int32_t seen = progress.value();
        deviceMutex.unlock();
        int64_t left = end < 0 ? -1 : end - nanoseconds();
        if (end >= 0 && left <= 0) return 107020;
        progress.await(seen, left);
        deviceMutex.lock();
    }
    int32_t error = stream.error;
    if (error != 0) snprintf(message, size, "%s", stream.message);
    stream.error = 0;
    deviceMutex.unlock();
    return error;
}

int32_t finishAll(int32_t device, char *message, size_t size) {
    int32_t error = 0;
    for (Stream *stream = streams; stream != nullptr; stream = stream->next) {
        if (stream->device != device) continue;
        int32_t found = finish(*stream, ~uint64_t(0), -1, message, size);
        if (error == 0) error = found;
    }
    return error;
}

} // namespace portolan
