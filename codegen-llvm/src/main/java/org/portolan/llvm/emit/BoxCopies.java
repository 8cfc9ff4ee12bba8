package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Copies of boxes by the machine's copy engine, one thread starting each, and the barrier objects by which the slots of a ring
/// say that they are full or empty: two for each slot, in shared memory. A slot is full in a phase when all bytes that its one copy
/// announced have arrived; it is empty when one lane of every warp has said so, after the warp's lanes have met.
final class BoxCopies {
    /// Bytes of a barrier object.
    static final long OBJECT_BYTES = 8;
    /// Where the pieces of eight rows of 128 bytes begin to repeat: the swizzle is one of addresses.
    static final long PATTERN = 1024;

    private static final int[] SWIZZLES = {128, 64, 32};
    private static final long PIECE = 16;
    private static final long MOST_ROWS = 256;
    private static final int MOST_AXES = 5;
    private static final LlvmType SHARED = LlvmType.scalar("ptr addrspace(3)");

    private final FunctionBuilder builder;
    private final ControlFlow flow;
    private final DimEmitter dims;
    private final ThreadBlock team;
    private final Fragments fragments;
    private final List<Value> parameters;
    private final RingGroups groups;
    private final Map<TensorBox, Operand> boxes = new LinkedHashMap<>();
    private final Map<Value, Filling> fillings = new IdentityHashMap<>();

    /// A slot that is being filled.
    ///
    /// @param round whether it was filled an odd number of times before
    private record Filling(RingPlace.Signals signals, Operand slot, Operand round) {}

    /// How a slot is made of boxes.
    ///
    /// @param strips how many lie side by side
    /// @param width of one of them, in elements along the axis whose neighbours lie side by side
    private record Shape(int fast, long strips, long width, long rows, int swizzle) {}

    /// @param parameters of the kernel
    BoxCopies(
            FunctionBuilder builder,
            ControlFlow flow,
            DimEmitter dims,
            ThreadBlock team,
            Fragments fragments,
            List<Value> parameters,
            RingGroups groups) {
        this.groups = groups;
        this.builder = builder;
        this.flow = flow;
        this.dims = dims;
        this.team = team;
        this.fragments = fragments;
        this.parameters = parameters;
    }

    /// Which rings go together.
    RingGroups groups() {
        return groups;
    }

    /// What the launch describes, and the names of the parameters of the entry that hold it, in the same order.
    Map<TensorBox, Operand> boxes() {
        return Collections.unmodifiableMap(boxes);
    }

    // --------------------------------------------------------------------------------------------------------- barriers

    /// Makes the barrier objects of a ring, before any thread goes on.
    Operand barriers(long depth, Operand place) {
        var base = fragments.sharedAddress(place);
        byOne(() -> {
            for (long slot = 0; slot < depth; slot++) {
                barrier("mbarrier.init.shared::cta.b64 [$0], 1;", at(base, slot));
                barrier("mbarrier.init.shared::cta.b64 [$0], " + warps() + ";", at(base, depth + slot));
            }
            assembly("fence.mbarrier_init.release.cluster;", "~{memory}");
        });
        team.barrier(TileOp.Bind.BLOCK);
        return base;
    }

    private long warps() {
        return Math.ceilDiv(team.threads(), 32L);
    }

    /// Notes which slot a buffer is, for the copy that fills it.
    void acquired(Value slot, RingPlace.Signals signals, Operand number, Operand round) {
        fillings.put(slot, new Filling(signals, number, round));
    }

    boolean fills(Value slot) {
        return fillings.containsKey(slot);
    }

    /// Waits until the copy to a slot is complete.
    void awaitFull(Operand barriers, Operand slot, Operand round) {
        await(address(barriers, slot), round);
    }

    /// Says that this warp needs a slot no longer.
    void release(SlotSignals objects, Operand slot) {
        team.barrier(TileOp.Bind.WARP);
        flow.choose(
                builder.compare("eq", team.lane(), Operand.index(0)),
                () -> {
                    barrier("mbarrier.arrive.shared::cta.b64 _, [$0];", empty(objects, slot));
                    return List.of();
                },
                List::of);
    }

    private Operand empty(SlotSignals objects, Operand slot) {
        return builder.binary(
                "add", address(objects.barriers(), slot), Operand.integer(LlvmType.INT, objects.depth() * OBJECT_BYTES));
    }

    /// Waits for the end of a phase; a barrier object that is new counts as if an odd phase had ended.
    private void await(Operand address, Operand round) {
        var again = builder.fresh("wait");
        var done = builder.fresh("there");
        builder.branch(again);
        builder.startBlock(again);
        var ended = builder.assign(
                "ended",
                LlvmType.BIT,
                "call i1 asm sideeffect \"mbarrier.try_wait.parity.shared::cta.b64 $0, [$1], $2;\", \"=b,r,r,~{memory}\"("
                        + FunctionBuilder.list(address, round) + ")");
        builder.branch(ended, done, again);
        builder.startBlock(done);
    }

    private Operand address(Operand barriers, Operand slot) {
        return builder.binary(
                "add", barriers, builder.binary("mul", slot, Operand.integer(LlvmType.INT, OBJECT_BYTES)));
    }

    private Operand at(Operand base, long number) {
        return builder.binary("add", base, Operand.integer(LlvmType.INT, number * OBJECT_BYTES));
    }

    /// What one thread does; the others of its warp wait for it where they meet again.
    private void byOne(Runnable writing) {
        flow.choose(
                builder.compare("eq", team.thread(), Operand.index(0)),
                () -> {
                    writing.run();
                    return List.of();
                },
                List::of);
    }

    private void barrier(String text, Operand address) {
        assembly(text, "r,~{memory}", address);
    }

    private void assembly(String text, String constraints, Operand... inputs) {
        builder.line("call void asm sideeffect \"" + text + "\", \"" + constraints + "\"(" + FunctionBuilder.list(inputs)
                + ")");
    }

    // ----------------------------------------------------------------------------------------------------------- copies

    /// Has the copy engine fill a slot once everybody has released it.
    void copy(BufferPlace from, BufferPlace to, List<Operand> offsets, TileOp.Copy copy) {
        var filling = fillings.get(copy.to());
        var shape = shape(from, to, copy);
        var box = box(from.type(), shape, copy);
        var map = boxes.computeIfAbsent(
                box, _ -> new Operand(LlvmType.POINTER, "%" + builder.fresh("box_of_" + copy.from().hint())));
        var objects = filling.signals().objects();
        byOne(() -> {
            var full = address(objects.barriers(), filling.slot());
            if (filling.signals().first()) {
                var before = builder.binary("xor", filling.round(), Operand.integer(LlvmType.INT, 1));
                await(empty(objects, filling.slot()), before);
                barrier("mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], " + objects.bytes() + ";", full);
            }
            for (long strip = 0; strip < shape.strips(); strip++) {
                for (long row = 0; row < shape.rows(); row += rowsAtOnce(shape)) {
                    one(map, to, offsets, copy, shape, full, strip, row);
                }
            }
        });
        if (filling.signals().last()) {
            team.barrier(TileOp.Bind.WARP);
        }
    }

    private static long rowsAtOnce(Shape shape) {
        return Math.min(shape.rows(), MOST_ROWS);
    }

    private void one(
            Operand map,
            BufferPlace to,
            List<Operand> offsets,
            TileOp.Copy copy,
            Shape shape,
            Operand full,
            long strip,
            long row) {
        var place = builder.binary(
                "add",
                fragments.sharedAddress(to.pointer()),
                Operand.integer(
                        LlvmType.INT,
                        to.type().element().bytes((strip * shape.rows() + row) * shape.width())));
        var arguments = new ArrayList<Operand>();
        arguments.add(pointer(place));
        arguments.add(pointer(full));
        arguments.add(map);
        for (int axis = offsets.size() - 1; axis >= 0; axis--) {
            long more = axis == copy.source(shape.fast()) ? strip * shape.width() : axis == copy.source(1 - shape.fast()) ? row : 0;
            arguments.add(builder.convert(
                    "trunc", builder.add(offsets.get(axis), Operand.index(more)), LlvmType.INT));
        }
        arguments.add(Operand.integer(LlvmType.integer(16), 0));
        arguments.add(Operand.integer(LlvmType.LONG, 0));
        arguments.add(Operand.integer(LlvmType.BIT, 0));
        arguments.add(Operand.integer(LlvmType.BIT, 0));
        builder.callVoid(
                "llvm.nvvm.cp.async.bulk.tensor.g2s.tile." + offsets.size() + "d", arguments.toArray(Operand[]::new));
    }

    private Operand pointer(Operand address) {
        return builder.assign("shared", SHARED, "inttoptr " + address + " to " + SHARED);
    }

    private TensorBox box(Type.Buffer from, Shape shape, TileOp.Copy copy) {
        int parameter = parameters.indexOf(copy.from());
        if (parameter < 0 || from.layout().isPresent() || from.rank() > MOST_AXES) {
            throw new EmitException("the copy engine takes boxes of parameters of up to " + MOST_AXES
                    + " axes whose elements lie row by row, found " + copy.from());
        }
        var sizes = new ArrayList<Dim>(from.dims().reversed());
        var extents = new ArrayList<Long>(Collections.nCopies(from.rank(), 1L));
        extents.set(from.rank() - 1 - copy.source(shape.fast()), shape.width());
        extents.set(from.rank() - 1 - copy.source(1 - shape.fast()), rowsAtOnce(shape));
        return new TensorBox(parameter, from.element(), sizes, extents, shape.swizzle());
    }

    /// Finds out how the copy engine would fill a slot.
    ///
    /// @throws EmitException if it cannot
    private static Shape shape(BufferPlace from, BufferPlace to, TileOp.Copy copy) {
        var type = to.type();
        int fast = to.fastest();
        long bits = type.element().bits();
        if (type.rank() != 2 || fast < 0 || bits < 8 || copy.source(fast) != from.type().rank() - 1) {
            throw new EmitException("the copy engine fills slots of two axes with rows of memory, found " + type);
        }
        long extent = type.dims().get(fast).constant().orElseThrow();
        long rows = type.dims().get(1 - fast).constant().orElseThrow();
        for (int swizzle : SWIZZLES) {
            long width = swizzle * 8 / bits;
            var shape = new Shape(fast, extent / Math.max(1, width), width, rows, swizzle);
            if (extent % width == 0 && rows % Math.min(rows, MOST_ROWS) == 0 && lies(type, shape)) {
                return shape;
            }
        }
        throw new EmitException("the copy engine fills slots in rows of 32, 64 or 128 bytes whose pieces are exchanged, found "
                + type);
    }

    /// Whether the first rows of every strip lie as the copy engine puts them; the pattern repeats after that.
    private static boolean lies(Type.Buffer type, Shape shape) {
        long piece = PIECE * 8 / type.element().bits();
        long pieces = shape.width() / piece;
        long seen = Math.min(shape.rows(), PATTERN / shape.swizzle());
        var index = new long[2];
        for (long strip = 0; strip < shape.strips(); strip++) {
            for (long row = 0; row < seen; row++) {
                for (long column = 0; column < shape.width(); column += Math.max(1, piece - 1)) {
                    index[shape.fast()] = strip * shape.width() + column;
                    index[1 - shape.fast()] = row;
                    long before = strip * shape.rows() + row;
                    // By where the row begins in memory, and slots begin where the pattern does.
                    long turn = before * shape.swizzle() / 128 % pieces;
                    long expected = before * shape.width()
                            + (column / piece ^ turn) * piece
                            + column % piece;
                    if (type.layout().isEmpty() || SharedCopies.place(type, index) != expected) {
                        return false;
                    }
                }
            }
        }
        return true;
    }
}
