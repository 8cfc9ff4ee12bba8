package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Type.Space;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Buffers that live inside a kernel, rings of them, and copies between buffers. Without threads that share a block every
/// buffer is the thread's own.
final class LocalMemory {
    private static final long ALIGNMENT = 64;

    private final Builder builder;
    private final DimWriter dims;
    private final Addressing addressing;
    private final Memory memory;
    /// Where arrays that a block shares are declared: at the kernel's beginning.
    private final Code beginning;
    private final long block;
    private long sharedBytes;

    LocalMemory(
            Builder builder, DimWriter dims, Addressing addressing, Memory memory, Code beginning, long block) {
        this.builder = builder;
        this.dims = dims;
        this.addressing = addressing;
        this.memory = memory;
        this.beginning = beginning;
        this.block = block;
    }

    long sharedBytes() {
        return sharedBytes;
    }

    Place allocate(Value buffer) {
        var type = buffer.buffer();
        return new Place(type, array(buffer.hint(), type, bytes(type)), Term.index(0), isShared(type), false);
    }

    private boolean isShared(Type.Buffer type) {
        return block > 0 && type.space() == Space.SHARED;
    }

    private String array(String hint, Type.Buffer type, long bytes) {
        var element = CType.inMemory(type.element());
        boolean shared = isShared(type);
        var name = builder.code.fresh(hint.isEmpty() ? "local" : hint);
        long elements = Math.max(1, Math.ceilDiv(bytes * 8, element.bits()));
        var declaration = builder.words.array(element, name, elements, type.space(), shared);
        if (shared) {
            sharedBytes += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
            beginning.line(declaration);
        } else {
            builder.code.line(declaration);
        }
        return name;
    }

    private static long bytes(Type.Buffer type) {
        var elements = Dim.product(type.storage())
                .constant()
                .orElseThrow(() -> new EmitException("a buffer inside a kernel has extents that are numbers, found "
                        + type));
        return type.element().bytes(elements);
    }

    // ----------------------------------------------------------------------------------------------------------- rings

    /// @param slotElements from one slot to the next
    /// @param filled a variable: the slots handed over so far
    /// @param read a variable: the slots handed back so far
    record RingPlace(Type.Ring type, String slots, long slotElements, Term filled, Term read) {}

    RingPlace ring(Value ring) {
        if (!(ring.type() instanceof Type.Ring type)) {
            throw new EmitException(ring + " is no ring");
        }
        var element = type.slot().element();
        if (CType.isPacked(element)) {
            throw new EmitException("a ring holds whole bytes, found elements of type " + element);
        }
        long slotBytes = Math.ceilDiv(bytes(type.slot()), ALIGNMENT) * ALIGNMENT;
        var slots = array(ring.hint(), type.slot(), slotBytes * type.depth());
        return new RingPlace(
                type,
                slots,
                slotBytes * 8 / Math.max(8, element.bits()),
                builder.variable("filled", Term.index(0)),
                builder.variable("drained", Term.index(0)));
    }

    Place acquire(RingPlace ring, String hint) {
        return slot(ring, ring.filled(), hint);
    }

    Place consume(RingPlace ring, String hint) {
        return slot(ring, ring.read(), hint);
    }

    void publish(RingPlace ring) {
        builder.code.line(ring.filled() + "++;");
    }

    void release(RingPlace ring) {
        builder.code.line(ring.read() + "++;");
    }

    private Place slot(RingPlace ring, Term counter, String hint) {
        var type = ring.type().slot();
        boolean shared = isShared(type);
        var number = builder.binary("%", counter, Term.index(ring.type().depth()));
        var distance = builder.multiply(number, Term.index(ring.slotElements()));
        var name = builder.code.fresh(hint.isEmpty() ? "slot" : hint);
        builder.code.line(builder.words.pointer(CType.inMemory(type.element()), type.space(), false, shared) + " " + name
                + " = " + Addressing.at(ring.slots(), distance) + ";");
        return new Place(type, name, Term.index(0), shared, false);
    }

    // ---------------------------------------------------------------------------------------------------------- copies

    /// Fills {@code to} from {@code from} starting at the offsets; outside {@code from} with zeros. The threads of a block
    /// share a copy to memory of the block out among them.
    void copy(Place from, Place to, List<Term> offsets, TileOp.Copy copy, Optional<Term> alive) {
        var extents = new ArrayList<Term>();
        Term count = Term.index(1);
        for (var dim : to.type().dims()) {
            var extent = builder.let("extent", dims.invariant(dim));
            extents.add(extent);
            count = builder.multiply(count, extent);
        }
        var total = builder.let("total", count);
        var element = new Term(
                CType.INDEX, builder.code.fresh("element"), OptionalLong.empty(), true);
        boolean together = block > 0 && to.shared();
        builder.code.open("for (" + builder.words.type(CType.INDEX) + " " + element + " = "
                + (together ? builder.words.threadNumber() : "0") + "; " + element + " < " + total + "; " + element + " += "
                + (together ? block : 1) + ")");
        var indices = new ArrayList<Term>();
        var rest = element;
        for (int axis = extents.size() - 1; axis >= 0; axis--) {
            indices.addFirst(axis == 0 ? rest : builder.let("i", builder.binary("%", rest, extents.get(axis))));
            rest = axis == 0 ? rest : builder.let("rest", builder.binary("/", rest, extents.get(axis)));
        }
        var places = new ArrayList<>(offsets);
        for (int axis = 0; axis < extents.size(); axis++) {
            int source = copy.source(axis);
            places.set(source, builder.let("from", builder.add(offsets.get(source), indices.get(axis))));
        }
        Optional<Term> inside = alive;
        for (int axis = 0; axis < places.size(); axis++) {
            var place = places.get(axis);
            var extent = dims.invariant(from.type().dims().get(axis));
            var fits = builder.and(builder.compare(">=", place, Term.index(0)), builder.compare("<", place, extent));
            inside = Optional.of(inside.map(before -> builder.and(before, fits)).orElse(fits));
        }
        var guard = inside.map(on -> builder.let("inside", on));
        var value = builder.let(
                "value", memory.load(from, addressing.element(from, places), 1, guard, Optional.empty()));
        memory.store(to, addressing.element(to, indices), value, Optional.empty());
        builder.code.close();
    }
}
