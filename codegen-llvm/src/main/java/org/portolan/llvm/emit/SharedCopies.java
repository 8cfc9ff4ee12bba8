package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.runtime.type.Dim;

/// Copies to shared memory that all threads of a block divide among themselves, and rings that they fill ahead. Where the
/// machine copies by itself, a copy that may be asynchronous is under way until its slot is consumed: every published slot
/// is one group of copies, and consuming waits for all but the groups that came after it.
final class SharedCopies {
    private static final int WIDEST = 16;
    /// Chunks of one thread that are written one after the other.
    private static final long SIDE_BY_SIDE = 16;
    private static final long MOST_WAITING = 7;

    private final FunctionBuilder builder;
    private final ControlFlow flow;
    private final Addressing addressing;
    private final Memory memory;
    private final DimEmitter dims;
    private final ThreadBlock team;
    private final Fragments fragments;
    private final boolean async;
    private final boolean otherProxy;
    private Operand groups;

    /// @param async whether the machine copies by itself
    /// @param otherProxy whether what was copied is read by units that do not see a thread's own accesses at once
    SharedCopies(
            FunctionBuilder builder,
            ControlFlow flow,
            Addressing addressing,
            Memory memory,
            DimEmitter dims,
            ThreadBlock team,
            Fragments fragments,
            boolean async,
            boolean otherProxy) {
        this.otherProxy = otherProxy;
        this.builder = builder;
        this.flow = flow;
        this.addressing = addressing;
        this.memory = memory;
        this.dims = dims;
        this.team = team;
        this.fragments = fragments;
        this.async = async;
    }

    // ------------------------------------------------------------------------------------------------------------ rings

    /// Whether the machine copies by itself.
    boolean isAsync() {
        return async;
    }

    /// Which group of copies filled each slot: one number in memory for each, which LLVM turns into registers.
    List<Operand> slotGroups(long depth) {
        if (groups == null) {
            groups = builder.inEntry(() -> {
                var counter = builder.assign("groups", LlvmType.POINTER, "alloca i64");
                builder.line("store i64 0, " + counter);
                return counter;
            });
        }
        var slots = new ArrayList<Operand>();
        for (long i = 0; i < depth; i++) {
            slots.add(builder.inEntry(() -> {
                var slot = builder.assign("group", LlvmType.POINTER, "alloca i64");
                builder.line("store i64 0, " + slot);
                return slot;
            }));
        }
        return slots;
    }

    /// Ends the group that fills a slot.
    void publish(List<Operand> slotGroups, Operand slot) {
        endGroup();
        var count = builder.assign("groups", LlvmType.LONG, "load i64, " + groups);
        var next = builder.binary("add", count, Operand.index(1));
        builder.line("store " + next + ", " + groups);
        for (int i = 0; i < slotGroups.size(); i++) {
            var place = slotGroups.get(i);
            var own = builder.compare("eq", slot, Operand.index(i));
            var before = builder.assign("group", LlvmType.LONG, "load i64, " + place);
            builder.line("store " + builder.select(own, next, before) + ", " + place);
        }
    }

    /// Waits for the group that filled a slot; later ones may still be under way. The instruction wants that number
    /// written out.
    void consume(List<Operand> slotGroups, Operand slot) {
        Operand filled = Operand.index(0);
        for (int i = 0; i < slotGroups.size(); i++) {
            var number = builder.assign("group", LlvmType.LONG, "load i64, " + slotGroups.get(i));
            filled = builder.select(builder.compare("eq", slot, Operand.index(i)), number, filled);
        }
        var count = builder.assign("groups", LlvmType.LONG, "load i64, " + groups);
        waitFor(builder.binary("sub", count, filled), MOST_WAITING);
        fence();
    }

    /// The copies since the last group are one.
    void endGroup() {
        assembly("cp.async.commit_group;", "~{memory}");
    }

    /// Waits for the next slot of one of several rings that are published in turns.
    ///
    /// @param pending how many of its slots are published and not consumed
    void consume(int rings, int place, Operand pending) {
        var groups = builder.multiply(pending, Operand.index(rings));
        waitFor(builder.add(groups, Operand.index(-1L - place)), MOST_WAITING);
        fence();
    }

    /// Makes what this thread's copies brought visible to the units that multiply matrices in shared memory.
    private void fence() {
        if (otherProxy) {
            assembly("fence.proxy.async.shared::cta;", "~{memory}");
        }
    }

    private void waitFor(Operand later, long most) {
        if (most == 0) {
            assembly("cp.async.wait_group 0;", "~{memory}");
            return;
        }
        flow.choose(
                builder.compare("sge", later, Operand.index(most)),
                () -> {
                    assembly("cp.async.wait_group " + most + ";", "~{memory}");
                    return List.of();
                },
                () -> {
                    waitFor(later, most - 1);
                    return List.of();
                });
    }

    // ----------------------------------------------------------------------------------------------------------- copies

    /// Fills `to`, which is shared, from `from` starting at the offsets; outside `from` with zeros.
    void copy(BufferPlace from, BufferPlace to, List<Operand> offsets, TileOp.Copy copy) {
        var extents = to.type().dims().stream()
                .map(dim -> dim.constant()
                        .orElseThrow(() -> new EmitException("a shared buffer has extents that are numbers: " + to.type())))
                .toList();
        int fast = to.fastest();
        boolean sideBySide = fast >= 0 && to.part().isEmpty() && copy.source(fast) == from.fastest();
        long lanes = sideBySide && from.isPlain() ? chunk(to.type(), extents, fast) : 1;
        var plan = new Plan(copy, from, to, extents, Math.max(0, fast), lanes, copy.async() && async && lanes > 1);
        long chunks = extents.stream().reduce(1L, Math::multiplyExact) / lanes;
        long rounds = chunks / team.threads();
        if (chunks % team.threads() == 0 && rounds <= SIDE_BY_SIDE) {
            for (long round = 0; round < rounds; round++) {
                chunk(plan, offsets, builder.add(team.thread(), Operand.index(round * team.threads())));
            }
            return;
        }
        var stop = Operand.index(chunks);
        flow.count("chunk", team.thread(), stop, Operand.index(team.threads()), List.of(), number -> carried -> {
            builder.markNonNegative(number);
            chunk(plan, offsets, number);
            return carried;
        });
    }

    /// @param fast the axis of `to` along which neighbours lie side by side at both ends
    /// @param lanes elements of that axis that are copied at once
    /// @param machine whether the machine copies them
    private record Plan(
            TileOp.Copy copy, BufferPlace from, BufferPlace to, List<Long> extents, int fast, long lanes, boolean machine) {
        /// The axis of `from` that moves with the fast one.
        int along() {
            return copy.source(fast);
        }
    }

    private void chunk(Plan plan, List<Operand> offsets, Operand number) {
        var extents = plan.extents();
        long lanes = plan.lanes();
        var order = new ArrayList<Integer>();
        for (int axis = 0; axis < extents.size(); axis++) {
            if (axis != plan.fast()) {
                order.add(axis);
            }
        }
        order.add(plan.fast());
        var own = new Operand[extents.size()];
        var rest = number;
        for (int i = order.size() - 1; i >= 0; i--) {
            int axis = order.get(i);
            long extent = axis == plan.fast() ? extents.get(axis) / lanes : extents.get(axis);
            var index = i == 0 ? rest : builder.binary("urem", rest, Operand.index(extent));
            rest = i == 0 ? rest : builder.binary("udiv", rest, Operand.index(extent));
            builder.markNonNegative(index);
            own[axis] = axis == plan.fast() ? builder.multiply(index, Operand.index(lanes)) : index;
        }
        var from = plan.from();
        var source = new ArrayList<>(offsets);
        for (int axis = 0; axis < own.length; axis++) {
            int place = plan.copy().source(axis);
            source.set(place, builder.add(offsets.get(place), own[axis]));
        }
        Operand inside = Operand.integer(LlvmType.BIT, 1);
        for (int axis = 0; axis < source.size(); axis++) {
            if (axis != plan.along()) {
                var extent = dims.invariant(from.type().dims().get(axis));
                inside = builder.binary("and", inside, builder.compare("ult", source.get(axis), extent));
            }
        }
        var rows = inside;
        var target = List.of(own);
        if (!plan.machine()) {
            elements(plan, source, target, rows);
            return;
        }
        int bytes = Math.toIntExact(lanes * from.type().element().bits() / 8);
        var place = addressing.address(from, source);
        if (plan.copy().inside()) {
            whereAligned(plan, place, source, target, rows, bytes, () -> Optional.empty());
            return;
        }
        int along = plan.along();
        var left = builder.binary("sub", dims.invariant(from.type().dims().get(along)), source.get(along));
        var there = builder.intrinsic(
                "smin", builder.intrinsic("smax", left, Operand.index(0)), Operand.index(lanes));
        var used = builder.select(rows, there, Operand.index(0));
        var some = builder.compare("ne", used, Operand.index(0));
        // Where nothing is taken, any address will do that is one.
        var address = builder.select(some, place, from.pointer());
        whereAligned(
                plan, address, source, target, rows, bytes, () -> Optional.of(builder.convert(
                        "trunc", builder.multiply(used, Operand.index(bytes / lanes)), LlvmType.INT)));
    }

    /// Copies asynchronously where the address allows it, which LLVM mostly knows; else element by element.
    ///
    /// @param size how many bytes are taken, where that may be fewer
    private void whereAligned(
            Plan plan,
            Operand address,
            List<Operand> source,
            List<Operand> target,
            Operand rows,
            int bytes,
            Supplier<Optional<Operand>> size) {
        var bits = plan.from().whole()
                ? builder.multiply(addressing.elementIndex(plan.from(), source), Operand.index(bytes / plan.lanes()))
                : builder.assign("bits", LlvmType.LONG, "ptrtoint " + address + " to i64");
        var aligned = builder.compare(
                "eq", builder.binary("and", bits, Operand.index(bytes - 1L)), Operand.index(0));
        flow.choose(
                aligned,
                () -> {
                    copy(plan, address, target, bytes, size.get());
                    return List.of();
                },
                () -> {
                    elements(plan, source, target, rows);
                    return List.of();
                });
    }

    private void copy(Plan plan, Operand address, List<Operand> target, int bytes, Optional<Operand> size) {
        var global = builder.assign(
                "global", LlvmType.scalar("ptr addrspace(1)"), "addrspacecast " + address + " to ptr addrspace(1)");
        var shared = fragments.sharedAddress(addressing.address(plan.to(), target));
        var inputs = new ArrayList<>(List.of(shared, global));
        size.ifPresent(inputs::add);
        assembly(
                "cp.async." + (bytes == WIDEST ? "cg" : "ca") + ".shared.global [$0], [$1], " + bytes
                        + (size.isPresent() ? ", $2;" : ";"),
                size.isPresent() ? "r,l,r,~{memory}" : "r,l,~{memory}",
                inputs.toArray(Operand[]::new));
    }

    private void elements(Plan plan, List<Operand> source, List<Operand> target, Operand rows) {
        var from = plan.from();
        var type = Words.of(Type.scalar(from.type().element()));
        var extent = dims.invariant(from.type().dims().get(plan.along()));
        for (long lane = 0; lane < plan.lanes(); lane++) {
            var sourceAt = moved(source, plan.along(), lane);
            var inside = builder.binary("and", rows, builder.compare("ult", sourceAt.get(plan.along()), extent));
            var value = memory.load(from, sourceAt, type, Optional.of(inside), Optional.empty());
            memory.store(plan.to(), moved(target, plan.fast(), lane), value, Optional.empty());
        }
    }

    private List<Operand> moved(List<Operand> indices, int axis, long lane) {
        var result = new ArrayList<>(indices);
        result.set(axis, builder.add(result.get(axis), Operand.index(lane)));
        return result;
    }

    /// How many elements of an axis lie side by side in a buffer, up to the widest copy.
    private static long chunk(Type.Buffer to, List<Long> extents, int fast) {
        int bits = to.element().bits();
        if (bits < 8) {
            return 1;
        }
        for (long lanes = WIDEST * 8L / bits; lanes * bits >= 32; lanes /= 2) {
            if (extents.get(fast) % lanes == 0 && isSideBySide(to, extents, fast, lanes)) {
                return lanes;
            }
        }
        return 1;
    }

    /// Whether every aligned group of elements of an axis is one in memory too, and aligned there.
    private static boolean isSideBySide(Type.Buffer type, List<Long> extents, int fast, long lanes) {
        if (type.layout().isEmpty()) {
            return true;
        }
        long count = extents.stream().reduce(1L, Math::multiplyExact) / lanes;
        for (long number = 0; number < count; number++) {
            var index = new long[extents.size()];
            long rest = number;
            for (int axis = extents.size() - 1; axis >= 0; axis--) {
                long extent = axis == fast ? extents.get(axis) / lanes : extents.get(axis);
                index[axis] = rest % extent * (axis == fast ? lanes : 1);
                rest /= extent;
            }
            long start = place(type, index);
            for (long lane = 1; lane < lanes; lane++) {
                index[fast]++;
                if (place(type, index) != start + lane) {
                    return false;
                }
            }
            if (start % lanes != 0) {
                return false;
            }
        }
        return true;
    }

    /// Where an element lies in a buffer with a layout, in elements.
    static long place(Type.Buffer type, long[] index) {
        var dims = new ArrayList<Dim>();
        for (long number : index) {
            dims.add(Dim.of(number));
        }
        var physical = type.layout().get().apply(dims);
        long place = 0;
        for (int axis = 0; axis < physical.size(); axis++) {
            long extent = type.physical().get(axis).constant().orElse(0);
            place = place * extent + physical.get(axis).constant().orElse(-1);
        }
        return place;
    }

    private void assembly(String text, String constraints, Operand... inputs) {
        builder.line("call void asm sideeffect \"" + text + "\", \"" + constraints + "\"(" + FunctionBuilder.list(inputs)
                + ")");
    }
}
