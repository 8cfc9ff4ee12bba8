package org.portolan.lowering.math;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Rewriter;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// Rewrites `arith.exp`, `arith.pow` and the other elementary functions into basic arithmetic, for targets that have
/// no instructions or libraries for them. Floats of fewer than 32 bits are computed in `f32`.
///
/// Largest errors of `f32` seen on dense samples of all magnitudes, in units in the last place of the exact result:
/// exp 1.0, log 0.8, sin 2.0, cos 2.1, tan 3.2, asin 2.3, acos 1.1, atan 2.0, sinh 2.1, cosh 1.4, tanh 2.4, asinh
/// 1.9, acosh 1.7, atanh 2.3, erf 1.1, pow 1.1. Of `f64` all stay below 5e-16, relative.
public final class ExpandElementary {
    private final boolean fused;
    private final Map<Op, Op> origins;
    private final Rewriter rewriter = new Rewriter();
    private final Map<Value, Double> constants = new IdentityHashMap<>();

    private ExpandElementary(boolean fused, Map<Op, Op> origins) {
        this.fused = fused;
        this.origins = origins;
    }

    /// @param fused whether the target rounds `a * b + c` once
    public static Body expand(Body body, boolean fused) {
        return expand(body, fused, new IdentityHashMap<>());
    }

    /// @param fused whether the target rounds `a * b + c` once
    /// @param origins takes, for every operation of the new body, the one that it stands for; a map by identity
    public static Body expand(Body body, boolean fused, Map<Op, Op> origins) {
        return new ExpandElementary(fused, origins).body(body);
    }

    private Body body(Body body) {
        var ops = new ArrayList<Op>(body.ops().size());
        for (var op : body.ops()) {
            int start = ops.size();
            var copied = OpSchema.rebuild(op, rewriter::map, result -> result, this::body);
            if (copied instanceof ArithOp.Unary unary) {
                unary(unary, ops);
            } else if (copied instanceof ArithOp.Pow pow) {
                rewriter.replace(pow.result(), pow(pow, ops));
            } else {
                remember(copied);
                ops.add(copied);
            }
            ops.subList(start, ops.size()).forEach(written -> origins.put(written, op));
        }
        return new Body(body.params(), ops);
    }

    private void remember(Op op) {
        if (op instanceof ArithOp.Const(double value, Value result)) {
            constants.put(result, value);
        } else if (op instanceof TileOp.Broadcast(Value value, Value result) && constants.containsKey(value)) {
            constants.put(result, constants.get(value));
        }
    }

    private interface Function {
        Value apply(FloatCode code, Value x, Type type);
    }

    private void unary(ArithOp.Unary op, List<Op> ops) {
        Function function = switch (op) {
            case ArithOp.Exp _ -> (code, x, _) -> new Exponentials(code).exp(x);
            case ArithOp.Log _ -> (code, x, _) -> new Logarithms(code).log(x);
            case ArithOp.Sin _ -> (code, x, type) -> new Trigonometry(code, type).sin(x);
            case ArithOp.Cos _ -> (code, x, type) -> new Trigonometry(code, type).cos(x);
            case ArithOp.Tan _ -> (code, x, type) -> new Trigonometry(code, type).tan(x);
            case ArithOp.Asin _ -> (code, x, _) -> new InverseTrigonometry(code).asin(x);
            case ArithOp.Acos _ -> (code, x, _) -> new InverseTrigonometry(code).acos(x);
            case ArithOp.Atan _ -> (code, x, _) -> new InverseTrigonometry(code).atan(x);
            case ArithOp.Sinh _ -> (code, x, _) -> new Exponentials(code).sinh(x);
            case ArithOp.Cosh _ -> (code, x, _) -> new Exponentials(code).cosh(x);
            case ArithOp.Tanh _ -> (code, x, _) -> new Exponentials(code).tanh(x);
            case ArithOp.Asinh _ -> (code, x, _) -> new Logarithms(code).asinh(x);
            case ArithOp.Acosh _ -> (code, x, _) -> new Logarithms(code).acosh(x);
            case ArithOp.Atanh _ -> (code, x, _) -> new Logarithms(code).atanh(x);
            case ArithOp.Erf _ -> (code, x, _) -> new ErrorFunction(code).erf(x);
            case ArithOp.Neg _,
                    ArithOp.Abs _,
                    ArithOp.Sign _,
                    ArithOp.Floor _,
                    ArithOp.Ceil _,
                    ArithOp.Round _,
                    ArithOp.Trunc _,
                    ArithOp.Sqrt _,
                    ArithOp.Not _ -> null;
        };
        if (function == null) {
            ops.add(op);
            return;
        }
        rewriter.replace(
                op.result(),
                inFloat(List.of(op.operand()), ops, (code, operands) ->
                        function.apply(code, operands.getFirst(), operands.getFirst().type())));
    }

    private Value pow(ArithOp.Pow op, List<Op> ops) {
        if (!op.result().type().elementType().isFloat()) {
            return new IntegerPower(ops).pow(op.left(), op.right());
        }
        var exponent = constants.get(op.right());
        return inFloat(List.of(op.left(), op.right()), ops, (code, operands) -> {
            var x = operands.get(0);
            if (exponent != null && exponent == 1) {
                return x;
            }
            if (exponent != null && exponent == 2) {
                return code.mul(x, x);
            }
            if (exponent != null && exponent == 3) {
                return code.mul(code.mul(x, x), x);
            }
            return new Powers(code).pow(x, operands.get(1));
        });
    }

    /// Computes in `f32` or `f64`, whatever the operands are.
    private Value inFloat(List<Value> operands, List<Op> ops, BiFunction<FloatCode, List<Value>, Value> function) {
        var type = operands.getFirst().type();
        if (type.elementType().bits() >= 32) {
            return function.apply(new FloatCode(ops, type, fused), operands);
        }
        var wide = type.withLaneElement(ElementType.F32);
        var code = new FloatCode(ops, wide, fused);
        var result = function.apply(
                code, operands.stream().map(operand -> code.cast(operand, wide)).toList());
        return code.cast(result, type);
    }
}
