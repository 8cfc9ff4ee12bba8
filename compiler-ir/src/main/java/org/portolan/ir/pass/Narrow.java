package org.portolan.ir.pass;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Makes products of {@code f32} products of a narrower type: the factors of matrix products and convolutions are converted,
/// sums stay {@code f32}, and so does everything between products. Weights are converted here, and take half the room;
/// tables that rows are gathered from too. What is beyond the largest number of the type becomes that number.
///
/// @param type {@code f16} or {@code bf16}
/// @param wide the operations that stay as they are, by name: {@code mat-mul}, {@code convolution}, {@code
///     convolution-transpose}, {@code gather}
public record Narrow(ElementType type, List<String> wide) implements Pass {
    private static final String MAT_MUL = "mat-mul";
    private static final String CONVOLUTION = "convolution";
    private static final String CONVOLUTION_TRANSPOSE = "convolution-transpose";
    private static final String GATHER = "gather";
    private static final List<String> NAMES = List.of(MAT_MUL, CONVOLUTION, CONVOLUTION_TRANSPOSE, GATHER);

    public Narrow {
        wide = List.copyOf(wide);
        if (type != ElementType.F16 && type != ElementType.BF16) {
            throw new IrException("f32 can be narrowed to f16 or bf16, not to " + type.text());
        }
        var unknown = new TreeSet<>(wide);
        NAMES.forEach(unknown::remove);
        if (!unknown.isEmpty()) {
            throw new IrException("what can be kept wide are " + NAMES + ", not " + unknown);
        }
    }

    public Narrow(ElementType type) {
        this(type, List.of());
    }

    @Override
    public List<Op> run(List<Op> module) {
        var result = new ArrayList<Op>(module.size());
        for (var op : module) {
            result.add(
                    op instanceof GraphOp.Function function
                            ? new Narrowing(Map.of(), Map.of()).nested(function)
                            : op);
        }
        return result;
    }

    /// One body, with the constants and what was converted in the bodies around it.
    private final class Narrowing {
        private final Map<Value, GraphOp.Constant> constants;
        private final Map<Value, Value> narrowed;
        private final List<Op> ops = new ArrayList<>();

        Narrowing(Map<Value, GraphOp.Constant> constants, Map<Value, Value> narrowed) {
            this.constants = new IdentityHashMap<>(constants);
            this.narrowed = new IdentityHashMap<>(narrowed);
        }

        private Op nested(Op op) {
            return op instanceof GraphOp.Map
                    ? op
                    : OpSchema.rebuild(
                            op, value -> value, value -> value, inner -> new Narrowing(constants, narrowed).body(inner));
        }

        Body body(Body body) {
            for (var op : body.ops()) {
                if (op instanceof GraphOp.Constant constant) {
                    constants.put(constant.result(), constant);
                }
                add(op);
            }
            return new Body(body.params(), ops);
        }

        private void add(Op op) {
            if (op instanceof GraphOp.MatMul(var left, var right, var sum, var result) && fits(MAT_MUL, sum, left, right)) {
                ops.add(new GraphOp.MatMul(narrow(left), narrow(right), sum, result));
            } else if (op instanceof GraphOp.Convolution own
                    && fits(CONVOLUTION, own.accumulate(), own.input(), own.weights())) {
                ops.add(new GraphOp.Convolution(
                        narrow(own.input()), narrow(own.weights()), own.strides(), own.dilations(), own.low(),
                        own.groups(), own.accumulate(), own.result()));
            } else if (op instanceof GraphOp.ConvolutionTranspose own
                    && fits(CONVOLUTION_TRANSPOSE, own.accumulate(), own.input(), own.weights())) {
                ops.add(new GraphOp.ConvolutionTranspose(
                        narrow(own.input()), narrow(own.weights()), own.strides(), own.dilations(), own.low(),
                        own.groups(), own.accumulate(), own.result()));
            } else if (op instanceof GraphOp.Gather(var data, var indices, long axis, var result)
                    && constants.containsKey(data)
                    && fits(GATHER, ElementType.F32, data)) {
                var found = Value.of(Type.tensor(type, result.tensor().dims()), result.hint());
                ops.add(new GraphOp.Gather(narrow(data), indices, axis, found));
                ops.add(converted(found, ElementType.F32, result));
                narrowed.put(result, found);
            } else {
                ops.add(nested(op));
            }
        }

        private boolean fits(String name, ElementType sum, Value... factors) {
            for (var factor : factors) {
                if (factor.tensor().element() != ElementType.F32) {
                    return false;
                }
            }
            return sum == ElementType.F32 && !wide.contains(name);
        }

        private Value narrow(Value value) {
            return Optional.ofNullable(narrowed.get(value)).orElseGet(() -> {
                var constant = constants.get(value);
                var result = Value.of(Type.tensor(type, value.tensor().dims()), value.hint());
                var count = value.tensor().elements().constant();
                ops.add(
                        constant != null && count.isPresent()
                                ? new GraphOp.Constant(narrow(constant.data(), count.getAsLong(), value.hint()), result)
                                : converted(value, type, result));
                narrowed.put(value, result);
                return result;
            });
        }

        private Resource narrow(Resource data, long elements, String hint) {
            return switch (data) {
                case Resource.Splat(double value) -> new Resource.Splat(saturated(value));
                case Resource.Floats(var values) ->
                    new Resource.Floats(values.stream().map(this::saturated).toList());
                case Resource.SplatInteger _, Resource.Integers _, Resource.Texts _ ->
                    throw new IrException("the constant '" + hint + "' is listed in another type than f32");
                case Resource.External _, Resource.Random _ -> {
                    var from = ResourceBytes.rowMajor(data, ElementType.F32, elements, Arena.ofAuto());
                    var to = Arena.ofAuto().allocate(type.bytes(elements), 64);
                    for (long i = 0; i < elements; i++) {
                        ElementTypes.setDouble(type, to, i, saturated(ElementTypes.getDouble(ElementType.F32, from, i)));
                    }
                    yield ResourceBytes.computed(hint, to);
                }
            };
        }

        private double saturated(double value) {
            return Double.isNaN(value) ? value : Math.clamp(value, -largest(), largest());
        }
    }

    private double largest() {
        return type == ElementType.F16 ? 65504 : 0x1.fep127;
    }

    /// A value in another type, element by element.
    private GraphOp.Map converted(Value value, ElementType to, Value result) {
        var param = Value.of(Type.scalar(value.tensor().element()));
        var ops = new ArrayList<Op>();
        var number = param;
        if (to == type) {
            number = bounded(number, largest(), ArithOp.Min::new, ops);
            number = bounded(number, -largest(), ArithOp.Max::new, ops);
        }
        var converted = Value.of(Type.scalar(to));
        ops.add(new ArithOp.Cast(number, converted));
        ops.add(new GraphOp.Yield(List.of(converted)));
        return new GraphOp.Map(List.of(value), new Body(List.of(param), ops), result);
    }

    private interface Bound {
        Op of(Value value, Value limit, Value result);
    }

    private static Value bounded(Value value, double limit, Bound bound, List<Op> ops) {
        var constant = Value.of(value.type());
        var result = Value.of(value.type());
        ops.add(new ArithOp.Const(limit, constant));
        ops.add(bound.of(value, constant, result));
        return result;
    }
}
