package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Buffers that live inside a kernel, rings of them, and copies between buffers. All of it lies on the stack, except what
/// the threads of a block share.
final class LocalMemory {
    /// Worker threads have stacks of a megabyte or more.
    private static final long LARGEST = 512 << 10;

    private static final long ALIGNMENT = 64;

    private final FunctionBuilder builder;
    private final DimEmitter dims;
    private final ControlFlow flow;
    private final Memory memory;
    private final long vectorBytes;
    private final SharedMemory shared;
    private final SharedCopies copies;
    private final RingOrder ringOrder;
    private final BoxCopies boxes;
    /// By the first ring of those that go together.
    private final Map<Value, SlotSignals> signals = new IdentityHashMap<>();
    private long used;

    /// @param shared null where a buffer is never shared
    /// @param copies null where nobody shares the work of a copy
    /// @param boxes null where there is no copy engine
    /// @param ringOrder of the kernel
    LocalMemory(
            FunctionBuilder builder,
            DimEmitter dims,
            ControlFlow flow,
            Memory memory,
            long vectorBytes,
            SharedMemory shared,
            SharedCopies copies,
            BoxCopies boxes,
            RingOrder ringOrder) {
        this.boxes = boxes;
        this.ringOrder = ringOrder;
        this.builder = builder;
        this.dims = dims;
        this.flow = flow;
        this.memory = memory;
        this.vectorBytes = Math.max(vectorBytes, 8);
        this.shared = shared;
        this.copies = copies;
    }

    BufferPlace allocate(Value buffer) {
        var type = buffer.buffer();
        return new BufferPlace(type, reserve(type, buffer, bytes(type)), Operand.index(0), "");
    }

    RingPlace ring(Value ring, boolean signals) {
        if (!(ring.type() instanceof Type.Ring type)) {
            throw new EmitException(ring + " is no ring");
        }
        var element = type.slot().element();
        if (Words.isPacked(element)) {
            throw new EmitException("a ring holds whole bytes, found elements of type " + element);
        }
        if (signals) {
            return signalling(ring, type);
        }
        long perSlot = slotBytes(type) * 8 / Math.max(8, element.bits());
        var slots = reserve(type.slot(), ring, ringBytes(type));
        return new RingPlace(type, slots, perSlot, counter(), counter(), waits(ring, type));
    }

    private RingPlace signalling(Value ring, Type.Ring type) {
        if (boxes == null || shared == null || !shared.holds(type.slot())) {
            throw new EmitException("only slots of shared memory say how far they are, and only where there is a copy engine: " + ring);
        }
        long perSlot = SharedMemory.slotBytes(bytes(type.slot()));
        long bytes = ringBytes(type, true);
        var slots = shared.reserve(ring, bytes, SharedMemory.alignment(bytes, true));
        var group = boxes.groups().with(ring);
        var objects = signals.get(group.getFirst());
        if (objects == null) {
            var place = shared.reserve(
                    Value.of(Type.INDEX, ring.hint() + "_barriers"), SharedMemory.barrierBytes(type.depth()));
            objects = new SlotSignals(
                    boxes.barriers(type.depth(), place),
                    type.depth(),
                    RingGroups.bytes(group),
                    new SlotSignals.Turn(narrowCounter(), narrowCounter()),
                    new SlotSignals.Turn(narrowCounter(), narrowCounter()),
                    narrowCounter());
            signals.put(group.getFirst(), objects);
        }
        return new RingPlace(
                type,
                slots,
                perSlot * 8 / type.slot().element().bits(),
                objects.filled().slot(),
                objects.consumed().slot(),
                new RingPlace.Signals(objects, group.getFirst() == ring, group.getLast() == ring));
    }

    private Operand narrowCounter() {
        var counter = builder.inEntry(() -> builder.assign("counter", LlvmType.POINTER, "alloca i32"));
        builder.line("store i32 0, " + counter);
        return counter;
    }

    private Operand narrow(Operand counter) {
        return builder.assign("count", LlvmType.INT, "load i32, " + counter);
    }

    /// The next slot; behind the last one another round begins.
    private void turn(SlotSignals objects, SlotSignals.Turn turn) {
        var last = next(objects, turn.slot());
        var other = builder.binary("xor", narrow(turn.round()), builder.convert("zext", last, LlvmType.INT));
        builder.line("store " + other + ", " + turn.round());
    }

    /// @return whether it is the first again
    private Operand next(SlotSignals objects, Operand slot) {
        var next = builder.binary("add", narrow(slot), Operand.integer(LlvmType.INT, 1));
        var last = builder.compare("eq", next, Operand.integer(LlvmType.INT, objects.depth()));
        builder.line("store " + builder.select(last, Operand.integer(LlvmType.INT, 0), next) + ", " + slot);
        return last;
    }

    private RingPlace.Waits waits(Value ring, Type.Ring type) {
        if (copies == null || !copies.isAsync()) {
            return new RingPlace.Never();
        }
        var place = ringOrder.place(ring);
        return place.isPresent()
                ? new RingPlace.InTurns(ringOrder.rings(), place.getAsInt(), counter())
                : new RingPlace.Numbered(copies.slotGroups(type.depth()));
    }

    /// @param slot the value that stands for the slot
    BufferPlace acquire(RingPlace ring, Value slot) {
        if (ring.waits() instanceof RingPlace.Signals signals) {
            var turn = signals.objects().filled();
            boxes.acquired(slot, signals, narrow(turn.slot()), narrow(turn.round()));
        }
        return slot(ring, ring.filled());
    }

    BufferPlace consume(RingPlace ring) {
        switch (ring.waits()) {
            case RingPlace.Never() -> {}
            case RingPlace.Numbered(var groups) -> copies.consume(groups, slotNumber(ring.read()));
            case RingPlace.InTurns(int rings, int place, var pending) -> {
                copies.consume(rings, place, slotNumber(pending));
                count(pending, -1);
            }
            case RingPlace.Signals signals -> {
                var objects = signals.objects();
                if (signals.first()) {
                    var turn = objects.consumed();
                    boxes.awaitFull(objects.barriers(), narrow(turn.slot()), narrow(turn.round()));
                }
                var place = slot(ring, ring.read());
                if (signals.last()) {
                    turn(objects, objects.consumed());
                }
                return place;
            }
        }
        return slot(ring, ring.read());
    }

    void publish(RingPlace ring) {
        switch (ring.waits()) {
            case RingPlace.Never() -> {}
            case RingPlace.Numbered(var groups) -> copies.publish(groups, slotNumber(ring.filled()));
            case RingPlace.InTurns(int _, int _, var pending) -> {
                copies.endGroup();
                count(pending, 1);
            }
            case RingPlace.Signals signals -> {
                if (signals.last()) {
                    turn(signals.objects(), signals.objects().filled());
                }
                return;
            }
        }
        advance(ring, ring.filled());
    }

    void release(RingPlace ring) {
        if (ring.waits() instanceof RingPlace.Signals signals) {
            if (signals.last()) {
                boxes.release(signals.objects(), narrow(signals.objects().released()));
                next(signals.objects(), signals.objects().released());
            }
            return;
        }
        advance(ring, ring.read());
    }

    private Operand slotNumber(Operand counter) {
        return builder.assign("count", LlvmType.LONG, "load i64, " + counter);
    }

    /// The next slot, after the last one the first.
    private void advance(RingPlace ring, Operand counter) {
        var next = builder.binary("add", slotNumber(counter), Operand.index(1));
        var last = builder.compare("eq", next, Operand.index(ring.type().depth()));
        builder.line("store " + builder.select(last, Operand.index(0), next) + ", " + counter);
    }

    private BufferPlace slot(RingPlace ring, Operand counter) {
        var number = ring.waits() instanceof RingPlace.Signals
                ? builder.convert("zext", narrow(counter), LlvmType.LONG)
                : slotNumber(counter);
        builder.markNonNegative(number);
        var distance = builder.multiply(number, Operand.index(ring.slotElements()));
        var element = Words.inMemory(ring.type().slot().element());
        var pointer = builder.assign(
                "slot", LlvmType.POINTER, "getelementptr " + element + ", " + ring.slots() + ", " + distance);
        return new BufferPlace(ring.type().slot(), pointer, Operand.index(0), "");
    }

    private void count(Operand counter, long by) {
        builder.line("store " + builder.binary("add", slotNumber(counter), Operand.index(by)) + ", " + counter);
    }

    private Operand counter() {
        var counter = builder.inEntry(() -> builder.assign("counter", LlvmType.POINTER, "alloca i64"));
        builder.line("store i64 0, " + counter);
        return counter;
    }

    static long bytes(Type.Buffer type) {
        var elements = Dim.product(type.storage())
                .constant()
                .orElseThrow(() -> new EmitException("a buffer inside a kernel has extents that are numbers, found "
                        + type));
        return type.element().bytes(elements);
    }

    /// From one slot of a ring to the next.
    private static long slotBytes(Type.Ring type) {
        return Math.ceilDiv(bytes(type.slot()), ALIGNMENT) * ALIGNMENT;
    }

    /// What a ring takes in shared memory.
    static long ringBytes(Type.Ring type, boolean signals) {
        return signals ? SharedMemory.slotBytes(bytes(type.slot())) * type.depth() : ringBytes(type);
    }

    private static long ringBytes(Type.Ring type) {
        return bytes(type.slot()) + (type.depth() - 1) * slotBytes(type);
    }

    private Operand reserve(Type.Buffer type, Value value, long bytes) {
        if (shared != null && shared.holds(type)) {
            return shared.reserve(value, bytes);
        }
        used += bytes;
        if (used > LARGEST) {
            throw new EmitException("the buffers inside a kernel take " + used + " bytes or more; the stack has room for "
                    + LARGEST);
        }
        return builder.inEntry(() -> builder.assign(
                value.hint().isEmpty() ? "local" : value.hint(),
                LlvmType.POINTER,
                "alloca [" + Math.max(1, bytes) + " x i8], align " + ALIGNMENT));
    }

    // ---------------------------------------------------------------------------------------------------------- copies

    /// Fills `to` from `from` starting at the offsets; outside `from` with zeros. Rows of plain buffers are copied by
    /// vectors, everything else by elements.
    void copy(BufferPlace from, BufferPlace to, List<Operand> offsets, TileOp.Copy copy) {
        if (boxes != null && boxes.fills(copy.to())) {
            boxes.copy(from, to, offsets, copy);
            return;
        }
        if (copies != null && shared != null && shared.holds(to.type())) {
            copies.copy(from, to, offsets, copy);
            return;
        }
        boolean plain = copy.axes().isEmpty()
                && from.type().rank() == to.type().rank()
                && from.isPlain()
                && to.isPlain()
                && !Words.isPacked(from.type().element());
        long lanes = plain ? vectorBytes * 8 / from.type().element().bits() : 0;
        copyAxis(copy, from, to, offsets, new ArrayList<>(), lanes);
    }

    private void copyAxis(
            TileOp.Copy copy,
            BufferPlace from,
            BufferPlace to,
            List<Operand> offsets,
            List<Operand> indices,
            long lanes) {
        int axis = indices.size();
        if (axis == to.type().rank()) {
            copyElements(copy, from, to, offsets, indices, 0);
            return;
        }
        boolean last = axis == to.type().rank() - 1;
        var extent = dims.invariant(to.type().dims().get(axis));
        var step = Operand.index(last && lanes > 0 ? lanes : 1);
        flow.count("copy", extent, step, index -> {
            builder.markNonNegative(index);
            indices.add(index);
            if (last) {
                copyElements(copy, from, to, offsets, indices, lanes);
            } else {
                copyAxis(copy, from, to, offsets, indices, lanes);
            }
            indices.removeLast();
        });
    }

    private void copyElements(
            TileOp.Copy copy,
            BufferPlace from,
            BufferPlace to,
            List<Operand> offsets,
            List<Operand> indices,
            long lanes) {
        var type = new LlvmType(Words.of(Type.scalar(from.type().element())).element(), lanes);
        var places = new ArrayList<>(offsets);
        for (int axis = 0; axis < indices.size(); axis++) {
            int source = copy.source(axis);
            places.set(source, builder.add(offsets.get(source), indices.get(axis)));
        }
        Operand inside = Operand.integer(LlvmType.BIT, 1);
        for (int axis = 0; axis < places.size(); axis++) {
            var place = places.get(axis);
            boolean vector = lanes > 0 && axis == places.size() - 1;
            var own = vector ? ascending(place, lanes) : place;
            var extent = builder.splat(dims.invariant(from.type().dims().get(axis)), own.type().lanes());
            // Negative numbers are large unsigned ones.
            var fits = builder.compare("ult", own, extent);
            inside = vector ? builder.binary("and", builder.splat(inside, lanes), fits)
                    : builder.binary("and", inside, fits);
        }
        var value = memory.load(from, places, type, Optional.of(inside), Optional.empty());
        Optional<Operand> mask = Optional.empty();
        if (lanes > 0) {
            var last = ascending(indices.getLast(), lanes);
            var extent = dims.invariant(to.type().dims().getLast());
            mask = Optional.of(builder.compare("ult", last, builder.splat(extent, lanes)));
        }
        memory.store(to, List.copyOf(indices), value, mask);
    }

    private Operand ascending(Operand first, long lanes) {
        var vector = LlvmType.LONG.withLanes(lanes);
        return builder.binary("add", builder.splat(first, lanes), Operand.ascending(vector));
    }
}
