package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes `graph.loop`, whose carried values keep their types from one iteration to the next.
final class Loops {
    private Loops() {}

    /// What one iteration gives.
    ///
    /// @param condition whether another iteration follows; empty for always
    record Step(Optional<Operand> condition, List<Operand> carried, List<Operand> scanned) {}

    /// Writes one iteration.
    interface StepWriter {
        Step write(Operand iteration, Operand condition, List<Operand> carried);
    }

    /// What a loop gives: the carried values at its end, and each scanned value stacked along a new first axis.
    record Result(List<Operand> carried, List<Operand> scanned) {}

    /// @param trips the trip count where it is known before the loop runs; the stacks then have this extent
    static Result loop(
            GraphWriter writer,
            Optional<Operand> tripCount,
            Optional<Operand> condition,
            Optional<Dim> trips,
            List<Operand> initial,
            StepWriter step) {
        var start = initial.stream().map(Operand::value).toList();
        var count = tripCount.map(Operand::value);
        var first = condition.map(Operand::value);
        var params = new ArrayList<Value>();
        params.add(Value.of(Type.tensor(ElementType.I64), "iteration"));
        params.add(Value.of(Type.tensor(ElementType.BOOL), "condition"));
        initial.forEach(operand -> params.add(Value.of(operand.type(), operand.hint())));
        var inner = new Block(writer.block());
        var outer = writer.enter(inner);
        Step result;
        var yielded = new ArrayList<Value>();
        try {
            var operands = params.stream().map(Operand::of).toList();
            result = step.write(operands.get(0), operands.get(1), operands.subList(2, operands.size()));
            yielded.add(result.condition()
                    .orElseGet(() -> writer.known(ElementType.BOOL, List.of(), List.of(Element.of(true))))
                    .value());
            for (int i = 0; i < initial.size(); i++) {
                yielded.add(same(initial.get(i), result.carried().get(i)).value());
            }
            result.scanned().forEach(operand -> yielded.add(operand.value()));
            inner.add(new GraphOp.Yield(yielded));
        } finally {
            writer.enter(outer);
        }
        var symbol = writer.symbols().size();
        var carried = initial.stream()
                .map(operand -> writer.fresh(operand.element(), operand.dims()))
                .toList();
        var stacked = result.scanned().stream()
                .map(operand -> writer.fresh(operand.element(), prepended(Dim.symbol(symbol), operand.dims())))
                .toList();
        var results = Stream.concat(carried.stream(), stacked.stream()).toList();
        writer.block().add(new GraphOp.Loop(count, first, start, symbol, new Body(params, inner.ops()), results));
        trips.ifPresent(extent -> writer.equal(extent, Dim.symbol(symbol), "iterations"));
        return new Result(
                carried.stream().map(Operand::of).toList(),
                stacked.stream()
                        .map(Operand::of)
                        .map(operand -> trips.map(extent -> writer.reshape(
                                        operand,
                                        prepended(extent, operand.dims().subList(1, operand.rank()))))
                                .orElse(operand))
                        .toList());
    }

    private static List<Dim> prepended(Dim first, List<Dim> rest) {
        var dims = new ArrayList<>(List.of(first));
        dims.addAll(rest);
        return dims;
    }

    private static Operand same(Operand initial, Operand next) {
        if (initial.element() != next.element() || !initial.dims().equals(next.dims())) {
            throw new Unsupported(
                    "a value that is carried from one iteration to the next changes its type from %s to %s"
                            .formatted(initial.type(), next.type()));
        }
        return next;
    }

    /// The slice of a tensor's axis at a place that the run computes; the axis vanishes.
    static Operand at(GraphWriter writer, Operand x, int axis, Operand place) {
        return writer.gather(x, place, axis);
    }
}
