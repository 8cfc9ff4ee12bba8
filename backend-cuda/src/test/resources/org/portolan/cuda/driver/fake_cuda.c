// A driver that has no device: it works on the host's memory, so that tests can see what is called, let any call fail
// with any status, and count what was not given back. Copies to the host are done when somebody waits, not before.
typedef unsigned long u64;
typedef unsigned int u32;

void *malloc(u64);
void *aligned_alloc(u64, u64);
void free(void *);
void *memcpy(void *, const void *, u64);
int strcmp(const char *, const char *);
int strncmp(const char *, const char *, u64);
char *strstr(const char *, const char *);
u64 strlen(const char *);

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_PTX = 218, NOT_FOUND = 500, NOT_READY = 600 };

static char fail_function[64];
static int fail_after, fail_status, fail_for_good;
static int sticky;
static long live, calls;
static int device_count = 1;
static int major = 8, minor = 6;
static int knows_pools = 1;
static long kept_bytes;
static u64 memory_bytes = 1ul << 30, used_bytes;
static __thread void *current;
struct copy { void *to; const void *from; u64 bytes; };
static struct copy waiting[4096];
static int waiting_count;
// One for each device, and what a kernel has done to it.
static int context[8], crashed[8], peers;
// What is captured: launches with their words, and copies on the device.
struct step { void *function; u32 blocks, threads; u64 words[3], map[16]; void *to; const void *from; u64 bytes; };
struct graph { void *context; int steps; int broken; struct step step[64]; };
static struct graph *capturing;
static struct { const char *name; long calls; } counted[64];

void fake_reset(void) {
    for (int i = 0; i < 64; i++) counted[i].calls = 0;
    capturing = 0;
    for (int i = 0; i < 8; i++) crashed[i] = 0;
    peers = 1;
    fail_function[0] = 0;
    fail_after = fail_status = fail_for_good = sticky = 0;
    live = calls = 0;
    used_bytes = 0;
    waiting_count = 0;
    device_count = 1;
    major = 8;
    minor = 6;
    current = 0;
    knows_pools = 1;
    kept_bytes = 0;
}

// A driver before CUDA 11.2.
void fake_without_pools(void) { knows_pools = 0; }

// How much the last pool was told to keep.
long fake_kept(void) { return kept_bytes; }

// The n-th call of a function from now on gives a status, and with `for_good` every call of any function after it does.
// An empty name is any function.
void fake_fail(const char *function, int n, int status, int for_good) {
    u64 length = strlen(function);
    memcpy(fail_function, function, length + 1);
    fail_after = n;
    fail_status = status;
    fail_for_good = for_good;
}

void fake_device(int count, int capability_major, int capability_minor) {
    device_count = count;
    major = capability_major;
    minor = capability_minor;
}

// What the kernel `crash` does to a device.
void fake_crash(int ordinal) { crashed[ordinal] = 700; }

int fake_crashed(int ordinal) { return crashed[ordinal]; }
int fake_broken(void) { return sticky; }

// Whether devices are connected.
void fake_peers(int connected) { peers = connected; }

long fake_live(void) { return live; }
long fake_calls(void) { return calls; }

// How often a function was called.
long fake_count(const char *function) {
    for (int i = 0; i < 64 && counted[i].name; i++) {
        if (!strcmp(counted[i].name, function)) return counted[i].calls;
    }
    return 0;
}

static int device_of(const void *wanted) { return (const int *)wanted - context; }
static int is_context(const void *wanted) { return wanted && device_of(wanted) >= 0 && device_of(wanted) < 8; }

static int lock;
static void take_lock(void) { while (__sync_lock_test_and_set(&lock, 1)) {} }
static void give_lock(void) { __sync_lock_release(&lock); }
static int entered(const char *function) {
    calls++;
    int place = 0;
    while (counted[place].name && strcmp(counted[place].name, function)) place++;
    counted[place].name = function;
    counted[place].calls++;
    if (sticky) return sticky;
    if (fail_status && fail_after > 0 && (!fail_function[0] || !strcmp(fail_function, function)) && --fail_after == 0) {
        // What a device is lost by is met by every later call on it, and by no other device's.
        if (fail_for_good && is_context(current)) crashed[device_of(current)] = fail_status;
        else if (fail_for_good) sticky = fail_status;
        return fail_status;
    }
    return SUCCESS;
}
// Several threads may load kernels at once.
static int enter(const char *function) {
    take_lock();
    int status = entered(function);
    give_lock();
    return status;
}
#define ENTER() { int status = enter(__func__); if (status) return status; }
#define IN_CONTEXT() { ENTER(); if (!is_context(current)) return 201; if (crashed[device_of(current)]) return crashed[device_of(current)]; }
// Nothing may wait, and no other memory may be used, while a stream is captured.
#define NOT_CAPTURED() { if (capturing && capturing->context == current) { capturing->broken = 1; return 900; } }

int cuInit(u32 flags) { ENTER(); return SUCCESS; }
int cuDriverGetVersion(int *version) { ENTER(); *version = 12040; return SUCCESS; }
int cuDeviceGetCount(int *count) { ENTER(); *count = device_count; return SUCCESS; }
int cuDeviceGet(int *device, int ordinal) { ENTER(); *device = ordinal + 40; return SUCCESS; }
int cuDeviceGetName(char *name, int length, int device) { ENTER(); memcpy(name, "Fake GPU", 9); return SUCCESS; }
int cuDeviceTotalMem_v2(u64 *bytes, int device) { ENTER(); *bytes = memory_bytes; return SUCCESS; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    ENTER();
    switch (attribute) {
        case 1: *value = 1024; break;
        case 38: *value = 6 << 20; break;
        case 75: *value = major; break;
        case 76: *value = minor; break;
        case 97: *value = 101376; break;
        case 115: if (!knows_pools) return INVALID_VALUE; *value = major > 7; break;
        default: return INVALID_VALUE;
    }
    return SUCCESS;
}
int cuDevicePrimaryCtxRetain(void **result, int device) { ENTER(); live++; *result = &context[device - 40]; return SUCCESS; }
int cuDevicePrimaryCtxRelease_v2(int device) { ENTER(); live--; return SUCCESS; }
int cuCtxSetCurrent(void *wanted) { ENTER(); current = wanted; return SUCCESS; }

// ------------------------------------------------------------------------------------------------------------- memory

static int take(void **result, u64 bytes) {
    if (used_bytes + bytes > memory_bytes) return OUT_OF_MEMORY;
    u64 *block = aligned_alloc(256, (bytes + 256 + 255) / 256 * 256);
    block[0] = bytes;
    used_bytes += bytes;
    live++;
    *result = (char *)block + 256;
    return SUCCESS;
}
static int give(void *pointer) {
    u64 *block = (u64 *)((char *)pointer - 256);
    used_bytes -= block[0];
    live--;
    free(block);
    return SUCCESS;
}
int cuMemGetInfo_v2(u64 *left, u64 *all) { IN_CONTEXT(); *left = memory_bytes - used_bytes; *all = memory_bytes; return SUCCESS; }
int cuMemAlloc_v2(void **result, u64 bytes) { IN_CONTEXT(); return take(result, bytes); }
int cuMemFree_v2(void *pointer) { IN_CONTEXT(); return give(pointer); }
// A pool is its device's context, so that it says where its memory lies.
int cuMemPoolCreate(void **pool, const int *properties) {
    IN_CONTEXT();
    if (properties[0] != 1 || properties[1] || properties[2] != 1 || properties[3] != device_of(current) + 40) return INVALID_VALUE;
    live++;
    *pool = current;
    return SUCCESS;
}
int cuMemPoolDestroy(void *pool) { IN_CONTEXT(); live--; return SUCCESS; }
int cuMemPoolSetAttribute(void *pool, int attribute, const long *value) {
    IN_CONTEXT();
    if (attribute != 4) return INVALID_VALUE;
    kept_bytes = *value;
    return SUCCESS;
}
int cuMemAllocFromPoolAsync(void **result, u64 bytes, void *pool, void *stream) {
    IN_CONTEXT();
    return pool == current ? take(result, bytes) : INVALID_VALUE;
}
int cuMemFreeAsync(void *pointer, void *stream) { IN_CONTEXT(); return give(pointer); }
int cuMemHostAlloc(void **result, u64 bytes, u32 flags) { IN_CONTEXT(); return take(result, bytes); }
static void finish(void);
int cuMemFreeHost(void *pointer) { IN_CONTEXT(); finish(); return give(pointer); }

// ------------------------------------------------------------------------------------------- streams, events and copies

static void finish(void) {
    for (int i = 0; i < waiting_count; i++) {
        memcpy(waiting[i].to, waiting[i].from, waiting[i].bytes);
        free((void *)waiting[i].from);
    }
    waiting_count = 0;
}
static int stream_object, event_object;
int cuStreamCreate(void **stream, u32 flags) { IN_CONTEXT(); live++; *stream = &stream_object; return SUCCESS; }
int cuStreamDestroy_v2(void *stream) { IN_CONTEXT(); live--; return SUCCESS; }
int cuStreamSynchronize(void *stream) { IN_CONTEXT(); NOT_CAPTURED(); finish(); return SUCCESS; }
int cuEventCreate(void **event, u32 flags) { IN_CONTEXT(); live++; *event = &event_object; return SUCCESS; }
int cuEventDestroy_v2(void *event) { IN_CONTEXT(); live--; return SUCCESS; }
int cuEventRecord(void *event, void *stream) { IN_CONTEXT(); NOT_CAPTURED(); return SUCCESS; }
int cuEventQuery(void *event) { IN_CONTEXT(); finish(); return SUCCESS; }
int cuEventSynchronize(void *event) { IN_CONTEXT(); finish(); return SUCCESS; }
int cuMemcpyHtoDAsync_v2(void *to, const void *from, u64 bytes, void *stream) { IN_CONTEXT(); NOT_CAPTURED(); memcpy(to, from, bytes); return SUCCESS; }
int cuMemcpyDtoHAsync_v2(void *to, const void *from, u64 bytes, void *stream) {
    IN_CONTEXT();
    NOT_CAPTURED();
    // Later work must not change what was there: the bytes are kept until somebody waits.
    void *kept = malloc(bytes);
    memcpy(kept, from, bytes);
    waiting[waiting_count++] = (struct copy){to, kept, bytes};
    return SUCCESS;
}
int cuMemcpyDtoDAsync_v2(void *to, const void *from, u64 bytes, void *stream) {
    IN_CONTEXT();
    if (capturing && capturing->context == current) {
        capturing->step[capturing->steps++] = (struct step){.to = to, .from = from, .bytes = bytes};
    } else {
        memcpy(to, from, bytes);
    }
    return SUCCESS;
}
int cuMemsetD32Async(u32 *to, u32 word, u64 count, void *stream) {
    IN_CONTEXT();
    NOT_CAPTURED();
    for (u64 i = 0; i < count; i++) to[i] = word;
    return SUCCESS;
}

// ------------------------------------------------------------------------------------------------------------- kernels

enum { NAME = 64 };
struct module { char name[NAME]; };

// A PTX text whose entry is `refused` does not compile, and one whose entry is `newer` is of a version that is not known.
int cuModuleLoadDataEx(struct module **result, const char *image, u32 count, const int *keys, void **values) {
    IN_CONTEXT();
    const char *entry = strstr(image, ".entry ");
    if (!entry) return 200;
    entry += 7;
    if (!strncmp(entry, "newer", 5)) return 222;
    if (!strncmp(entry, "refused", 7)) {
        for (u32 i = 0; i < count; i++) {
            if (keys[i] == 5) memcpy(values[i], "ptxas line 7; error: a name is unknown\n", 40);
            if (keys[i] == 12 && (u64)values[i] == 1) memcpy((char *)values[0] + 39, "lines are kept\n", 16);
        }
        return INVALID_PTX;
    }
    struct module *module = malloc(sizeof(struct module));
    int i = 0;
    while (entry[i] && entry[i] != '(' && i < NAME - 1) { module->name[i] = entry[i]; i++; }
    module->name[i] = 0;
    __sync_fetch_and_add(&live, 1);
    *result = module;
    return SUCCESS;
}
int cuModuleUnload(struct module *module) { IN_CONTEXT(); live--; free(module); return SUCCESS; }
int cuModuleGetFunction(struct module **function, struct module *module, const char *name) {
    IN_CONTEXT();
    if (strcmp(module->name, name)) return NOT_FOUND;
    *function = module;
    return SUCCESS;
}
int cuFuncSetAttribute(struct module *function, int attribute, int value) { IN_CONTEXT(); return value > 101376 ? INVALID_VALUE : SUCCESS; }

// A description of a tensor for the copy engine; what is in it is the driver's affair, so here it is what was given.
int cuTensorMapEncodeTiled(u64 *map, int type, u32 rank, void *address, const u64 *sizes, const u64 *strides, const u32 *box,
        const u32 *steps, int interleave, int swizzle, int promotion, int outside) {
    IN_CONTEXT();
    static const int bytes_of[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4}, row_of[] = {1 << 20, 32, 64, 128};
    if (type < 0 || type > 12 || rank < 1 || rank > 5 || (u64)map % 64 || (u64)address % 16 || interleave || promotion < 0
            || promotion > 3 || outside || swizzle < 0 || swizzle > 3)
        return INVALID_VALUE;
    if (box[0] * bytes_of[type] % 16 || box[0] * bytes_of[type] > row_of[swizzle]) return INVALID_VALUE;
    for (u32 i = 0; i < rank; i++) {
        if (!sizes[i] || sizes[i] > 1ul << 32 || !box[i] || box[i] > 256 || steps[i] != 1) return INVALID_VALUE;
        if (i + 1 < rank && (strides[i] % 16 || strides[i] >= 1ul << 40)) return INVALID_VALUE;
    }
    map[0] = 0x7e05;
    map[1] = (u64)address;
    map[2] = type | rank << 8 | swizzle << 16;
    for (u32 i = 0; i < rank; i++) {
        map[3 + i] = sizes[i] << 16 | box[i];
        if (i + 1 < rank) map[8 + i] = strides[i];
    }
    return SUCCESS;
}

// What its kernels do: `boxed` doubles the floats that its map describes (map, buffer, n, error), `twice` doubles n floats (buffer, n, error), `wrong` reports an error, `crash` ends the context.
static void run(const struct step *step) {
    const char *name = ((struct module *)step->function)->name;
    if (!strcmp(name, "boxed")) {
        float *values = (float *)step->map[1];
        u64 count = (step->map[3] >> 16) * ((step->map[2] >> 8 & 255) > 1 ? step->map[4] >> 16 : 1);
        for (u64 i = 0; step->map[0] == 0x7e05 && i < count; i++) values[i] *= 2;
    } else if (!strcmp(name, "twice")) {
        float *values = (float *)step->words[0];
        for (u64 i = 0; i < step->words[1] && i < (u64)step->blocks * step->threads; i++) values[i] *= 2;
    } else if (!strcmp(name, "wrong")) {
        u64 *error = (u64 *)step->words[2];
        if (!*error) *error = 1ul << 32 | 3;
    } else if (!strcmp(name, "crash")) {
        crashed[device_of(current)] = 700;
    }
}
int cuLaunchKernel(struct module *function, u32 x, u32 y, u32 z, u32 threads, u32 ty, u32 tz, u32 shared, void *stream,
        void **parameters, void **extra) {
    IN_CONTEXT();
    if (x == 0 || threads == 0 || threads > 1024) return INVALID_VALUE;
    struct step step = {.function = function, .blocks = x, .threads = threads};
    int maps = !strcmp(function->name, "boxed");
    if (maps) memcpy(step.map, parameters[0], sizeof step.map);
    for (int i = 0; i < 3; i++) step.words[i] = *(u64 *)parameters[maps + i];
    if (capturing && capturing->context == current) {
        capturing->step[capturing->steps++] = step;
    } else {
        run(&step);
    }
    return SUCCESS;
}

// -------------------------------------------------------------------------------------------------------------- graphs

int cuStreamBeginCapture_v2(void *stream, int mode) {
    IN_CONTEXT();
    if (capturing && capturing->context == current) return 901;
    capturing = malloc(sizeof(struct graph));
    capturing->context = current;
    capturing->steps = capturing->broken = 0;
    return SUCCESS;
}
// The capture is over whatever the status is.
int cuStreamEndCapture(void *stream, struct graph **graph) {
    struct graph *taken = capturing;
    capturing = 0;
    int status = enter(__func__);
    if (!status && !taken) status = 904;
    if (!status && taken->broken) status = 901;
    if (status) {
        free(taken);
        *graph = 0;
        return status;
    }
    live++;
    *graph = taken;
    return SUCCESS;
}
int cuGraphInstantiateWithFlags(struct graph **executable, struct graph *graph, u64 flags) {
    IN_CONTEXT();
    *executable = malloc(sizeof(struct graph));
    memcpy(*executable, graph, sizeof(struct graph));
    live++;
    return SUCCESS;
}
int cuGraphLaunch(struct graph *executable, void *stream) {
    IN_CONTEXT();
    for (int i = 0; i < executable->steps; i++) {
        const struct step *step = &executable->step[i];
        if (step->function) run(step); else memcpy(step->to, step->from, step->bytes);
        if (crashed[device_of(current)]) return SUCCESS;
    }
    return SUCCESS;
}
int cuGraphExecDestroy(struct graph *executable) { IN_CONTEXT(); live--; free(executable); return SUCCESS; }
int cuGraphDestroy(struct graph *graph) { IN_CONTEXT(); live--; free(graph); return SUCCESS; }

// --------------------------------------------------------------------------------------------------------------- peers

int cuDeviceCanAccessPeer(int *can, int device, int peer) { ENTER(); *can = peers && device != peer; return SUCCESS; }
int cuCtxEnablePeerAccess(void *context, u32 flags) { IN_CONTEXT(); return peers ? SUCCESS : 217; }
int cuMemPoolSetAccess(void *pool, const int *access, u64 count) {
    IN_CONTEXT();
    return count == 1 && access[0] == 1 && access[1] == device_of(current) + 40 && access[2] == 3 ? SUCCESS : INVALID_VALUE;
}
int cuMemcpyPeerAsync(void *to, void *to_context, const void *from, void *from_context, u64 bytes, void *stream) {
    IN_CONTEXT();
    if (!is_context(to_context) || !is_context(from_context) || to_context != current) return INVALID_VALUE;
    if (crashed[device_of(from_context)]) return crashed[device_of(from_context)];
    memcpy(to, from, bytes);
    return SUCCESS;
}
