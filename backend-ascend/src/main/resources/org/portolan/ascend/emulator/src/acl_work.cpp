// The C interface: streams, events, kernels.
#include "acl.h"

using namespace portolan;

namespace {

int32_t synchronise(const char *call, Stream *stream, uint64_t index, int64_t nanos) {
    char message[1024];
    int32_t code = finish(*stream, index, nanos, message, sizeof(message));
    if (code == TooLate) return fail(code, "%s: the time is over", call);
    return code == 0 ? Fine : fail(code, "%s: %s", call, message);
}

bool isEvent(const Event *event) { return event != nullptr && event->magic == kEventMagic; }
bool isFunction(const Function *function) { return function != nullptr && function->magic == kFunctionMagic; }

Function *functions;
Retired<Event> oldEvents;
Retired<Function> oldFunctions;
Retired<Binary_> oldBinaries;

struct Arguments {
    uint32_t magic;
    uint64_t used; // the number of its last use
    Function *function;
    uint32_t count, open; // placeholders may be asked for once all were appended
    bool finalized;
    uint64_t words[kParameters];
    struct Part {
        void *data;
        size_t size;
        bool isPlaceHolder;
    } parts[kParameters];
};

// Nothing ends a handle, so the runtime does: one that has not been used for this many launches is given out again.
constexpr uint64_t kArguments = 4096;
Arguments *handles[kArguments];
uint64_t cursor, uses;

Arguments *takeArguments(Function *function) {
    Locked locked(deviceMutex);
    Arguments *found = nullptr;
    for (uint64_t i = 0; i < kArguments; i++, cursor++) {
        Arguments *&place = handles[cursor % kArguments];
        if (place == nullptr) place = static_cast<Arguments *>(calloc(1, sizeof(Arguments)));
        else if (place->used + kArguments > uses) continue;
        found = place;
        cursor++;
        break;
    }
    if (found == nullptr) found = static_cast<Arguments *>(calloc(1, sizeof(Arguments))); // all are in use
    for (uint32_t i = 0; i < found->count; i++) free(found->parts[i].data);
    memset(found, 0, sizeof(Arguments));
    found->magic = kArgumentsMagic, found->function = function, found->used = ++uses;
    return found;
}

bool isArguments(const Arguments *arguments) { return arguments != nullptr && arguments->magic == kArgumentsMagic; }

// Memory of the device for what travels with a launch.
uint8_t *spaceFor(Stream &stream, size_t bytes, void *&freedLater) {
    size_t rounded = (bytes + 63) / 64 * 64;
    if (stream.spaceUsed + rounded <= kSpace) {
        uint8_t *found = stream.space + stream.spaceUsed;
        stream.spaceUsed += rounded;
        return found;
    }
    return allocateMemory(bytes, stream.device, &freedLater) == 0 ? static_cast<uint8_t *>(freedLater) : nullptr;
}

void markWritten(uint8_t *address, size_t bytes) {
    Allocation *found = findAllocation(address);
    if (found != nullptr) markInitialized(*found, address - found->base, bytes);
}

int32_t checkLaunch(const char *call, Function *function, uint32_t blocks, Stream *&stream) {
    if (int32_t code = enter(call)) return code;
    if (!isFunction(function)) return fail(RuntimeParameter, "%s: the function is none", call);
    if (blocks == 0 || blocks > 65535) return fail(RuntimeParameter, "%s: %u blocks, but 1 to 65535 are possible", call, blocks);
    if (int32_t code = asked(stream)) return code;
    if (function->binary->device == stream->device) return 0;
    return fail(OtherContext, "%s: the kernel was loaded for device %d, and the stream is one of device %d", call, function->binary->device, stream->device);
}

int32_t putLaunch(Stream &stream, Function *function, uint32_t blocks, const uint64_t *words, uint32_t count, void *freedLater) {
    Task task{};
    task.kind = Task::Launch, task.function = function, task.blocks = blocks, task.count = count, task.block = freedLater;
    task.arguments = static_cast<uint64_t *>(malloc((count + 1) * sizeof(uint64_t)));
    memcpy(task.arguments, words, count * sizeof(uint64_t));
    put(stream, task);
    return Fine;
}

int32_t load(const char *path, const char *shown, Binary_ **result) {
    void *library = dlopen(path, 2); // RTLD_NOW
    if (library == nullptr) return fail(InvalidFile, "%s cannot be loaded: %s", shown, dlerror());
    auto *architecture = static_cast<const int32_t *>(dlsym(library, "portolan_ascend_architecture"));
    if (architecture == nullptr || *architecture != deviceChip()->architecture) {
        int32_t code = fail(RuntimeParameter, "%s is for dav-%d, and this device is %s (%s)", shown, architecture == nullptr ? 0 : *architecture, deviceName(), deviceChip()->name);
        dlclose(library);
        return code;
    }
    auto *made = static_cast<Binary_ *>(calloc(1, sizeof(Binary_)));
    made->magic = kBinaryMagic, made->library = library, made->architecture = *architecture, made->device = currentDevice();
    *result = made;
    return Fine;
}

} // namespace

PORTOLAN_ACL int32_t aclrtCreateStreamWithConfig(Stream **result, uint32_t, uint32_t) {
    PORTOLAN_ENTER("aclrtCreateStream");
    *result = makeStream(currentDevice());
    return *result == nullptr ? fail(MemoryExhausted, "aclrtCreateStream: no memory") : Fine;
}

PORTOLAN_ACL int32_t aclrtCreateStream(Stream **result) { return aclrtCreateStreamWithConfig(result, 0, 0); }

PORTOLAN_ACL int32_t aclrtDestroyStream(Stream *stream) {
    PORTOLAN_ENTER("aclrtDestroyStream");
    if (stream == nullptr) return fail(RuntimeParameter, "aclrtDestroyStream: null");
    if (int32_t code = asked(stream)) return code;
    dropStream(stream);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtSynchronizeStreamWithTimeout(Stream *stream, int32_t milliseconds) {
    PORTOLAN_ENTER("aclrtSynchronizeStream");
    if (int32_t code = asked(stream)) return code;
    return synchronise("aclrtSynchronizeStream", stream, ~uint64_t(0), milliseconds < 0 ? -1 : milliseconds * 1000000ll);
}

PORTOLAN_ACL int32_t aclrtSynchronizeStream(Stream *stream) { return aclrtSynchronizeStreamWithTimeout(stream, -1); }

PORTOLAN_ACL int32_t aclrtSynchronizeDevice() {
    PORTOLAN_ENTER("aclrtSynchronizeDevice");
    char message[1024];
    int32_t code = finishAll(currentDevice(), message, sizeof(message));
    return code == 0 ? Fine : fail(code, "aclrtSynchronizeDevice: %s", message);
}

PORTOLAN_ACL int32_t aclrtCreateEventWithFlag(Event **result, uint32_t flags) {
    PORTOLAN_ENTER("aclrtCreateEventWithFlag");
    auto *made = static_cast<Event *>(calloc(1, sizeof(Event)));
    made->magic = kEventMagic, made->flags = flags;
    *result = made;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtCreateEventExWithFlag(Event **result, uint32_t flags) { return aclrtCreateEventWithFlag(result, flags); }
PORTOLAN_ACL int32_t aclrtCreateEvent(Event **result) { return aclrtCreateEventWithFlag(result, 0x9); }

PORTOLAN_ACL int32_t aclrtDestroyEvent(Event *event) {
    PORTOLAN_ENTER("aclrtDestroyEvent");
    if (!isEvent(event)) return fail(RuntimeParameter, "aclrtDestroyEvent: the event is none");
    if (event->stream != nullptr && event->stream->magic == kStreamMagic) {
        // A task that still names the event runs before the event goes.
        char message[16];
        deviceMutex.lock();
        int32_t kept = event->stream->error;
        deviceMutex.unlock();
        if (kept == 0 && event->stream->first < event->index) {
            int32_t code = finish(*event->stream, event->index, -1, message, sizeof(message));
            if (code != 0) event->stream->error = code;
        }
    }
    Locked locked(deviceMutex);
    event->magic = 0;
    free(oldEvents.give(event));
    return Fine;
}

PORTOLAN_ACL int32_t aclrtRecordEvent(Event *event, Stream *stream) {
    PORTOLAN_ENTER("aclrtRecordEvent");
    if (!isEvent(event)) return fail(RuntimeParameter, "aclrtRecordEvent: the event is none");
    if (int32_t code = asked(stream)) return code;
    Task task{};
    task.kind = Task::Record, task.event = event;
    Locked locked(deviceMutex);
    if (stream->first == stream->last) event->nanos = nanoseconds(); // nothing comes before it
    else put(*stream, task);
    event->stream = stream, event->index = stream->last;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtStreamWaitEvent(Stream *stream, Event *event) {
    PORTOLAN_ENTER("aclrtStreamWaitEvent");
    if (!isEvent(event)) return fail(RuntimeParameter, "aclrtStreamWaitEvent: the event is none");
    if (int32_t code = asked(stream)) return code;
    Task task{};
    task.kind = Task::Wait, task.other = event->stream, task.index = event->index;
    Locked locked(deviceMutex);
    if (event->stream != nullptr) put(*stream, task);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtQueryEventStatus(Event *event, int32_t *status) {
    PORTOLAN_ENTER("aclrtQueryEventStatus");
    if (!isEvent(event)) return fail(RuntimeParameter, "aclrtQueryEventStatus: the event is none");
    Locked locked(deviceMutex);
    *status = event->stream == nullptr || event->stream->first >= event->index;
    if (*status == 0) want(*event->stream, event->index);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtSynchronizeEventWithTimeout(Event *event, int32_t milliseconds) {
    PORTOLAN_ENTER("aclrtSynchronizeEvent");
    if (!isEvent(event)) return fail(RuntimeParameter, "aclrtSynchronizeEvent: the event is none");
    if (event->stream == nullptr) return Fine;
    return synchronise("aclrtSynchronizeEvent", event->stream, event->index, milliseconds < 0 ? -1 : milliseconds * 1000000ll);
}

PORTOLAN_ACL int32_t aclrtSynchronizeEvent(Event *event) { return aclrtSynchronizeEventWithTimeout(event, -1); }

PORTOLAN_ACL int32_t aclrtEventElapsedTime(float *milliseconds, Event *start, Event *end) {
    PORTOLAN_ENTER("aclrtEventElapsedTime");
    if (!isEvent(start) || !isEvent(end)) return fail(RuntimeParameter, "aclrtEventElapsedTime: the event is none");
    if ((start->flags & end->flags & 8) == 0) return fail(RuntimeParameter, "aclrtEventElapsedTime: the events are not made with ACL_EVENT_TIME_LINE");
    if (start->nanos == 0 || end->nanos == 0) return fail(RuntimeParameter, "aclrtEventElapsedTime: an event was not reached yet");
    *milliseconds = float(double(end->nanos - start->nanos) * 1e-6);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtBinaryLoadFromFile(const char *path, const void *, Binary_ **result) {
    PORTOLAN_ENTER("aclrtBinaryLoadFromFile");
    if (path == nullptr || path[0] != '/') return fail(InvalidParameter, "aclrtBinaryLoadFromFile: %s is no absolute path", path == nullptr ? "null" : path);
    return load(path, path, result);
}

PORTOLAN_ACL int32_t aclrtBinaryLoadFromData(const void *data, size_t length, const void *, Binary_ **result) {
    PORTOLAN_ENTER("aclrtBinaryLoadFromData");
    long file = syscall(319, "kernels", 1); // memfd_create, closed on exec
    if (file < 0) return fail(InvalidFile, "aclrtBinaryLoadFromData: no memory file");
    auto *at = static_cast<const uint8_t *>(data);
    while (length > 0) {
        long written = write(int(file), at, length);
        if (written <= 0) {
            close(int(file));
            return fail(InvalidFile, "aclrtBinaryLoadFromData: cannot write the memory file");
        }
        at += written, length -= size_t(written);
    }
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%ld", file);
    int32_t code = load(path, "the binary", result);
    close(int(file));
    return code;
}

PORTOLAN_ACL int32_t aclrtBinaryUnLoad(Binary_ *binary) {
    PORTOLAN_ENTER("aclrtBinaryUnLoad");
    if (binary == nullptr || binary->magic != kBinaryMagic) return fail(RuntimeParameter, "aclrtBinaryUnLoad: the binary is none");
    if (binary->device != currentDevice()) return fail(OtherContext, "aclrtBinaryUnLoad: the binary was loaded for device %d", binary->device);
    Locked locked(deviceMutex);
    for (Function **at = &functions; *at != nullptr;) {
        Function *function = *at;
        if (function->binary != binary) {
            at = &function->next;
            continue;
        }
        *at = function->next;
        function->magic = 0;
        free(oldFunctions.give(function));
    }
    binary->magic = 0;
    dlclose(binary->library);
    free(oldBinaries.give(binary));
    return Fine;
}

PORTOLAN_ACL int32_t aclrtBinaryGetFunction(Binary_ *binary, const char *name, Function **result) {
    PORTOLAN_ENTER("aclrtBinaryGetFunction");
    if (binary == nullptr || binary->magic != kBinaryMagic) return fail(RuntimeParameter, "aclrtBinaryGetFunction: the binary is none");
    void *entry = dlsym(binary->library, name);
    if (entry == nullptr) return fail(KernelNotFound, "aclrtBinaryGetFunction: the binary has no kernel %s", name);
    Locked locked(deviceMutex);
    for (Function *known = functions; known != nullptr; known = known->next) {
        if (known->binary == binary && known->entry == entry) {
            *result = known;
            return Fine;
        }
    }
    auto *made = static_cast<Function *>(calloc(1, sizeof(Function)));
    made->magic = kFunctionMagic, made->binary = binary, made->entry = entry;
    snprintf(made->name, sizeof(made->name), "%s", name);
    made->next = functions;
    functions = made;
    *result = made;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtKernelArgsInit(Function *function, Arguments **result) {
    PORTOLAN_ENTER("aclrtKernelArgsInit");
    if (!isFunction(function)) return fail(RuntimeParameter, "aclrtKernelArgsInit: the function is none");
    *result = takeArguments(function);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtKernelArgsAppend(Arguments *arguments, const void *value, size_t size, void **handle) {
    PORTOLAN_ENTER("aclrtKernelArgsAppend");
    if (!isArguments(arguments)) return fail(RuntimeParameter, "aclrtKernelArgsAppend: the arguments are none");
    if (arguments->count == kParameters) return fail(RuntimeParameter, "aclrtKernelArgsAppend: more than %d parameters", kParameters);
    if (arguments->open != 0) return fail(RuntimeParameter, "aclrtKernelArgsAppend: all parameters come before the first placeholder buffer");
    if (size > 8 || size == 0) return fail(RuntimeParameter, "aclrtKernelArgsAppend: %zu bytes, but a parameter has at most 8 here", size);
    memcpy(&arguments->words[arguments->count], value, size);
    arguments->parts[arguments->count] = {nullptr, size, false};
    *handle = &arguments->parts[arguments->count++];
    return Fine;
}

PORTOLAN_ACL int32_t aclrtKernelArgsAppendPlaceHolder(Arguments *arguments, void **handle) {
    PORTOLAN_ENTER("aclrtKernelArgsAppendPlaceHolder");
    if (!isArguments(arguments)) return fail(RuntimeParameter, "aclrtKernelArgsAppendPlaceHolder: the arguments are none");
    if (arguments->count == kParameters) return fail(RuntimeParameter, "aclrtKernelArgsAppendPlaceHolder: more than %d parameters", kParameters);
    if (arguments->open != 0) return fail(RuntimeParameter, "aclrtKernelArgsAppendPlaceHolder: all parameters come before the first placeholder buffer");
    arguments->parts[arguments->count] = {nullptr, 0, true};
    *handle = &arguments->parts[arguments->count++];
    return Fine;
}

PORTOLAN_ACL int32_t aclrtKernelArgsGetPlaceHolderBuffer(Arguments *arguments, void *handle, size_t size, void **buffer) {
    PORTOLAN_ENTER("aclrtKernelArgsGetPlaceHolderBuffer");
    auto *part = static_cast<Arguments::Part *>(handle);
    if (!isArguments(arguments) || part < arguments->parts || part >= arguments->parts + arguments->count || !part->isPlaceHolder) {
        return fail(RuntimeParameter, "aclrtKernelArgsGetPlaceHolderBuffer: the parameter is no placeholder of these arguments");
    }
    if (size == 0) return fail(RuntimeParameter, "aclrtKernelArgsGetPlaceHolderBuffer: 0 bytes");
    free(part->data);
    part->data = calloc(1, size);
    part->size = size;
    arguments->open++;
    *buffer = part->data;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtKernelArgsParaUpdate(Arguments *arguments, void *handle, const void *value, size_t size) {
    PORTOLAN_ENTER("aclrtKernelArgsParaUpdate");
    auto *part = static_cast<Arguments::Part *>(handle);
    if (!isArguments(arguments) || part < arguments->parts || part >= arguments->parts + arguments->count || part->isPlaceHolder || size > 8) {
        return fail(RuntimeParameter, "aclrtKernelArgsParaUpdate: the parameter is none of these arguments");
    }
    memcpy(&arguments->words[part - arguments->parts], value, size);
    arguments->finalized = false;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtKernelArgsFinalize(Arguments *arguments) {
    PORTOLAN_ENTER("aclrtKernelArgsFinalize");
    if (!isArguments(arguments)) return fail(RuntimeParameter, "aclrtKernelArgsFinalize: the arguments are none");
    for (uint32_t i = 0; i < arguments->count; i++) {
        if (arguments->parts[i].isPlaceHolder && arguments->parts[i].data == nullptr) return fail(RuntimeParameter, "aclrtKernelArgsFinalize: placeholder %u has no buffer", i);
    }
    arguments->finalized = true;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtLaunchKernelWithConfig(Function *function, uint32_t blocks, Stream *stream, const void *, Arguments *arguments, void *) {
    if (int32_t code = checkLaunch("aclrtLaunchKernelWithConfig", function, blocks, stream)) return code;
    if (!isArguments(arguments) || arguments->function != function) return fail(RuntimeParameter, "aclrtLaunchKernelWithConfig: the arguments are not of this function");
    if (!arguments->finalized) return fail(RuntimeParameter, "aclrtLaunchKernelWithConfig: call aclrtKernelArgsFinalize after the last change");
    size_t bytes = 0;
    for (uint32_t i = 0; i < arguments->count; i++) bytes += arguments->parts[i].isPlaceHolder ? (arguments->parts[i].size + 31) / 32 * 32 : 0;
    Locked locked(deviceMutex);
    void *freedLater = nullptr;
    uint8_t *space = bytes == 0 ? nullptr : spaceFor(*stream, bytes, freedLater);
    if (bytes != 0 && space == nullptr) return fail(MemoryExhausted, "aclrtLaunchKernelWithConfig: no memory for %zu bytes of parameters", bytes);
    if (space != nullptr) markWritten(space, bytes);
    uint64_t words[kParameters];
    for (uint32_t i = 0; i < arguments->count; i++) {
        Arguments::Part &part = arguments->parts[i];
        words[i] = part.isPlaceHolder ? reinterpret_cast<uint64_t>(space) : arguments->words[i];
        if (!part.isPlaceHolder) continue;
        memcpy(space, part.data, part.size);
        space += (part.size + 31) / 32 * 32;
    }
    arguments->used = ++uses;
    return putLaunch(*stream, function, blocks, words, arguments->count, freedLater);
}

struct PlaceHolder {
    uint32_t addressOffset, dataOffset;
};

PORTOLAN_ACL int32_t aclrtLaunchKernelWithHostArgs(Function *function, uint32_t blocks, Stream *stream, const void *, const void *host, size_t size, const PlaceHolder *holders, size_t count) {
    if (int32_t code = checkLaunch("aclrtLaunchKernelWithHostArgs", function, blocks, stream)) return code;
    size_t first = size;
    for (size_t i = 0; i < count; i++) {
        if (holders[i].addressOffset % 8 != 0 || holders[i].addressOffset + 8 > size || holders[i].dataOffset > size) return fail(RuntimeParameter, "aclrtLaunchKernelWithHostArgs: placeholder %zu lies outside the arguments", i);
        first = least<size_t>(first, holders[i].dataOffset);
    }
    if (first % 8 != 0 || first / 8 > kParameters) return fail(RuntimeParameter, "aclrtLaunchKernelWithHostArgs: %zu bytes of parameters", first);
    Locked locked(deviceMutex);
    void *freedLater = nullptr;
    uint8_t *space = spaceFor(*stream, size, freedLater);
    if (space == nullptr) return fail(MemoryExhausted, "aclrtLaunchKernelWithHostArgs: no memory for %zu bytes of parameters", size);
    memcpy(space, host, size);
    markWritten(space, size);
    uint64_t words[kParameters];
    memcpy(words, host, first);
    for (size_t i = 0; i < count; i++) words[holders[i].addressOffset / 8] = reinterpret_cast<uint64_t>(space + holders[i].dataOffset);
    return putLaunch(*stream, function, blocks, words, uint32_t(first / 8), freedLater);
}

PORTOLAN_ACL int32_t aclrtLaunchKernel(Function *function, uint32_t blocks, const void *arguments, size_t size, Stream *stream) {
    if (int32_t code = checkLaunch("aclrtLaunchKernel", function, blocks, stream)) return code;
    Allocation *found = findAllocation(arguments);
    auto *at = static_cast<const uint8_t *>(arguments);
    if (found == nullptr || found->host || found->freed || at + size > found->base + found->padded) return fail(RuntimeParameter, "aclrtLaunchKernel: the arguments are not in memory of the device");
    if (size % 8 != 0 || size / 8 > kParameters) return fail(RuntimeParameter, "aclrtLaunchKernel: %zu bytes of parameters", size);
    Locked locked(deviceMutex);
    return putLaunch(*stream, function, blocks, static_cast<const uint64_t *>(arguments), uint32_t(size / 8), nullptr);
}
