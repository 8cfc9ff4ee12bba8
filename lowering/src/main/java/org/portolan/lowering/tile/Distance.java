package org.portolan.lowering.tile;

import java.util.function.Function;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// How far apart in memory neighbours along an axis lie.
final class Distance {
    /// Where none is known.
    private static final double FAR = 1e9;
    /// An extent where none is known.
    private static final long TYPICAL = 128;

    private Distance() {}

    /// In elements, of whatever a value reads along the axis the nearest.
    ///
    /// @param memory how the elements of a tensor lie
    static double of(NestAnalysis analysis, Value value, String axis, Function<Value, Type.Buffer> memory) {
        var definition = analysis.definition(value);
        if (definition instanceof NestOp.Read read) {
            return of(read, axis, memory.apply(read.source()));
        }
        return OpSchema.operands(definition).stream()
                .filter(operand -> analysis.free(operand).contains(axis))
                .mapToDouble(operand -> of(analysis, operand, axis, memory))
                .min()
                .orElse(FAR);
    }

    private static double of(NestOp.Read read, String axis, Type.Buffer buffer) {
        if (buffer.layout().isPresent()) {
            return MemoryEmitter.isAdjacent(read.at(), buffer, axis)
                    ? 1
                    : buffer.storage().getLast().constant().orElse(TYPICAL);
        }
        double distance = 0;
        double inside = 1;
        for (int i = buffer.rank() - 1; i >= 0; i--) {
            var index = read.at().get(i);
            if (index.symbols().contains(axis)) {
                // An axis that is divided mostly moves the last index by one.
                long moved = NestAnalysis.stride(index, axis).orElse(i == buffer.rank() - 1 ? 1 : 0);
                distance += inside * Math.abs(moved);
            }
            inside *= buffer.dims().get(i).constant().orElse(TYPICAL);
        }
        return distance;
    }
}
