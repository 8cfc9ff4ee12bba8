package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Losses over classes.
final class LossOperators {
    static final List<Operator> ROWS = List.of(
            since(12, "NegativeLogLikelihoodLoss", call -> loss(call, call.input(0))),
            several(12, "SoftmaxCrossEntropyLoss", LossOperators::crossEntropy));

    private LossOperators() {}

    private static List<Operand> crossEntropy(Call call) {
        var logarithms = ReductionOperators.logSoftmax(call.writer(), call.input(0), 1);
        var results = new ArrayList<>(List.of(loss(call, logarithms)));
        results.add(logarithms);
        return results.subList(0, Math.clamp(call.outputCount(), 1, 2));
    }

    /// Minus the logarithm at each target class times the class's weight; ignored targets count nothing.
    private static Operand loss(Call call, Operand logarithms) {
        var writer = call.writer();
        var element = logarithms.element();
        if (logarithms.rank() < 2 || call.input(1).rank() != logarithms.rank() - 1) {
            throw call.error("expected an input [n, c, ..] and a target [n, ..], found %s and %s"
                    .formatted(logarithms.type(), call.input(1).type()));
        }
        call.optional(2).filter(weights -> weights.rank() != 1).ifPresent(weights -> {
            throw call.error("expected a weight for each class, found %s".formatted(weights.type()));
        });
        var target = writer.cast(call.input(1), ElementType.I64);
        var ignored = call.integer("ignore_index");
        var classes = ignored.isEmpty()
                ? target
                : writer.map(
                        target, (s, x) -> s.select(isIgnored(s, x, ignored.get()), s.integer(ElementType.I64, 0), x));
        var column = new ArrayList<>(target.dims());
        column.add(1, Dim.ONE);
        var indices = writer.reshape(classes, column);
        var taken = writer.reshape(
                writer.add(
                        new GraphOp.GatherElements(
                                logarithms.value(), indices.value(), 1, writer.fresh(element, column)),
                        GraphOp.GatherElements::result),
                target.dims());
        var one = writer.scalar(element, 1);
        var given = call.optional(2).map(weights -> writer.gather(weights, classes, 0));
        var weights = writer.mapTo(
                target.dims(),
                element,
                List.of(target, given.orElse(one)),
                (s, v) -> ignored.map(index -> s.select(isIgnored(s, v.get(0), index), s.number(element, 0), v.get(1)))
                        .orElse(v.get(1)));
        var losses = writer.map(element, taken, weights, (s, x, w) -> s.mul(s.neg(x), w));
        var axes = IntStream.range(0, target.rank()).boxed().toList();
        var accumulate = GraphWriter.accumulator(element);
        var reduction = call.text("reduction", "mean");
        return switch (reduction) {
            case "none" -> losses;
            case "sum" -> writer.reduce(losses, Combine.SUM, axes, accumulate, element);
            case "mean" -> {
                var total = writer.reduce(losses, Combine.SUM, axes, accumulate, element);
                var count = writer.reduce(weights, Combine.SUM, axes, accumulate, element);
                yield writer.map(element, total, count, Scalars::div);
            }
            default -> throw call.error("reduction '%s'".formatted(reduction));
        };
    }

    private static Value isIgnored(Scalars s, Value target, long index) {
        return s.compare(target, Relation.EQUAL, s.integer(ElementType.I64, index));
    }
}
