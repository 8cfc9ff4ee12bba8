package org.portolan.onnx.importer;

import java.util.List;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Running sums of long axes. {@link GraphOp.Scan} combines for each element all that precede it, so that all elements can
/// be computed at once: on a short axis the best there is, on a long one the square of its length. A long axis is cut
/// into blocks; each element is then its sum within the block plus the sum of the blocks before it.
final class RunningSums {
    /// Up to this length an axis is one block.
    private static final long SHORT = 512;

    private static final long BLOCK = 128;

    /// Blocks of blocks, of a length that may be known only at run time.
    private static final int LEVELS = 2;

    private RunningSums() {}

    /// The inclusive running sum along the last axis of a matrix of integers, whose sums may be cut anywhere.
    static Operand along(GraphWriter writer, Operand rows) {
        return along(writer, rows, LEVELS);
    }

    private static Operand along(GraphWriter writer, Operand rows, int levels) {
        var lines = rows.dim(0);
        var length = rows.dim(1);
        if (levels == 0 || length.constant().orElse(Long.MAX_VALUE) <= SHORT) {
            return scan(writer, rows, 1, false);
        }
        var blocks = writer.settled(length.ceilDivide(BLOCK));
        var whole = writer.settled(blocks.times(BLOCK));
        var padded = writer.pad(
                rows, Optional.empty(), List.of(Dim.ZERO, Dim.ZERO), GraphOp.PadMode.CONSTANT, List.of(lines, whole));
        var apart = writer.reshape(padded, List.of(lines, blocks, Dim.of(BLOCK)));
        var within = scan(writer, apart, 2, false);
        var totals = writer.reduce(apart, Combine.SUM, List.of(2), rows.element(), rows.element());
        var upTo = along(writer, totals, levels - 1);
        var before = writer.map(rows.element(), upTo, totals, Scalars::sub);
        var sums = writer.mapTo(
                apart.dims(),
                rows.element(),
                List.of(within, writer.reshape(before, List.of(lines, blocks, Dim.ONE))),
                (s, v) -> s.add(v.get(0), v.get(1)));
        var flat = writer.reshape(sums, List.of(lines, whole));
        return writer.slice(flat, List.of(Dim.ZERO, Dim.ZERO), List.of(Dim.ONE, Dim.ONE), List.of(lines, length));
    }

    /// How many of the first elements, the element included, are true; i64.
    static Operand count(GraphWriter writer, Operand truths) {
        var numbers = writer.cast(truths, ElementType.I64);
        var line = writer.reshape(numbers, List.of(Dim.ONE, truths.dim(0)));
        return writer.reshape(along(writer, line), truths.dims());
    }

    private static Operand scan(GraphWriter writer, Operand x, int axis, boolean exclusive) {
        return writer.add(
                new GraphOp.Scan(
                        x.value(), Combine.SUM, axis, exclusive, false, writer.fresh(x.element(), x.dims())),
                GraphOp.Scan::result);
    }
}
