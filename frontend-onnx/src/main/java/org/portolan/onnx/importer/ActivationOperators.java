package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The nonlinear functions between layers. All are formulas, so that they fuse into whatever comes before.
final class ActivationOperators {
    private static final double SELU_ALPHA = 1.67326319217681884765625;
    private static final double SELU_GAMMA = 1.05070102214813232421875;

    static final List<Operator> ROWS = List.of(
            since(1, "Relu", call -> map(call, (s, x) -> s.max(x, s.number(x, 0)))),
            since(1, "Sigmoid", call -> map(call, Scalars::sigmoid)),
            since(1, "Tanh", call -> map(call, Scalars::tanh)),
            since(1, "Softsign", call -> map(call, (s, x) -> s.div(x, s.add(s.abs(x), 1)))),
            since(1, "Softplus", call -> map(call, ActivationOperators::softplus)),
            since(18, "Mish", call -> map(call, (s, x) -> s.mul(x, s.tanh(softplus(s, x))))),
            since(14, "HardSwish", call -> map(call, (s, x) -> s.mul(x, hardSigmoid(s, x, 1.0f / 6, 0.5)))),
            since(1, "HardSigmoid", ActivationOperators::hardSigmoid),
            since(1, "LeakyRelu", ActivationOperators::leakyRelu),
            since(1, "PRelu", ActivationOperators::parametricRelu),
            since(1, "Elu", ActivationOperators::elu),
            since(1, "Selu", ActivationOperators::selu),
            since(12, "Celu", ActivationOperators::celu),
            since(10, "ThresholdedRelu", ActivationOperators::thresholdedRelu),
            since(9, "Shrink", ActivationOperators::shrink),
            since(20, "Gelu", ActivationOperators::gelu),
            since(24, "Swish", ActivationOperators::swish),
            several(1, "Dropout", ActivationOperators::dropout));

    private ActivationOperators() {}

    /// Formulas of several steps are computed in at least f32 and rounded once.
    private static Operand map(Call call, Scalars.Unary formula) {
        var x = call.input(0);
        var wide = GraphWriter.accumulator(x.element());
        return call.writer().map(x, (s, value) -> s.cast(formula.apply(s, s.cast(value, wide)), x.element()));
    }

    /// log(1 + exp(x)) without overflow: max(x, 0) + log(1 + exp(-|x|)).
    private static Value softplus(Scalars s, Value x) {
        return s.add(s.max(x, s.number(x, 0)), s.log(s.add(s.exp(s.neg(s.abs(x))), 1)));
    }

    private static Value hardSigmoid(Scalars s, Value x, double alpha, double beta) {
        var line = s.add(s.mul(x, alpha), beta);
        return s.max(s.number(x, 0), s.min(s.number(x, 1), line));
    }

    private static Operand hardSigmoid(Call call) {
        double alpha = call.number("alpha", 0.2f);
        double beta = call.number("beta", 0.5);
        return map(call, (s, x) -> hardSigmoid(s, x, alpha, beta));
    }

    private static Value ifNegative(Scalars s, Value x, Value yes, Value no) {
        return s.select(s.less(x, s.number(x, 0)), yes, no);
    }

    private static Operand leakyRelu(Call call) {
        double alpha = call.number("alpha", 0.01f);
        return map(call, (s, x) -> ifNegative(s, x, s.mul(x, alpha), x));
    }

    private static Operand parametricRelu(Call call) {
        var x = call.input(0);
        var slope = call.input(1);
        if (call.opset() < 7
                && slope.rank() == 1
                && x.rank() > 1
                && !slope.dim(0).isConstant(1)) {
            var dims = new ArrayList<>(List.of(slope.dim(0)));
            for (int axis = 2; axis < x.rank(); axis++) {
                dims.add(Dim.ONE);
            }
            slope = call.writer().reshape(slope, dims);
        }
        return call.writer().map(x.element(), x, slope, (s, a, b) -> ifNegative(s, a, s.mul(a, b), a));
    }

    private static Operand elu(Call call) {
        double alpha = call.number("alpha", 1);
        return map(call, (s, x) -> ifNegative(s, x, s.mul(s.add(s.exp(x), -1), alpha), x));
    }

    private static Operand selu(Call call) {
        double alpha = call.number("alpha", SELU_ALPHA);
        double gamma = call.number("gamma", SELU_GAMMA);
        return map(
                call,
                (s, x) -> s.select(
                        s.compare(x, Relation.GREATER, s.number(x, 0)),
                        s.mul(x, gamma),
                        s.mul(s.sub(s.mul(s.exp(x), alpha), s.number(x, alpha)), gamma)));
    }

    private static Operand celu(Call call) {
        double alpha = call.number("alpha", 1);
        return map(call, (s, x) -> {
            var zero = s.number(x, 0);
            var bent = s.mul(s.add(s.exp(s.div(x, alpha)), -1), alpha);
            return s.add(s.max(zero, x), s.min(zero, bent));
        });
    }

    private static Operand thresholdedRelu(Call call) {
        double alpha = call.number("alpha", 1);
        return map(call, (s, x) -> s.select(s.compare(x, Relation.GREATER, s.number(x, alpha)), x, s.number(x, 0)));
    }

    private static Operand shrink(Call call) {
        double bias = call.number("bias", 0);
        double threshold = call.number("lambd", 0.5);
        return map(call, (s, x) -> {
            var low = s.select(s.less(x, s.number(x, -threshold)), s.add(x, bias), s.number(x, 0));
            return s.select(s.compare(x, Relation.GREATER, s.number(x, threshold)), s.add(x, -bias), low);
        });
    }

    private static Operand gelu(Call call) {
        var approximate = call.text("approximate", "none");
        return switch (approximate) {
            case "none" -> map(call, (s, x) -> s.mul(s.mul(x, 0.5), s.add(s.erf(s.mul(x, Math.sqrt(0.5))), 1)));
            case "tanh" ->
                map(call, (s, x) -> {
                    var cube = s.mul(s.mul(s.mul(x, x), x), 0.044715);
                    var inner = s.mul(s.add(x, cube), Math.sqrt(2 / Math.PI));
                    return s.mul(s.mul(x, 0.5), s.add(s.tanh(inner), 1));
                });
            default -> throw call.error("approximate must be none or tanh, found '%s'".formatted(approximate));
        };
    }

    private static Operand swish(Call call) {
        double alpha = call.number("alpha", 1);
        return map(call, (s, x) -> s.mul(x, s.sigmoid(s.mul(x, alpha))));
    }

    /// Inference leaves its input as it is. Training draws random numbers, unless it drops nothing.
    private static List<Operand> dropout(Call call) {
        var x = call.input(0);
        boolean training = call.opset() < 7 ? !call.flag("is_test", false) && call.has("is_test") : isTraining(call);
        if (training && !dropsNothing(call)) {
            throw new Unsupported("dropout in training mode draws random numbers");
        }
        var outputs = new ArrayList<>(List.of(x));
        if (call.wants(1)) {
            var element = call.opset() < 10 ? x.element() : ElementType.BOOL;
            outputs.add(call.writer().filled(element, x.dims(), 1));
        }
        return outputs;
    }

    private static boolean isTraining(Call call) {
        Optional<Operand> mode = call.opset() >= 12 ? call.optional(2) : Optional.empty();
        return mode.isPresent()
                && !mode.get()
                        .elements()
                        .filter(elements -> elements.size() == 1)
                        .map(elements -> elements.getFirst().equals(Element.of(false)))
                        .orElseThrow(() -> new Unsupported("training_mode is known only at run time"));
    }

    private static boolean dropsNothing(Call call) {
        return call.optional(1)
                .flatMap(call::constantNumbers)
                .filter(numbers -> numbers.equals(List.of(0.0)))
                .isPresent();
    }
}
