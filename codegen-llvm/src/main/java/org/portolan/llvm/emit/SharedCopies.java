package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Type;
import org.portolan.runtime.type.Dim;

/// Copies to shared memory that all threads of a block divide among themselves, and rings that they fill ahead. Where the
/// machine copies by itself, a copy that may be asynchronous is under way until its slot is consumed: every published slot
/// is one group of copies, and consuming waits for all but the groups that came after it.
final class SharedCopies {
    private static final int WIDEST = 16;
    private static final long MOST_WAITING = 3;

    private final FunctionBuilder builder;
    private final ControlFlow flow;
    private final Addressing addressing;
    private final Memory memory;
    private final DimEmitter dims;
    private final ThreadBlock team;
    private final Fragments fragments;
    private final boolean async;
    private Operand groups;

    /// @param async whether the machine copies by itself
    SharedCopies(
            FunctionBuilder builder,
            ControlFlow flow,
            Addressing addressing,
            Memory memory,
            DimEmitter dims,
            ThreadBlock team,
            Fragments fragments,
            boolean async) {
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

    /// Which group of copies filled each slot: one number in memory for each, which LLVM turns into registers.
    List<Operand> slotGroups(long depth) {
        if (!async) {
            return List.of();
        }
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
        if (!async) {
            return;
        }
        assembly("cp.async.commit_group;", "~{memory}");
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
        if (!async) {
            return;
        }
        Operand filled = Operand.index(0);
        for (int i = 0; i < slotGroups.size(); i++) {
            var number = builder.assign("group", LlvmType.LONG, "load i64, " + slotGroups.get(i));
            filled = builder.select(builder.compare("eq", slot, Operand.index(i)), number, filled);
        }
        var count = builder.assign("groups", LlvmType.LONG, "load i64, " + groups);
        waitFor(builder.binary("sub", count, filled), MOST_WAITING);
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

    /// Whether all threads of the block come to this place with the same work.
    boolean areShared() {
        return !team.isAlone();
    }

    /// Fills `to`, which is shared, from `from` starting at the offsets; outside `from` with zeros.
    void copy(BufferPlace from, BufferPlace to, List<Operand> offsets, boolean mayBeAsync) {
        var extents = to.type().dims().stream()
                .map(dim -> dim.constant()
                        .orElseThrow(() -> new EmitException("a shared buffer has extents that are numbers: " + to.type())))
                .toList();
        long lanes = from.isPlain() && to.part().isEmpty() ? chunk(to.type(), extents) : 1;
        long chunks = extents.stream().reduce(1L, Math::multiplyExact) / lanes;
        var stop = Operand.index(chunks);
        flow.count("chunk", team.thread(), stop, Operand.index(team.threads()), List.of(), number -> carried -> {
            builder.markNonNegative(number);
            chunk(from, to, offsets, extents, number, lanes, mayBeAsync && async && lanes > 1);
            return carried;
        });
    }

    private void chunk(
            BufferPlace from,
            BufferPlace to,
            List<Operand> offsets,
            List<Long> extents,
            Operand number,
            long lanes,
            boolean machine) {
        int last = extents.size() - 1;
        var own = new Operand[extents.size()];
        var rest = number;
        for (int axis = last; axis >= 0; axis--) {
            long extent = axis == last ? extents.get(axis) / lanes : extents.get(axis);
            var index = axis == 0 ? rest : builder.binary("urem", rest, Operand.index(extent));
            rest = axis == 0 ? rest : builder.binary("udiv", rest, Operand.index(extent));
            builder.markNonNegative(index);
            own[axis] = axis == last ? builder.multiply(index, Operand.index(lanes)) : index;
        }
        var source = new ArrayList<Operand>();
        Operand inside = Operand.integer(LlvmType.BIT, 1);
        for (int axis = 0; axis <= last; axis++) {
            source.add(builder.add(offsets.get(axis), own[axis]));
            if (axis < last) {
                var extent = dims.invariant(from.type().dims().get(axis));
                inside = builder.binary("and", inside, builder.compare("ult", source.get(axis), extent));
            }
        }
        var rows = inside;
        var target = List.of(own);
        if (!machine) {
            elements(from, to, source, target, lanes, rows);
            return;
        }
        int bytes = Math.toIntExact(lanes * from.type().element().bits() / 8);
        var left = builder.binary("sub", dims.invariant(from.type().dims().get(last)), source.get(last));
        var there = builder.intrinsic(
                "smin", builder.intrinsic("smax", left, Operand.index(0)), Operand.index(lanes));
        var used = builder.select(rows, there, Operand.index(0));
        var some = builder.compare("ne", used, Operand.index(0));
        // Where nothing is taken, any address will do that is one.
        var address = builder.select(some, addressing.address(from, source), from.pointer());
        var bits = builder.assign("bits", LlvmType.LONG, "ptrtoint " + address + " to i64");
        var aligned = builder.compare(
                "eq", builder.binary("and", bits, Operand.index(bytes - 1L)), Operand.index(0));
        flow.choose(
                aligned,
                () -> {
                    var size = builder.convert(
                            "trunc", builder.multiply(used, Operand.index(bytes / lanes)), LlvmType.INT);
                    var global = builder.assign(
                            "global", LlvmType.scalar("ptr addrspace(1)"), "addrspacecast " + address + " to ptr addrspace(1)");
                    var shared = fragments.sharedAddress(addressing.address(to, target));
                    assembly(
                            "cp.async." + (bytes == WIDEST ? "cg" : "ca") + ".shared.global [$0], [$1], " + bytes + ", $2;",
                            "r,l,r,~{memory}",
                            shared,
                            global,
                            size);
                    return List.of();
                },
                () -> {
                    elements(from, to, source, target, lanes, rows);
                    return List.of();
                });
    }

    private void elements(
            BufferPlace from, BufferPlace to, List<Operand> source, List<Operand> target, long lanes, Operand rows) {
        int last = source.size() - 1;
        var type = Words.of(Type.scalar(from.type().element()));
        var extent = dims.invariant(from.type().dims().get(last));
        for (long lane = 0; lane < lanes; lane++) {
            var sourceAt = moved(source, lane);
            var inside = builder.binary("and", rows, builder.compare("ult", sourceAt.get(last), extent));
            var value = memory.load(from, sourceAt, type, Optional.of(inside), Optional.empty());
            memory.store(to, moved(target, lane), value, Optional.empty());
        }
    }

    private List<Operand> moved(List<Operand> indices, long lane) {
        var result = new ArrayList<>(indices);
        result.set(result.size() - 1, builder.add(result.getLast(), Operand.index(lane)));
        return result;
    }

    /// How many elements of the last axis lie side by side at both ends, up to the widest copy.
    private static long chunk(Type.Buffer to, List<Long> extents) {
        int bits = to.element().bits();
        if (bits < 8) {
            return 1;
        }
        for (long lanes = WIDEST * 8L / bits; lanes * bits >= 32; lanes /= 2) {
            if (extents.getLast() % lanes == 0 && isSideBySide(to, extents, lanes)) {
                return lanes;
            }
        }
        return 1;
    }

    /// Whether every aligned group of elements of the last axis is one in memory too, and aligned there.
    private static boolean isSideBySide(Type.Buffer type, List<Long> extents, long lanes) {
        if (type.layout().isEmpty()) {
            return true;
        }
        long count = extents.stream().reduce(1L, Math::multiplyExact);
        long start = 0;
        for (long number = 0; number < count; number++) {
            var index = new ArrayList<Dim>();
            long rest = number;
            for (int axis = extents.size() - 1; axis >= 0; axis--) {
                index.addFirst(Dim.of(rest % extents.get(axis)));
                rest /= extents.get(axis);
            }
            long place = 0;
            var physical = type.layout().get().apply(index);
            for (int axis = 0; axis < physical.size(); axis++) {
                long extent = type.physical().get(axis).constant().orElse(0);
                place = place * extent + physical.get(axis).constant().orElse(-1);
            }
            if (number % lanes == 0) {
                start = place;
            }
            if (place != start + number % lanes || start % lanes != 0) {
                return false;
            }
        }
        return true;
    }

    private void assembly(String text, String constraints, Operand... inputs) {
        builder.line("call void asm sideeffect \"" + text + "\", \"" + constraints + "\"(" + FunctionBuilder.list(inputs)
                + ")");
    }
}
