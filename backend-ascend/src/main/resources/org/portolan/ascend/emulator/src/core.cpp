#include "core.h"

namespace portolan {

__thread Core *current;
int32_t checking = 1;
int32_t counting = 0;
int32_t worst = 0;
const char *const kPipeNames[PipeCount] = {"S", "V", "M", "MTE1", "MTE2", "MTE3", "FIX"};

namespace {
constexpr Chip kChips[] = {
    {2201, "dav-2201", 24, 48, 188160, 524032, 65536, 65536, 131072, false, true},
    {2002, "dav-2002", 8, 8, 262144, 1048576, 65536, 65536, 262144, false, true},
    {3510, "dav-3510", 32, 64, 253952, 524288, 65536, 65536, 262144, true, false},
};
constexpr const char *kMemoryNames[MemoryKinds] = {"the unified buffer", "L1", "L0A", "L0B", "L0C"};
constexpr const char *kPositions[] = {"GM", "A1", "A2", "B1", "B2", "C1", "C2", "CO1", "CO2", "VECIN", "VECOUT", "VECCALC", "SPM", "TSCM"};
const Place kUnknown{"?", 0};
} // namespace

const Chip *chipOf(int32_t architecture) {
    for (const Chip &chip : kChips) {
        if (chip.architecture == architecture) return &chip;
    }
    return nullptr;
}

uint32_t sizeOf(Type type) {
    switch (type) {
        case Type::I8:
        case Type::U8: return 1;
        case Type::F16:
        case Type::BF16:
        case Type::I16:
        case Type::U16: return 2;
        case Type::I64:
        case Type::U64: return 8;
        default: return 4;
    }
}

Core *Core::make(const Chip *chip) {
    auto *made = static_cast<Core *>(pages(sizeof(Core)));
    made->chip = chip;
    uint32_t sizes[MemoryKinds] = {chip->unified, chip->l1, chip->l0a, chip->l0b, chip->l0c};
    for (uint32_t size : sizes) made->total += (size + 1023) / 1024 * 1024;
    made->base = static_cast<uint8_t *>(pages(made->total));
    made->initialized = static_cast<uint8_t *>(pages(made->total));
    made->cells = static_cast<Cell *>(pages(made->total / 32 * sizeof(Cell)));
    uint32_t at = 0;
    for (int32_t kind = 0; kind < MemoryKinds; kind++) {
        made->memories[kind] = {kMemoryNames[kind], made->base + at, sizes[kind], 0, at / 32};
        at += (sizes[kind] + 1023) / 1024 * 1024;
    }
    return made;
}

void Core::start(const Launch *started, uint32_t index) {
    launch = started;
    block = index;
    place = kUnknown;
    message[0] = 0;
    open = false, usedCube = false;
    if (index == 0 || !checking) usedAtomic = false;
    bufferCount = 0;
    atomic = 0;
    dequantScale = 1;
    dirtyLines = 0;
    recent = nullptr;
    counts = {};
    for (Memory &memory : memories) {
        if (checking) {
            memset(memory.base, 0xCB, memory.used);
            memset(initialized + (memory.base - base), 0, memory.used);
        }
        memory.used = 0;
    }
    for (auto &row : known) memcpy(row, sequence, sizeof(sequence));
    memset(flags, 0, sizeof(flags));
    current = this;
}

void Core::fault(const char *format, ...) {
    int32_t at = snprintf(message, sizeof(message), "kernel %s, line %d, block %u of %u: %s: ", launch->kernel, place.line, block,
                          launch->blocks, place.operation);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + at, sizeof(message) - at, format, arguments);
    va_end(arguments);
    usedCube |= pipe == PipeM || pipe == PipeMte1 || pipe == PipeFix;
    __builtin_longjmp(jump, 1);
}

Core &core(Place place) {
    current->place = place;
    return *current;
}

void Core::finish() {
    place = {"end of the kernel", 0};
    if (!checking) return;
    for (int32_t i = 0; i < bufferCount; i++) {
        Buffer &buffer = buffers[i];
        if (buffer.state == State::Queued) fault("a tensor of %s enqueued in line %d was never dequeued", kPositions[buffer.position], buffer.line);
        if (buffer.state != State::Free) fault("a tensor of %s last used by its queue in line %d was never freed", kPositions[buffer.position], buffer.line);
    }
    for (int32_t from = 0; from < PipeCount; from++) {
        for (int32_t to = 0; to < PipeCount; to++) {
            for (int32_t id = 0; id < 8; id++) {
                Flag &flag = flags[from][to][id];
                if (flag.set && !flag.ofQueue) fault("flag %s_%s %d set in line %d was never waited for", kPipeNames[from], kPipeNames[to], id, flag.line);
            }
        }
    }
    if (dirtyLines != 0) fault("what SetValue wrote to global memory in line %d is still in the data cache: call DataCacheCleanAndInvalid", dirtyLine);
    if (atomic != 0) fault("atomic mode is still on: call SetAtomicNone");
}

void Core::begin(Pipe of, Place where) {
    place = where;
    pipe = of;
    counts.instructions[of]++;
    if (!checking) return;
    sequence[of]++;
    names[of][sequence[of] % 256] = where;
    // The scalar unit issues in order: what it has waited for is over for whatever it issues next.
    for (int32_t q = 1; q < PipeCount; q++) known[of][q] = most(known[of][q], known[PipeS][q]);
    if (of == PipeS) known[PipeS][PipeS] = sequence[PipeS];
}

MemoryKind Core::kindOf(uint8_t position) {
    switch (position) {
        case 1: case 3: case 5: case 13: return L1;
        case 2: return L0A;
        case 4: return L0B;
        case 7: return L0C;
        case 8: case 9: case 10: case 11: return Unified;
        default: fault("position %s has no memory here", position < 14 ? kPositions[position] : "?");
    }
}

Memory &Core::memoryOf(const uint8_t *address) {
    for (Memory &memory : memories) {
        if (address >= memory.base && address < memory.base + memory.size) return memory;
    }
    fault("the address is in no local memory");
}

const char *Core::describe(const uint8_t *address) {
    Memory &memory = memoryOf(address);
    snprintf(described, sizeof(described), "byte %ld of %s", long(address - memory.base), memory.name);
    return described;
}

const char *Core::instruction(uint8_t of, uint32_t number) {
    if (sequence[of] - number < 256) {
        Place &found = names[of][number % 256];
        snprintf(instructed, sizeof(instructed), "%s in line %d", found.operation, found.line);
    } else {
        snprintf(instructed, sizeof(instructed), "an earlier instruction");
    }
    return instructed;
}

uint8_t *Core::span(const Local &tensor, uint64_t offset, uint64_t bytes, const char *what) {
    if (tensor.address == nullptr) fault("%s has no memory: InitBuffer or AllocTensor comes first", what);
    if (bytes > tensor.bytes || offset > tensor.bytes - bytes) {
        fault("%s reaches bytes %lu to %lu of a tensor of %u bytes", what, (unsigned long)offset, (unsigned long)(offset + bytes), tensor.bytes);
    }
    if (tensor.buffer >= 0 && checking) {
        Buffer &buffer = buffers[tensor.buffer];
        if (buffer.state == State::Free || buffer.generation != tensor.reserved) fault("%s is used after FreeTensor", what);
        if (buffer.state == State::Queued) fault("%s is used between EnQue and DeQue", what);
    }
    uint8_t *address = tensor.address + offset;
    if (address < base || address + bytes > base + total) fault("%s lies outside the local memories", what);
    return address;
}

void Core::aligned(const uint8_t *address, uint32_t alignment, const char *what) {
    Memory &memory = memoryOf(address);
    if ((address - memory.base) % alignment != 0) fault("%s starts at byte %ld of %s, which is no multiple of %u", what, long(address - memory.base), memory.name, alignment);
}

// How two pipes are brought in order, in the words of the API.
#define ADVICE(other, own) (other) == (own) ? "PipeBarrier<PIPE_" : "SetFlag and WaitFlag or a queue: ", kPipeNames[other], (other) == (own) ? ">" : "_", (other) == (own) ? "" : kPipeNames[own]

void Core::read(const uint8_t *address, uint64_t bytes, const char *what, bool mayBeUnset) {
    if (!checking || bytes == 0) return;
    uint64_t from = address - base, to = from + bytes;
    for (uint64_t index = from / 32; index * 32 < to; index++) {
        Cell &cell = cells[index];
        bool before = cell.written <= known[pipe][cell.writer] || (cell.writer == pipe && (cell.written == sequence[pipe] || pipe == PipeS || (pipe == PipeV && chip->vectorOrdered)));
        if (!before) {
            fault("%s (%s) was written by pipe %s (%s), and nothing makes pipe %s wait: %s%s%s%s", what, describe(base + index * 32),
                  kPipeNames[cell.writer], instruction(cell.writer, cell.written), kPipeNames[pipe], ADVICE(cell.writer, pipe));
        }
        cell.read[pipe] = sequence[pipe];
    }
    if (mayBeUnset) return;
    for (uint64_t at = from; at < to; at++) {
        uint64_t eight;
        if (at + 8 <= to && (memcpy(&eight, initialized + at, 8), eight == 0x0101010101010101ull)) {
            at += 7;
            continue;
        }
        if (!initialized[at]) fault("%s (%s) was never written", what, describe(base + at));
    }
}

void Core::write(const uint8_t *address, uint64_t bytes, const char *what) {
    if (!checking || bytes == 0) return;
    uint64_t from = address - base, to = from + bytes;
    for (uint64_t index = from / 32; index * 32 < to; index++) {
        Cell &cell = cells[index];
        bool ordered = pipe == PipeS || (pipe == PipeV && chip->vectorOrdered);
        bool before = cell.written <= known[pipe][cell.writer] || (cell.writer == pipe && (cell.written == sequence[pipe] || ordered));
        if (!before) {
            fault("%s (%s) was written by pipe %s (%s), and nothing makes pipe %s wait: %s%s%s%s", what, describe(base + index * 32),
                  kPipeNames[cell.writer], instruction(cell.writer, cell.written), kPipeNames[pipe], ADVICE(cell.writer, pipe));
        }
        for (int32_t q = 0; q < PipeCount; q++) {
            if (cell.read[q] <= known[pipe][q] || (q == pipe && (cell.read[q] == sequence[pipe] || ordered))) continue;
            fault("%s (%s) may still be read by pipe %s (%s), and nothing makes pipe %s wait: %s%s%s%s", what, describe(base + index * 32),
                  kPipeNames[q], instruction(q, cell.read[q]), kPipeNames[pipe], ADVICE(q, pipe));
        }
        cell.written = sequence[pipe];
        cell.writer = pipe;
    }
    memset(initialized + from, 1, bytes);
}

void Core::unset(const uint8_t *address, uint64_t bytes) {
    if (checking) memset(initialized + (address - base), 0, bytes);
}

bool Core::isSet(const uint8_t *address, uint64_t bytes) const {
    if (!checking) return true;
    for (uint64_t i = 0; i < bytes; i++) {
        if (!initialized[address - base + i]) return false;
    }
    return true;
}

void Core::learn(uint8_t of, const uint32_t *clock) {
    for (int32_t q = 0; q < PipeCount; q++) known[of][q] = most(known[of][q], clock[q]);
}

void Core::teach(uint8_t of, uint32_t *clock) {
    for (int32_t q = 0; q < PipeCount; q++) clock[q] = most(known[of][q], q == 0 ? 0 : known[PipeS][q]);
    clock[of] = sequence[of];
}

} // namespace portolan
