package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Products that four warps do together on two matrices in shared memory, asynchronously: `wgmma.mma_async. .. .m64nNkK.d.a.b`.
/// One call is a group: as many steps of `K` as the operands are deep, handed over, and waited for by whoever needs it. The operands lie in rows of
/// 128 bytes whose pieces of 16 bytes are exchanged, `(r, c) -> (r, c/8 ^ r%8, c%8)` for 16 bits, along either axis.
final class WarpgroupProducts {
    private static final Pattern SHAPE = Pattern.compile("wgmma\\.mma_async\\..*\\.m64n(\\d+)k(\\d+)\\.(\\w+)\\.(\\w+)\\.(\\w+)");
    /// The pieces of eight rows of 128 bytes are exchanged.
    private static final long SWIZZLED = 1L << 62;
    private static final int LEADING = 16;
    private static final int STRIDE = 32;
    private static final long UNIT = 16;
    private static final long FIELD = (1 << 14) - 1;
    private static final long ROWS = 8;
    private static final long ROW_BYTES = 128;

    private final FunctionBuilder builder;
    private final Addressing addressing;
    private final Fragments fragments;

    private final boolean awaited;

    /// @param awaited whether somebody waits for the products later on; else each call does
    WarpgroupProducts(FunctionBuilder builder, Addressing addressing, Fragments fragments, boolean awaited) {
        this.awaited = awaited;
        this.builder = builder;
        this.addressing = addressing;
        this.fragments = fragments;
    }

    static boolean spells(String spelling) {
        return spelling.startsWith("wgmma.mma_async.");
    }

    /// One operand: where it begins, how far a step goes, and whether neighbours along the other axis than the depth lie side by
    /// side.
    private record Operand128(Operand descriptor, long step, boolean turned) {}

    /// @param arguments two buffers and a sum
    Operand call(String spelling, List<Value> arguments, Scope scope, LlvmType resultType) {
        var shape = SHAPE.matcher(spelling);
        if (!shape.matches()
                || arguments.size() != 3
                || !(arguments.get(0).type() instanceof Type.Buffer left)
                || !(arguments.get(1).type() instanceof Type.Buffer)) {
            throw new EmitException("a product of a warpgroup takes two buffers and a sum, found '" + spelling + "' of "
                    + arguments);
        }
        long step = Long.parseLong(shape.group(2));
        long depth = left.dims().getLast().constant().orElseThrow();
        var own = operand(scope.buffer(arguments.get(0)), 1, step);
        var other = operand(scope.buffer(arguments.get(1)), 0, step);
        if (left.element().bits() != 16 && (own.turned() || other.turned())) {
            throw new EmitException("elements of " + left.element() + " lie side by side along the depth, found " + arguments);
        }
        var sum = scope.operand(arguments.get(2));
        int count = (int) resultType.lanes();
        var inputs = new ArrayList<Operand>();
        var text = new StringBuilder("wgmma.fence.sync.aligned;");
        int next = count;
        var constraints = new StringBuilder((resultType.isFloat() ? "=f," : "=r,").repeat(count));
        for (long deep = 0; deep < depth; deep += step) {
            inputs.add(moved(own, deep / step));
            inputs.add(moved(other, deep / step));
            constraints.append("l,l,");
            text.append(' ').append(spelling).append(" {").append(Fragments.list(0, count)).append("}, $").append(next)
                    .append(", $").append(next + 1).append(", 1").append(resultType.isFloat() ? ", 1, 1" : "");
            if (left.element().bits() == 16) {
                text.append(", ").append(own.turned() ? 1 : 0).append(", ").append(other.turned() ? 1 : 0);
            }
            text.append(';');
            next += 2;
        }
        text.append(" wgmma.commit_group.sync.aligned;").append(awaited ? "" : " wgmma.wait_group.sync.aligned 0;");
        for (int i = 0; i < count; i++) {
            inputs.add(builder.extract(sum, i));
            constraints.append(i).append(',');
        }
        var results = fragments.assembly(
                text.toString(),
                constraints + "~{memory}",
                "sideeffect ",
                resultType.lane(),
                count,
                inputs.toArray(Operand[]::new));
        return fragments.joined(results, resultType.lane());
    }

    /// Waits for all groups but the last ones; the sums have their numbers then.
    List<Operand> await(List<Operand> sums, long later) {
        var wait = "wgmma.wait_group.sync.aligned " + later + ";";
        if (sums.isEmpty()) {
            builder.line("call void asm sideeffect \"" + wait + "\", \"~{memory}\"() " + builder.module.together());
            return List.of();
        }
        var inputs = new ArrayList<Operand>();
        var constraints = new StringBuilder();
        for (var sum : sums) {
            for (long i = 0; i < sum.type().lanes(); i++) {
                constraints.append(sum.type().isFloat() ? "=f," : "=r,");
                inputs.add(builder.extract(sum, i));
            }
        }
        for (int i = 0; i < inputs.size(); i++) {
            constraints.append(i).append(',');
        }
        var lane = sums.getFirst().type().lane();
        var all = fragments.assembly(
                wait, constraints + "~{memory}", "sideeffect ", lane, inputs.size(), inputs.toArray(Operand[]::new));
        var results = new ArrayList<Operand>();
        int first = 0;
        for (var sum : sums) {
            int end = first + (int) sum.type().lanes();
            results.add(fragments.joined(all.subList(first, end), lane));
            first = end;
        }
        return results;
    }

    private Operand moved(Operand128 operand, long steps) {
        return steps == 0
                ? operand.descriptor()
                : builder.add(operand.descriptor(), Operand.index(steps * operand.step() / UNIT));
    }

    /// @param deep the axis that goes along the depth
    private Operand128 operand(BufferPlace place, int deep, long step) {
        boolean turned = place.fastest() != deep;
        int other = 1 - deep;
        var type = wholeType(place);
        int first = type.rank() - 2;
        // Rows of 128 bytes lie along one axis; eight of them are followed by the next eight, or by those beside them.
        long width = ROW_BYTES * 8 / type.element().bits();
        long stride = distance(type, first + (turned ? deep : other), ROWS);
        long leading = turned && type.dims().get(first + other).constant().orElse(0) > width
                ? distance(type, first + other, width)
                : UNIT;
        check(type, first, turned ? deep : other, turned ? other : deep, width);
        long along = distance(type, first + deep, step);
        var address = fragments.sharedAddress(addressing.address(place, List.of(Operand.index(0), Operand.index(0))));
        var wide = builder.convert("zext", address, LlvmType.LONG);
        var start = builder.binary(
                "and", builder.binary("lshr", wide, Operand.index(4)), Operand.index(FIELD));
        long rest = SWIZZLED | stride / UNIT << STRIDE | leading / UNIT << LEADING;
        return new Operand128(builder.binary("or", start, Operand.index(rest)), along, turned);
    }

    private static Type.Buffer wholeType(BufferPlace place) {
        return place.part().map(part -> wholeType(part.whole())).orElse(place.type());
    }

    /// From the first element to the one so many further along an axis, in bytes.
    private static long distance(Type.Buffer type, int axis, long count) {
        var index = new long[type.rank()];
        index[axis] = count;
        return SharedCopies.place(type, index) * type.element().bits() / 8;
    }

    /// Refuses what does not lie as the instruction wants it.
    private static void check(Type.Buffer type, int first, int slow, int fast, long width) {
        long piece = UNIT * 8 / type.element().bits();
        var index = new long[type.rank()];
        for (long row = 0; row < ROWS; row++) {
            for (long column = 0; column < width; column++) {
                index[first + slow] = row;
                index[first + fast] = column;
                long expected = row * width + (column / piece ^ row) * piece + column % piece;
                if (type.layout().isEmpty() || SharedCopies.place(type, index) != expected) {
                    throw new EmitException("a product of a warpgroup wants rows of 128 bytes whose pieces are exchanged, found "
                            + type);
                }
            }
        }
        if (type.dims().stream().anyMatch(dim -> dim.constant().isEmpty()) || !(type.storage().getLast() instanceof Dim.Constant)) {
            throw new EmitException("a product of a warpgroup wants extents that are numbers, found " + type);
        }
    }
}
