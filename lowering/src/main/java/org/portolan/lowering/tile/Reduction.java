package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;

/// A reduction of a nest in one form: {@code nest.sum} and {@code nest.reduce} alike. {@code initial} is empty for sums,
/// which start at 0.
record Reduction(Op op, List<Value> values, List<Value> initial, List<String> over, Body combiner, List<Value> results) {

    /// The operation as a reduction, if it is one.
    static Optional<Reduction> of(Op op) {
        return switch (op) {
            case NestOp.Sum sum ->
                Optional.of(new Reduction(
                        sum, List.of(sum.value()), List.of(), sum.over(), addition(sum), List.of(sum.result())));
            case NestOp.Reduce reduce ->
                Optional.of(new Reduction(
                        reduce, reduce.values(), reduce.initial(), reduce.over(), reduce.body(), reduce.results()));
            case NestOp.Compute _, NestOp.Read _, NestOp.Index _, NestOp.Yield _ -> Optional.empty();
            case GraphOp _, TileOp _, ArithOp _, PlanOp _, MachineOp _ -> Optional.empty();
        };
    }

    boolean isSum() {
        return op instanceof NestOp.Sum;
    }

    private static Body addition(NestOp.Sum sum) {
        var accumulator = Value.of(sum.result().type(), "sum");
        var value = Value.of(sum.result().type(), "value");
        var next = Value.of(sum.result().type(), "sum");
        var ops = new ArrayList<Op>();
        ops.add(new ArithOp.Add(accumulator, value, next));
        ops.add(new NestOp.Yield(List.of(next), List.of(), List.of()));
        return new Body(List.of(accumulator, value), ops);
    }
}
