// Runs the blocks of a kernel: one after the other where accesses are followed, on all processors otherwise.
#include "device.h"

extern "C" long sysconf(int);

namespace portolan {
namespace {

constexpr int32_t kMostThreads = 64;

struct Job {
    Function *function;
    const uint64_t *arguments;
    uint32_t count;
    Launch launch;
    uint32_t next;
    int32_t busy;
    bool failed, cube;
    uint32_t failedBlock;
    char message[1024];
};

Mutex jobMutex;
Signal started, ended;
Job *job;
Core *cores[kMostThreads];
int32_t threads;
uint32_t epochs;

template <int32_t... I> struct Numbers {};
template <int32_t N, int32_t... I> struct Count : Count<N - 1, N - 1, I...> {};
template <int32_t... I> struct Count<0, I...> { using type = Numbers<I...>; };
template <int32_t I> using Word = uint64_t;
template <int32_t... I> void callWith(void *entry, const uint64_t *arguments, Numbers<I...>) {
    reinterpret_cast<void (*)(Word<I>...)>(entry)(arguments[I]...);
}

// A callee that takes fewer arguments does not see the rest.
__attribute__((noinline)) void call(void *entry, const uint64_t *arguments, uint32_t count) {
    if (count <= 6) callWith(entry, arguments, Count<6>::type());
    else if (count <= 16) callWith(entry, arguments, Count<16>::type());
    else if (count <= 40) callWith(entry, arguments, Count<40>::type());
    else callWith(entry, arguments, Count<kParameters>::type());
}

void add(Counts &all, const Counts &of) {
    Locked locked(jobMutex);
    for (int32_t pipe = 0; pipe < PipeCount; pipe++) all.instructions[pipe] += of.instructions[pipe];
    all.bytesIn += of.bytesIn, all.bytesOut += of.bytesOut, all.small += of.small;
}

// A line of the file that the environment names: the kernel, its blocks, what each pipe did, bytes, and small copies.
void tell(const char *path, const Launch &of, const Counts &counts) {
    char line[512];
    int32_t length = snprintf(line, sizeof(line), "%s blocks=%u", of.kernel, of.blocks);
    for (int32_t pipe = 0; pipe < PipeCount; pipe++) {
        length += snprintf(line + length, sizeof(line) - length, " %s=%lu", kPipeNames[pipe], (unsigned long)counts.instructions[pipe]);
    }
    length += snprintf(line + length, sizeof(line) - length, " in=%lu out=%lu small=%lu\n", (unsigned long)counts.bytesIn, (unsigned long)counts.bytesOut, (unsigned long)counts.small);
    int file = open(path, 02002101, 0600); // write, made if absent, appended to, closed on exec
    if (file < 0) return;
    if (write(file, line, length) < 0) {} // a full disk loses a line and no kernel
    close(file);
}

__attribute__((noinline)) bool runBlock(Core &core, Job &of, uint32_t block) {
    core.start(&of.launch, block);
    if (__builtin_setjmp(core.jump) != 0) return false;
    call(of.function->entry, of.arguments, of.count);
    core.finish();
    if (of.launch.counts != nullptr) add(*of.launch.counts, core.counts);
    return true;
}

Core &coreOf(int32_t thread) {
    Core *&core = cores[thread];
    if (core == nullptr || core->chip != deviceChip()) core = Core::make(deviceChip());
    return *core;
}

void failed(Job &of, Core &core) {
    Locked locked(jobMutex);
    if (of.failed && of.failedBlock < core.block) return;
    of.failed = true, of.failedBlock = core.block, of.cube = core.usedCube;
    memcpy(of.message, core.message, sizeof(of.message));
}

void share(Job &of, int32_t thread) {
    Core &core = coreOf(thread);
    for (;;) {
        uint32_t block = __atomic_fetch_add(&of.next, 1, __ATOMIC_RELAXED);
        if (block >= of.launch.blocks || __atomic_load_n(&of.failed, __ATOMIC_RELAXED)) return;
        if (!runBlock(core, of, block)) failed(of, core);
    }
}

void *work(void *number) {
    auto thread = int32_t(reinterpret_cast<intptr_t>(number));
    for (int32_t seen = 0;;) {
        int32_t now = started.value();
        if (now == seen) {
            started.await(seen);
            continue;
        }
        seen = now;
        jobMutex.lock();
        Job *mine = job;
        if (mine != nullptr) mine->busy++;
        jobMutex.unlock();
        if (mine == nullptr) continue;
        share(*mine, thread);
        jobMutex.lock();
        mine->busy--;
        jobMutex.unlock();
        ended.raise();
    }
    return nullptr;
}

void makeThreads() {
    if (threads != 0) return;
    const char *asked = getenv("PORTOLAN_ASCEND_THREADS");
    long number = asked == nullptr ? sysconf(84) : atol(asked);
    threads = int32_t(number < 1 ? 1 : number > kMostThreads ? kMostThreads : number);
    for (int32_t i = 1; i < threads; i++) {
        unsigned long thread;
        if (pthread_create(&thread, nullptr, work, reinterpret_cast<void *>(intptr_t(i))) == 0) pthread_detach(thread);
    }
}

void runTogether(Job &of) {
    makeThreads();
    bool several = of.launch.blocks > 1 && threads > 1;
    if (several) {
        jobMutex.lock();
        job = &of;
        jobMutex.unlock();
        started.raise();
    }
    share(of, 0);
    if (!several) return;
    jobMutex.lock();
    job = nullptr;
    jobMutex.unlock();
    for (;;) {
        int32_t seen = ended.value();
        jobMutex.lock();
        int32_t busy = of.busy;
        jobMutex.unlock();
        if (busy == 0) return;
        ended.await(seen);
    }
}

bool runInOrder(Job &of, bool backwards) {
    Core &core = coreOf(0);
    of.launch.epoch = ++epochs;
    for (uint32_t i = 0; i < of.launch.blocks; i++) {
        uint32_t block = backwards ? of.launch.blocks - 1 - i : i;
        if (!runBlock(core, of, block)) {
            failed(of, core);
            return false;
        }
    }
    return true;
}

// Blocks run in any order: the first time that a kernel runs, it runs once more from the last block to the first.
void runFollowed(Job &of) {
    Log log{nullptr, 0, 0};
    of.launch.log = &log;
    of.launch.logging = of.launch.blocks > 1 && of.function->launches == 0;
    bool logged = of.launch.logging;
    bool fine = runInOrder(of, false);
    of.launch.logging = false;
    if (fine && logged && !coreOf(0).usedAtomic) {
        for (uint32_t i = 0; i < log.count; i++) {
            Undo &undo = log.entries[i];
            memcpy(undo.after, undo.address, undo.bytes);
            memcpy(undo.address, undo.before, undo.bytes);
        }
        if (runInOrder(of, true)) {
            for (uint32_t i = 0; i < log.count && !of.failed; i++) {
                Undo &undo = log.entries[i];
                if (memcmp(undo.after, undo.address, undo.bytes) == 0) continue;
                of.failed = true;
                snprintf(of.message, sizeof(of.message), "kernel %s: its result depends on the order of its %u blocks (at %p)", of.launch.kernel, of.launch.blocks, (void *)undo.address);
            }
        }
    }
    free(log.entries);
}

} // namespace

void logUndo(const Launch &launch, uint8_t *address, uint8_t bytes) {
    Log &log = *launch.log;
    if (log.count == log.capacity) {
        log.capacity = log.capacity == 0 ? 1024 : log.capacity * 2;
        log.entries = static_cast<Undo *>(realloc(log.entries, log.capacity * sizeof(Undo)));
    }
    Undo &undo = log.entries[log.count++];
    undo.address = address, undo.bytes = bytes;
    memcpy(undo.before, address, bytes);
}

int32_t runKernel(Function &function, int32_t device, const uint64_t *arguments, uint32_t count, uint32_t blocks, char *message, size_t size) {
    Job mine{};
    uint64_t padded[kParameters] = {};
    memcpy(padded, arguments, count * sizeof(uint64_t));
    mine.function = &function, mine.arguments = padded, mine.count = count;
    Counts counts{};
    const char *told = getenv("PORTOLAN_ASCEND_COUNTS");
    counting = told != nullptr && *told != 0;
    mine.launch = {function.name, 0, blocks, device, false, nullptr, counting ? &counts : nullptr};
    if (int32_t code = plannedFault("kernel")) {
        snprintf(message, size, "kernel %s: a fault that was asked for", function.name);
        return code;
    }
    if (checking) runFollowed(mine);
    else runTogether(mine);
    function.launches++;
    if (counting) tell(told, mine.launch, counts);
    if (!mine.failed) {
        int64_t broken = checking ? brokenRedZone() : -1;
        if (broken < 0) return 0;
        snprintf(message, size, "kernel %s: it wrote next to allocation %ld", function.name, long(broken));
        return 507015;
    }
    snprintf(message, size, "%s", mine.message);
    return mine.cube ? 507015 : 507035;
}

} // namespace portolan
