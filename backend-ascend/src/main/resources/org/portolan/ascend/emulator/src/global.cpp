// Accesses to global memory: within the allocations, and in order, inside a core and between cores.
#include "core.h"

namespace portolan {

uint8_t *Core::global(const Global &tensor, uint64_t offset, uint64_t bytes, const char *what) {
    if (tensor.address == nullptr) fault("%s has no address: SetGlobalBuffer comes first", what);
    if (bytes > tensor.bytes || offset > tensor.bytes - bytes) {
        fault("%s reaches bytes %lu to %lu of a global tensor of %lu bytes", what, (unsigned long)offset, (unsigned long)(offset + bytes), (unsigned long)tensor.bytes);
    }
    uint8_t *address = tensor.address + offset;
    Allocation *found = recent;
    uint32_t changes = memoryChanges();
    if (found == nullptr || recentChanges != changes || address < found->base || address + bytes > found->base + found->padded) {
        found = findAllocation(address);
        if (found == nullptr || address >= found->base + found->padded + 64) fault("%s is at %p, which is in no allocation", what, (void *)address);
        recent = found;
        recentChanges = changes;
    }
    if (found->host) fault("%s is at %p, in memory of the host", what, (void *)address);
    if (found->device != launch->device) fault("%s is at %p, in memory of device %d, and the kernel runs on device %d", what, (void *)address, found->device, launch->device);
    if (found->freed) fault("%s is in allocation %u of %lu bytes, which was freed", what, found->number, (unsigned long)found->size);
    if (address < found->base || address + bytes > found->base + found->padded) {
        fault("%s reaches bytes %ld to %ld of allocation %u, which has %lu", what, long(address - found->base), long(address + bytes - found->base), found->number, (unsigned long)found->size);
    }
    return address;
}

namespace {

GlobalCell *cellsOf(Allocation &of) {
    if (of.cells == nullptr) of.cells = static_cast<GlobalCell *>(pages((of.padded + 31) / 32 * sizeof(GlobalCell)));
    return of.cells;
}

void refresh(GlobalCell &cell, uint32_t epoch) {
    if (cell.epoch == epoch) return;
    cell = {};
    cell.epoch = epoch;
    cell.writeBlock = kNobody, cell.readBlock = kNobody;
}

} // namespace

// `targetSet` receives which of the bytes hold something.
void Core::globalReads(const uint8_t *address, uint64_t bytes, uint8_t *targetSet) {
    if (!checking || bytes == 0) return;
    Allocation &of = *recent;
    GlobalCell *cellsHere = cellsOf(of);
    uint64_t from = address - of.base, to = from + bytes;
    for (uint64_t index = from / 32; index * 32 < to; index++) {
        GlobalCell &cell = cellsHere[index];
        refresh(cell, launch->epoch);
        if (cell.writeBlock != kNobody) {
            if (cell.writeBlock != block) fault("global byte %lu of allocation %u is written by block %u of the same launch: blocks run in any order", (unsigned long)(index * 32), of.number, cell.writeBlock);
            if (cell.writeSequence > known[pipe][cell.writePipe] && !(pipe == PipeS && cell.writePipe == PipeS)) {
                fault("global byte %lu of allocation %u was written by pipe %s (%s), and nothing makes pipe %s wait: SetFlag and WaitFlag %s_%s",
                      (unsigned long)(index * 32), of.number, kPipeNames[cell.writePipe], instruction(cell.writePipe, cell.writeSequence), kPipeNames[pipe], kPipeNames[cell.writePipe], kPipeNames[pipe]);
            }
        }
        cell.readBlock = cell.readBlock == kNobody || cell.readBlock == block ? uint16_t(block) : kSeveral;
        cell.readPipe = pipe;
        cell.readSequence = sequence[pipe];
    }
    if (of.initialized == nullptr || targetSet == nullptr) return;
    for (uint64_t at = from; at < to; at++) targetSet[at - from] = of.initialized[at / 32] >> (at % 32) & 1;
}

// `touched` is what the hardware moves as one piece with the bytes: whole blocks, or whole lines of the data cache.
void Core::globalWrites(const uint8_t *address, uint64_t bytes, uint64_t touchedBefore, uint64_t touchedAfter) {
    if (!checking || bytes == 0) return;
    Allocation &of = *recent;
    GlobalCell *cellsHere = cellsOf(of);
    uint64_t from = address - of.base, to = from + bytes;
    uint64_t first = from < touchedBefore ? 0 : from - touchedBefore, last = least(to + touchedAfter, of.padded);
    for (uint64_t index = first / 32; index * 32 < last; index++) {
        GlobalCell &cell = cellsHere[index];
        refresh(cell, launch->epoch);
        uint64_t low = most(from, index * 32), high = least(to, index * 32 + 32);
        uint32_t mask = low >= high ? 0 : (~0u << (low - index * 32)) & (~0u >> (index * 32 + 32 - high));
        bool bothAtomic = atomic != 0 && cell.atomic != 0;
        if (cell.writeBlock != kNobody) {
            if (cell.writeBlock != block && !bothAtomic) {
                fault("block %u writes the same 32 bytes of global memory (byte %lu of allocation %u): split the work in multiples of 32 bytes", cell.writeBlock, (unsigned long)(index * 32), of.number);
            }
            if (cell.writeBlock == block && (cell.writeMask & mask) != 0 && cell.writeSequence != sequence[pipe] && cell.writeSequence > known[pipe][cell.writePipe] && !bothAtomic) {
                fault("global byte %lu of allocation %u was written by pipe %s (%s), and nothing makes pipe %s wait", (unsigned long)(index * 32), of.number, kPipeNames[cell.writePipe],
                      instruction(cell.writePipe, cell.writeSequence), kPipeNames[pipe]);
            }
        }
        if (mask != 0 && cell.readBlock != kNobody) {
            if (cell.readBlock != block) {
                if (cell.readBlock == kSeveral) fault("global byte %lu of allocation %u is read by other blocks of the same launch: blocks run in any order", (unsigned long)(index * 32), of.number);
                fault("global byte %lu of allocation %u is read by block %u of the same launch: blocks run in any order", (unsigned long)(index * 32), of.number, cell.readBlock);
            }
            if (cell.readSequence > known[pipe][cell.readPipe] && cell.readPipe != pipe && cell.readPipe != PipeS) {
                fault("global byte %lu of allocation %u may still be read by pipe %s (%s), and nothing makes pipe %s wait: SetFlag and WaitFlag %s_%s", (unsigned long)(index * 32), of.number,
                      kPipeNames[cell.readPipe], instruction(cell.readPipe, cell.readSequence), kPipeNames[pipe], kPipeNames[cell.readPipe], kPipeNames[pipe]);
            }
        }
        if (!cell.logged && launch->logging) {
            cell.logged = 1;
            logUndo(*launch, of.base + index * 32, uint8_t(least<uint64_t>(32, of.padded - index * 32)));
        }
        cell.writeMask = cell.writeBlock == block && cell.writePipe == pipe ? cell.writeMask | mask : mask;
        cell.writeBlock = uint16_t(block);
        cell.writePipe = pipe;
        cell.writeSequence = sequence[pipe];
        cell.atomic = atomic != 0;
    }
    markInitialized(of, from, bytes);
}

void scalarRead(const Local &tensor, uint64_t offset, uint32_t bytes, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeS, place);
    core.read(core.span(tensor, offset, bytes, "the element"), bytes, "the element");
}

void scalarWrite(const Local &tensor, uint64_t offset, uint32_t bytes, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeS, place);
    core.write(core.span(tensor, offset, bytes, "the element"), bytes, "the element");
}

void globalRead(const Global &tensor, uint64_t offset, uint32_t bytes, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeS, place);
    uint8_t set[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    core.globalReads(core.global(tensor, offset, bytes, "the element"), bytes, set);
    for (uint32_t i = 0; i < bytes; i++) {
        if (!set[i]) core.fault("the element at byte %lu of the global tensor was never written", (unsigned long)offset);
    }
}

void globalWrite(const Global &tensor, uint64_t offset, uint32_t bytes, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeS, place);
    uint8_t *address = core.global(tensor, offset, bytes, "the element");
    uint64_t inLine = reinterpret_cast<uint64_t>(address) % 64;
    core.globalWrites(address, bytes, inLine, 64 - inLine - bytes);
    core.dirtyLines++;
    core.dirtyLine = place.line;
}

void cacheClean(const Global &, Place place) {
    portolan::core(place).dirtyLines = 0;
}

} // namespace portolan
