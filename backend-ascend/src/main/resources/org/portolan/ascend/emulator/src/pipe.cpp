// Buffers, queues, barriers and flags.
#include "core.h"

namespace portolan {
namespace {

constexpr const char *kPositions[] = {"GM", "A1", "A2", "B1", "B2", "C1", "C2", "CO1", "CO2", "VECIN", "VECOUT", "VECCALC", "SPM", "TSCM"};

Local take(Core &core, uint8_t position, uint32_t bytes) {
    if (!core.open) core.fault("no TPipe is open");
    Memory &memory = core.memories[core.kindOf(position)];
    uint32_t rounded = (bytes + 31) / 32 * 32;
    if (bytes == 0) core.fault("a buffer of 0 bytes");
    if (rounded > memory.size - memory.used || rounded < bytes) {
        core.fault("%s is exhausted: %u bytes are taken, %u more are asked for, %u are there", memory.name, memory.used, rounded, memory.size);
    }
    Local taken{memory.base + memory.used, rounded, -1, position, 0};
    memory.used += rounded;
    return taken;
}

int8_t freeEvent(Core &core, uint8_t from, uint8_t to) {
    for (int8_t id = 0; id < 8; id++) {
        Flag &flag = core.flags[from][to][id];
        if (!flag.set && !flag.kept) return id;
    }
    core.fault("all 8 events %s_%s are in use", kPipeNames[from], kPipeNames[to]);
}

int8_t post(Core &core, uint8_t from, uint8_t to) {
    if (from == to) return -1; // no event orders a pipe with itself
    int8_t id = freeEvent(core, from, to);
    Flag &flag = core.flags[from][to][id];
    flag.set = true, flag.ofQueue = true, flag.line = core.place.line;
    core.teach(from, flag.clock);
    return id;
}

void meet(Core &core, uint8_t from, uint8_t to, int8_t id) {
    if (id < 0) return;
    Flag &flag = core.flags[from][to][id];
    core.learn(to, flag.clock);
    flag.set = false, flag.ofQueue = false;
}

Buffer &bufferOf(Core &core, Queue &queue, const Local &tensor) {
    if (tensor.buffer < queue.first || tensor.buffer >= queue.first + queue.count) core.fault("the tensor is not of this queue");
    Buffer &buffer = core.buffers[tensor.buffer];
    if (tensor.address != buffer.address) core.fault("the tensor is a part of the one that was allocated");
    if (buffer.state == State::Free) core.fault("the tensor was freed already, in line %d", buffer.line);
    if (buffer.generation != tensor.reserved) core.fault("the tensor is one that was freed");
    return buffer;
}

} // namespace

void openPipe(Place place) {
    Core &core = portolan::core(place);
    if (core.open) core.fault("another TPipe is open: one kernel has one at a time");
    core.open = true;
    core.bufferCount = 0;
    for (Memory &memory : core.memories) memory.used = most(memory.used, 0u);
}

void closePipe(Place place) {
    Core &core = portolan::core(place);
    int32_t line = place.line;
    core.finish();
    core.place = {place.operation, line};
    core.open = false;
    core.bufferCount = 0;
    // Buffers that the next TPipe lays out in the same bytes come after all that was before.
    for (auto &row : core.known) memcpy(row, core.sequence, sizeof(core.sequence));
    memset(core.flags, 0, sizeof(core.flags));
}

void initQueue(Queue &queue, uint32_t count, uint32_t bytes, Place place) {
    Core &core = portolan::core(place);
    if (queue.initialized) core.fault("the queue has buffers already");
    if (count == 0) core.fault("a queue with 0 buffers");
    uint32_t held = count;
    for (int32_t i = 0; i < core.bufferCount; i++) held += core.buffers[i].position == queue.position;
    if (held > 8) core.fault("%u queue buffers at position %s, at most 8 are there", held, kPositions[queue.position]);
    if (core.bufferCount + int32_t(count) > kBuffers) core.fault("more than %d queue buffers", kBuffers);
    queue.first = uint8_t(core.bufferCount), queue.count = uint8_t(count);
    queue.head = 0, queue.waiting = 0, queue.initialized = 1;
    for (uint32_t i = 0; i < count; i++) {
        Local taken = take(core, queue.position, bytes);
        core.buffers[core.bufferCount++] = {taken.address, taken.bytes, queue.position, 0, State::Free, -1, -1, place.line};
    }
}

Local initBuffer(uint8_t position, uint32_t bytes, Place place) {
    return take(portolan::core(place), position, bytes);
}

Local allocate(Queue &queue, Place place) {
    Core &core = portolan::core(place);
    if (!queue.initialized) core.fault("the queue has no buffers: InitBuffer comes first");
    for (int32_t i = 0; i < queue.count; i++) {
        // In turn, as a ring: the buffer that was freed longest ago.
        int32_t index = queue.first + (queue.head + i) % queue.count;
        Buffer &buffer = core.buffers[index];
        if (buffer.state != State::Free) continue;
        queue.head = uint8_t((index - queue.first + 1) % queue.count);
        meet(core, queue.consumer, queue.producer, buffer.emptyEvent);
        buffer.emptyEvent = -1;
        buffer.state = State::Allocated, buffer.line = place.line;
        buffer.generation++;
        if (checking) {
            core.unset(buffer.address, buffer.bytes);
        }
        return {buffer.address, buffer.bytes, int16_t(index), queue.position, buffer.generation};
    }
    core.fault("all %d buffers of the queue at %s are held, so the hardware would wait for ever: FreeTensor is missing, or the queue needs more buffers",
               queue.count, kPositions[queue.position]);
}

void enqueue(Queue &queue, const Local &tensor, Place place) {
    Core &core = portolan::core(place);
    Buffer &buffer = bufferOf(core, queue, tensor);
    if (buffer.state == State::Queued) core.fault("the tensor is in the queue already, since line %d", buffer.line);
    if (queue.waiting >= most<int32_t>(queue.depth, 1)) core.fault("%d tensors wait in a queue of depth %d", queue.waiting + 1, queue.depth);
    queue.ring[queue.waiting++] = uint8_t(tensor.buffer);
    buffer.fullEvent = post(core, queue.producer, queue.consumer);
    buffer.state = State::Queued, buffer.line = place.line;
}

Local dequeue(Queue &queue, Place place) {
    Core &core = portolan::core(place);
    if (queue.waiting == 0) core.fault("the queue is empty, so the hardware would wait for ever");
    int16_t index = queue.ring[0];
    queue.waiting--;
    for (int32_t i = 0; i < queue.waiting; i++) queue.ring[i] = queue.ring[i + 1];
    Buffer &buffer = core.buffers[index];
    meet(core, queue.producer, queue.consumer, buffer.fullEvent);
    buffer.fullEvent = -1;
    buffer.state = State::Dequeued, buffer.line = place.line;
    return {buffer.address, buffer.bytes, index, queue.position, buffer.generation};
}

void release(Queue &queue, const Local &tensor, Place place) {
    Core &core = portolan::core(place);
    Buffer &buffer = bufferOf(core, queue, tensor);
    if (buffer.state == State::Queued) core.fault("the tensor is still in the queue, since line %d", buffer.line);
    buffer.emptyEvent = post(core, queue.consumer, queue.producer);
    buffer.state = State::Free, buffer.line = place.line;
}

void barrier(int32_t pipe, Place place) {
    Core &core = portolan::core(place);
    if (pipe >= 0) {
        core.known[pipe][pipe] = core.sequence[pipe];
    } else {
        for (auto &row : core.known) memcpy(row, core.sequence, sizeof(core.sequence));
    }
}

void setFlag(uint8_t from, uint8_t to, int32_t id, Place place) {
    Core &core = portolan::core(place);
    if (id < 0 || id > 7) core.fault("event %d, but there are 0 to 7", id);
    Flag &flag = core.flags[from][to][id];
    if (flag.set && flag.ofQueue) core.fault("event %d of %s_%s is in use by a queue: take one from FetchEventID", id, kPipeNames[from], kPipeNames[to]);
    if (flag.set) core.fault("event %d of %s_%s is set already, in line %d, and nobody has waited for it", id, kPipeNames[from], kPipeNames[to], flag.line);
    flag.set = true, flag.line = place.line;
    core.teach(from, flag.clock);
}

void waitFlag(uint8_t from, uint8_t to, int32_t id, Place place) {
    Core &core = portolan::core(place);
    if (id < 0 || id > 7) core.fault("event %d, but there are 0 to 7", id);
    Flag &flag = core.flags[from][to][id];
    if (!flag.set || flag.ofQueue) core.fault("event %d of %s_%s is not set, so the hardware would wait for ever", id, kPipeNames[from], kPipeNames[to]);
    core.learn(to, flag.clock);
    flag.set = false;
}

int32_t fetchEvent(uint8_t from, uint8_t to, bool keep, Place place) {
    Core &core = portolan::core(place);
    int8_t id = freeEvent(core, from, to);
    core.flags[from][to][id].kept |= keep;
    return id;
}

void releaseEvent(uint8_t from, uint8_t to, int32_t id, Place place) {
    Core &core = portolan::core(place);
    if (id < 0 || id > 7 || !core.flags[from][to][id].kept) core.fault("event %d of %s_%s was not allocated", id, kPipeNames[from], kPipeNames[to]);
    core.flags[from][to][id].kept = false;
}

int64_t blockIndex() { return current->block; }
int64_t blockCount() { return current->launch->blocks; }

void trap(const char *text, Place place) { portolan::core(place).fault("%s", text); }

void setAtomic(int32_t operation, Type type, Place place) {
    Core &core = portolan::core(place);
    core.atomic = operation;
    core.usedAtomic |= operation != 0;
    core.atomicType = type;
}

void setDequantScale(float scale, Place place) { portolan::core(place).dequantScale = scale; }

} // namespace portolan
