package org.portolan.onnx.importer;

import java.util.List;
import org.portolan.onnx.importer.Operator.Single;
import org.portolan.runtime.type.Dim;

/// Operators of the domain `ai.onnx.ml` that work on tensors of numbers.
final class ClassicOperators {
    private static final String DOMAIN = "ai.onnx.ml";

    static final List<Operator> ROWS = List.of(
            row("ArrayFeatureExtractor", ClassicOperators::features), row("Binarizer", ClassicOperators::binarized));

    private ClassicOperators() {}

    private static Operator row(String name, Single builder) {
        return new Operator(DOMAIN, name, 1, Long.MAX_VALUE, call -> List.of(builder.build(call)));
    }

    /// Some elements of the last axis; of one line a matrix of one row.
    private static Operand features(Call call) {
        var x = call.input(0);
        var writer = call.writer();
        if (x.rank() == 0) {
            throw call.error("expected at least one axis, found %s".formatted(x.type()));
        }
        var places = writer.reshape(call.input(1), List.of(call.input(1).type().elements()));
        var picked = writer.gather(x, places, x.rank() - 1);
        return x.rank() == 1 ? writer.reshape(picked, List.of(Dim.ONE, places.dim(0))) : picked;
    }

    /// An integer is above a number if it is above the next integer below; one that is below all of the type is below
    /// every element.
    private static Operand binarized(Call call) {
        double given = call.number("threshold", 0);
        var element = call.input(0).element();
        double threshold = element.isFloat() ? given : Math.floor(given);
        boolean below = !element.isFloat() && !element.isSigned() && threshold < 0;
        return call.writer().map(call.input(0), (s, v) -> {
            var above = below ? s.truth(true) : s.less(s.number(v, threshold), v);
            return s.select(above, s.number(v, 1), s.number(v, 0));
        });
    }
}
