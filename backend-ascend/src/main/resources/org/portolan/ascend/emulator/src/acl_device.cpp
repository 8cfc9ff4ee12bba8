// The C interface: process, devices, memory.
#include "acl.h"

namespace portolan {
namespace {

struct Soc {
    const char *name;
    int32_t architecture;
};
constexpr Soc kSocs[] = {{"Ascend910B1", 2201}, {"Ascend910B2", 2201}, {"Ascend910B3", 2201}, {"Ascend910B4", 2201},
                         {"Ascend310P3", 2002}, {"Ascend950PR", 3510}};
const Soc *soc = nullptr;
bool initialised;
thread_local int32_t device = -1;
thread_local int32_t lastError;
thread_local char recent[2048], handed[2048];
Stream *defaultStreams[kMostDevices];
Mutex defaultMutex;
int32_t devices;               // how many there are; 0 until somebody asks
int32_t locks[kMostDevices];   // files that this process holds; 0 for none
Mutex lockMutex;

int32_t deviceCount() {
    if (devices == 0) {
        const char *asked = getenv("PORTOLAN_ASCEND_DEVICES");
        long number = asked == nullptr ? 1 : atol(asked);
        devices = int32_t(number < 1 ? 1 : number > kMostDevices ? kMostDevices : number);
    }
    return devices;
}

bool isDevice(int64_t number) { return number >= 0 && number < deviceCount(); }

int32_t noDevice(const char *call, int64_t number) {
    return fail(DeviceNumber, "%s: device %ld, but there is only device 0%s", call, long(number), deviceCount() > 1 ? " and those that follow" : "");
}

// A card in exclusive mode serves one process at a time, which keeps it until it ends. Here a locked file stands for it.
bool isOurs(int32_t number) {
    const char *asked = getenv("PORTOLAN_ASCEND_EXCLUSIVE");
    if (asked == nullptr || *asked == 0) return true;
    Locked locked(lockMutex);
    if (locks[number] != 0) return true;
    char path[1024];
    snprintf(path, sizeof(path), "%s.%d", asked, number);
    int file = open(path, 02000102, 0600); // read and write, made if absent, closed on exec
    if (file < 0) return false;
    if (flock(file, 6) != 0) { // exclusive, without waiting
        close(file);
        return false;
    }
    locks[number] = file;
    return true;
}

} // namespace

int32_t currentDevice() { return device; }

const Chip *deviceChip() {
    if (soc == nullptr) {
        const char *asked = getenv("PORTOLAN_ASCEND_SOC");
        if (asked == nullptr || !nameDevice(asked)) soc = kSocs;
    }
    return chipOf(soc->architecture);
}

const char *deviceName() {
    deviceChip();
    return soc->name;
}

bool nameDevice(const char *name) {
    for (const Soc &known : kSocs) {
        if (strcmp(known.name, name) != 0) continue;
        soc = &known;
        return true;
    }
    return false;
}

int32_t fail(int32_t code, const char *format, ...) {
    lastError = code;
    int32_t at = snprintf(recent, sizeof(recent), "EMULATED: ");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(recent + at, sizeof(recent) - at, format, arguments);
    va_end(arguments);
    return code;
}

int32_t enter(const char *call, bool needsContext) {
    if (int32_t code = plannedFault(call)) return fail(code, "%s: a fault that was asked for", call);
    if (needsContext && device < 0) return fail(NoContext, "%s: this thread has no context: call aclrtSetDevice on it", call);
    return 0;
}

int32_t asked(Stream *&stream) {
    if (stream == nullptr) {
        Locked locked(defaultMutex);
        Stream *&own = defaultStreams[device];
        if (own == nullptr) own = makeStream(device);
        stream = own;
        return stream == nullptr ? fail(MemoryExhausted, "no memory for the default stream") : 0;
    }
    if (stream->magic != kStreamMagic) return fail(RuntimeParameter, "the stream is none, or was destroyed");
    return stream->device == device ? 0 : fail(OtherContext, "the stream is one of device %d, and this thread's is device %d", stream->device, device);
}

} // namespace portolan

using namespace portolan;

PORTOLAN_ACL const char *portolan_emulator_version() { return "portolan-ascend-emulator 1"; }
// 1: every access is followed, 0: kernels run as quickly as they can. Holds for what is allocated and launched later.
PORTOLAN_ACL void portolan_emulator_checks(int32_t on) { checking = on; }
// 1: divisions, roots, exponentials and logarithms are off by a unit in the last place, as the hardware's may be.
PORTOLAN_ACL void portolan_emulator_worst(int32_t on) { worst = on; }
// How many devices there are from now on.
PORTOLAN_ACL void portolan_emulator_devices(int32_t count) { devices = count < 1 ? 1 : count > kMostDevices ? kMostDevices : count; }
PORTOLAN_ACL int32_t portolan_emulator_soc(const char *name) { return nameDevice(name) ? 0 : 1; }
// Makes the call with this name fail with a code, after it has been called `after` times; "kernel" is a kernel's run.
PORTOLAN_ACL void portolan_emulator_fault(const char *call, int32_t code, int32_t after) { planFault(call, code, after); }

PORTOLAN_ACL int32_t aclInit(const char *) {
    if (int32_t code = enter("aclInit", false)) return code;
    const char *checks = getenv("PORTOLAN_ASCEND_CHECKS");
    if (checks != nullptr && !initialised) checking = atol(checks) != 0;
    const char *worstCase = getenv("PORTOLAN_ASCEND_WORST");
    if (worstCase != nullptr && !initialised) worst = atol(worstCase) != 0;
    if (initialised) return fail(Repeated, "aclInit was called before");
    initialised = true;
    return Fine;
}

PORTOLAN_ACL int32_t aclFinalize() {
    initialised = false;
    return Fine;
}

PORTOLAN_ACL int32_t aclFinalizeReference(uint64_t *count) {
    if (count != nullptr) *count = 0;
    return aclFinalize();
}

PORTOLAN_ACL const char *aclGetRecentErrMsg() {
    if (recent[0] == 0) return nullptr;
    memcpy(handed, recent, sizeof(handed));
    recent[0] = 0;
    return handed;
}

PORTOLAN_ACL int32_t aclrtGetLastError(int32_t) {
    int32_t code = lastError;
    lastError = 0;
    return code;
}

PORTOLAN_ACL int32_t aclrtPeekAtLastError(int32_t) { return lastError; }

PORTOLAN_ACL int32_t aclrtGetDeviceCount(uint32_t *count) {
    if (int32_t code = enter("aclrtGetDeviceCount", false)) return code;
    if (count == nullptr) return fail(InvalidParameter, "aclrtGetDeviceCount: no place for the number");
    *count = uint32_t(deviceCount());
    return Fine;
}

PORTOLAN_ACL int32_t aclrtSetDevice(int32_t number) {
    if (int32_t code = enter("aclrtSetDevice", false)) return code;
    if (!initialised) return fail(Uninitialised, "aclrtSetDevice: aclInit comes first");
    if (!isDevice(number)) return noDevice("aclrtSetDevice", number);
    if (!isOurs(number)) return fail(DeviceHeld, "aclrtSetDevice: another process holds device %d", number);
    device = number;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtResetDevice(int32_t number) {
    if (!isDevice(number)) return noDevice("aclrtResetDevice", number);
    device = -1;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtGetDevice(int32_t *number) {
    PORTOLAN_ENTER("aclrtGetDevice");
    *number = device;
    return Fine;
}

PORTOLAN_ACL const char *aclrtGetSocName() { return deviceName(); }

PORTOLAN_ACL int32_t aclrtGetDeviceInfo(uint32_t number, int32_t attribute, int64_t *value) {
    if (!isDevice(number)) return noDevice("aclrtGetDeviceInfo", number);
    const Chip *chip = deviceChip();
    switch (attribute) {
        case 102: *value = chip->cubeCores; return Fine;
        case 201: *value = chip->vectorCores; return Fine;
        case 204: *value = chip->unified; return Fine;
        case 301: *value = int64_t(memoryInAll()); return Fine;
        case 601: *value = chip->architecture; return Fine;
        default: return fail(InvalidParameter, "aclrtGetDeviceInfo: attribute %d is not known", attribute);
    }
}

PORTOLAN_ACL int32_t aclGetDeviceCapability(uint32_t number, int32_t what, int64_t *value) {
    if (!isDevice(number)) return noDevice("aclGetDeviceCapability", number);
    if (what != 0 && what != 1) return fail(InvalidParameter, "aclGetDeviceCapability: %d is not known", what);
    *value = what == 0 ? deviceChip()->cubeCores : deviceChip()->vectorCores;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtGetVersion(int32_t *major, int32_t *minor, int32_t *patch) {
    *major = 1, *minor = 17, *patch = 0;
    return Fine;
}

PORTOLAN_ACL int32_t aclrtMalloc(void **result, size_t size, int32_t policy) {
    PORTOLAN_ENTER("aclrtMalloc");
    if (result == nullptr || size == 0 || policy < 0) return fail(InvalidParameter, "aclrtMalloc: %zu bytes, policy %d", size, policy);
    if (allocateMemory(size, device, result) == 0) return Fine;
    return fail(MemoryExhausted, "aclrtMalloc: %zu bytes are asked for, and %lu of %lu are in use", size, (unsigned long)memoryInUse(device), (unsigned long)memoryInAll());
}

static int32_t freeAny(const char *call, void *address, bool host) {
    if (address == nullptr) return fail(InvalidParameter, "%s: null", call);
    switch (freeMemory(address, host)) {
        case 0: return Fine;
        case 2: return fail(RuntimeParameter, "%s: %p was freed before", call, address);
        case 3: return fail(RuntimeParameter, "%s: something wrote next to the allocation at %p", call, address);
        default: return fail(RuntimeParameter, "%s: %p is no allocation of this kind", call, address);
    }
}

PORTOLAN_ACL int32_t aclrtFree(void *address) {
    PORTOLAN_ENTER("aclrtFree");
    return freeAny("aclrtFree", address, false);
}

PORTOLAN_ACL int32_t aclrtMallocHost(void **result, size_t size) {
    PORTOLAN_ENTER("aclrtMallocHost");
    if (result == nullptr || size == 0) return fail(InvalidParameter, "aclrtMallocHost: %zu bytes", size);
    return allocateMemory(size, -1, result) == 0 ? Fine : fail(MemoryExhausted, "aclrtMallocHost: %zu bytes", size);
}

PORTOLAN_ACL int32_t aclrtFreeHost(void *address) {
    PORTOLAN_ENTER("aclrtFreeHost");
    return freeAny("aclrtFreeHost", address, true);
}

namespace portolan {
namespace {

// The device's end of a copy lies in one allocation, and the host's end in none.
int32_t checkEnd(const char *call, const void *address, size_t bytes, bool onDevice, const char *end) {
    Allocation *found = findAllocation(address);
    auto *at = static_cast<const uint8_t *>(address);
    bool inside = found != nullptr && at < found->base + found->padded + 64 && !found->host;
    if (!onDevice) return inside ? fail(RuntimeParameter, "%s: %s %p is memory of the device, but the kind says host", call, end, address) : 0;
    if (!inside) return fail(RuntimeParameter, "%s: %s %p is no memory of the device", call, end, address);
    if (found->device != device) return fail(OtherContext, "%s: %s %p is memory of device %d, and this thread's is device %d", call, end, address, found->device, device);
    if (found->freed) return fail(RuntimeParameter, "%s: %s %p is in allocation %u, which was freed", call, end, address, found->number);
    if (at < found->base || at + bytes > found->base + found->size) {
        return fail(RuntimeParameter, "%s: %s reaches bytes %ld to %ld of allocation %u, which has %lu", call, end, long(at - found->base), long(at + bytes - found->base), found->number, (unsigned long)found->size);
    }
    return 0;
}

int32_t checkCopy(const char *call, const void *target, size_t most, const void *source, size_t count, int32_t kind) {
    if (kind < 0 || kind > 4) return fail(InvalidParameter, "%s: kind %d", call, kind);
    if (target == nullptr || source == nullptr || count == 0) return fail(InvalidParameter, "%s: %zu bytes from %p to %p", call, count, source, target);
    if (count > most) return fail(RuntimeParameter, "%s: %zu bytes into a place of %zu", call, count, most);
    if (kind == 4) return 0;
    if (int32_t code = checkEnd(call, source, count, kind >= 2, "the source")) return code;
    return checkEnd(call, target, count, kind == 1 || kind == 3, "the target");
}

void nowWritten(const void *target, size_t count) {
    if (!checking) return;
    Allocation *found = findAllocation(target);
    auto *at = static_cast<const uint8_t *>(target);
    if (found != nullptr && !found->freed && at + count <= found->base + found->padded) markInitialized(*found, at - found->base, count);
}

} // namespace
} // namespace portolan

PORTOLAN_ACL int32_t aclrtMemcpy(void *target, size_t most, const void *source, size_t count, int32_t kind) {
    PORTOLAN_ENTER("aclrtMemcpy");
    if (int32_t code = checkCopy("aclrtMemcpy", target, most, source, count, kind)) return code;
    memmove(target, source, count);
    nowWritten(target, count);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtMemcpyAsync(void *target, size_t most, const void *source, size_t count, int32_t kind, Stream *stream) {
    PORTOLAN_ENTER("aclrtMemcpyAsync");
    if (int32_t code = asked(stream)) return code;
    if (int32_t code = checkCopy("aclrtMemcpyAsync", target, most, source, count, kind)) return code;
    Task task{};
    task.kind = Task::Copy, task.target = target, task.source = source, task.bytes = count;
    deviceMutex.lock();
    put(*stream, task);
    uint64_t end = stream->last;
    deviceMutex.unlock();
    nowWritten(target, count);
    const void *host = kind == 1 ? source : kind == 2 ? target : nullptr;
    Allocation *pinned = host == nullptr ? nullptr : findAllocation(host);
    if (host == nullptr || (pinned != nullptr && pinned->host && static_cast<const uint8_t *>(host) < pinned->base + pinned->size)) return Fine;
    char message[1024]; // memory that is not pinned: the call returns when the copy is done
    int32_t code = finish(*stream, end, -1, message, sizeof(message));
    return code == 0 ? Fine : fail(code, "aclrtMemcpyAsync: %s", message);
}

PORTOLAN_ACL int32_t aclrtMemset(void *target, size_t most, int32_t value, size_t count) {
    PORTOLAN_ENTER("aclrtMemset");
    if (count > most) return fail(RuntimeParameter, "aclrtMemset: %zu bytes into a place of %zu", count, most);
    if (int32_t code = checkEnd("aclrtMemset", target, count, true, "the target")) return code;
    memset(target, value, count);
    nowWritten(target, count);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtMemsetAsync(void *target, size_t most, int32_t value, size_t count, Stream *stream) {
    PORTOLAN_ENTER("aclrtMemsetAsync");
    if (int32_t code = asked(stream)) return code;
    if (count > most) return fail(RuntimeParameter, "aclrtMemsetAsync: %zu bytes into a place of %zu", count, most);
    if (int32_t code = checkEnd("aclrtMemsetAsync", target, count, true, "the target")) return code;
    Task task{};
    task.kind = Task::Set, task.target = target, task.bytes = count, task.index = uint64_t(uint32_t(value));
    Locked locked(deviceMutex);
    put(*stream, task);
    nowWritten(target, count);
    return Fine;
}

PORTOLAN_ACL int32_t aclrtGetMemInfo(int32_t attribute, size_t *free, size_t *total) {
    PORTOLAN_ENTER("aclrtGetMemInfo");
    if (attribute != 0 && attribute != 1) return fail(InvalidParameter, "aclrtGetMemInfo: attribute %d", attribute);
    *total = memoryInAll();
    *free = memoryInAll() - memoryInUse(device);
    return Fine;
}
