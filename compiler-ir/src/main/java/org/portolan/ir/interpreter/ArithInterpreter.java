package org.portolan.ir.interpreter;

import org.portolan.ir.ArithOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.ElementType;

/// The one table of what {@link ArithOp}s do, lane by lane; `graph`, `nest` and `tile` all come here.
final class ArithInterpreter {
    private ArithInterpreter() {}

    /// Operands of one operation: rows, and where in them the lanes begin.
    record Lanes(Elements elements, int offset) {}

    /// Computes {@code count} lanes of an operation's result. The condition of a select may be a single truth value.
    static void apply(ArithOp op, Lanes[] operands, Elements result, int to, int count) {
        switch (op) {
            case ArithOp.Const(double value, _) -> constant(result, to, count, value);
            case ArithOp.Integer(long value, _) -> integer(result, to, count, value);
            case ArithOp.Unary unary -> unary(unary, operands[0], result, to, count);
            case ArithOp.Binary binary -> binary(binary, operands[0], operands[1], result, to, count);
            case ArithOp.Fma _ -> fma(operands, result, to, count);
            case ArithOp.Compare compare ->
                compare(compare.relation(), operands[0], operands[1], (Elements.Longs) result, to, count);
            case ArithOp.Select _ -> select(operands, result, to, count);
            case ArithOp.Cast cast ->
                Conversions.convert(
                        operands[0].elements(),
                        operands[0].offset(),
                        cast.rounding(),
                        cast.overflow(),
                        result,
                        to,
                        count);
            case ArithOp.Bitcast _ -> {
                for (int i = 0; i < count; i++) {
                    result.setBits(to + i, operands[0].elements().getBits(operands[0].offset() + i));
                }
            }
        }
    }

    private static void constant(Elements result, int to, int count, double value) {
        for (int i = 0; i < count; i++) {
            result.setDouble(to + i, value);
        }
    }

    private static void integer(Elements result, int to, int count, long value) {
        for (int i = 0; i < count; i++) {
            result.setLong(to + i, value);
        }
    }

    private static void unary(ArithOp.Unary op, Lanes operand, Elements result, int to, int count) {
        int from = operand.offset();
        switch (operand.elements()) {
            case Elements.Floats(ElementType type, float[] values) -> {
                var function = RealArithmetic.unary(op);
                var out = ((Elements.Floats) result).values();
                for (int i = 0; i < count; i++) {
                    double exact = function.applyAsDouble(values[from + i]);
                    out[to + i] = type == ElementType.F32 ? (float) exact : (float) Rounding.round(type, exact);
                }
            }
            case Elements.Doubles(double[] values) -> {
                var function = RealArithmetic.unary(op);
                var out = ((Elements.Doubles) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = function.applyAsDouble(values[from + i]);
                }
            }
            case Elements.Longs(ElementType type, long[] values) -> {
                var function = IntegerArithmetic.unary(op, type);
                var out = ((Elements.Longs) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = Rounding.wrap(type, function.applyAsLong(values[from + i]));
                }
            }
            case Elements.Texts _ -> throw noArithmetic(op);
        }
    }

    static void binary(ArithOp.Binary op, Lanes left, Lanes right, Elements result, int to, int count) {
        int a = left.offset();
        int b = right.offset();
        switch (left.elements()) {
            case Elements.Floats(ElementType type, float[] x) -> {
                var y = ((Elements.Floats) right.elements()).values();
                var out = ((Elements.Floats) result).values();
                if (type == ElementType.F32) {
                    singles(op, x, a, y, b, out, to, count);
                    return;
                }
                var function = RealArithmetic.binary(op);
                for (int i = 0; i < count; i++) {
                    out[to + i] = (float) Rounding.round(type, function.applyAsDouble(x[a + i], y[b + i]));
                }
            }
            case Elements.Doubles(double[] x) -> {
                var y = ((Elements.Doubles) right.elements()).values();
                var out = ((Elements.Doubles) result).values();
                var function = RealArithmetic.binary(op);
                for (int i = 0; i < count; i++) {
                    out[to + i] = function.applyAsDouble(x[a + i], y[b + i]);
                }
            }
            case Elements.Longs(ElementType type, long[] x) -> {
                var y = ((Elements.Longs) right.elements()).values();
                var out = ((Elements.Longs) result).values();
                var function = IntegerArithmetic.binary(op, type);
                for (int i = 0; i < count; i++) {
                    out[to + i] = Rounding.wrap(type, function.applyAsLong(x[a + i], y[b + i]));
                }
            }
            case Elements.Texts _ -> throw noArithmetic(op);
        }
    }

    /// The operations that fill most of a model's time have a loop of their own.
    private static void singles(
            ArithOp.Binary op, float[] x, int a, float[] y, int b, float[] out, int to, int count) {
        switch (op) {
            case ArithOp.Add _ -> {
                for (int i = 0; i < count; i++) {
                    out[to + i] = x[a + i] + y[b + i];
                }
            }
            case ArithOp.Sub _ -> {
                for (int i = 0; i < count; i++) {
                    out[to + i] = x[a + i] - y[b + i];
                }
            }
            case ArithOp.Mul _ -> {
                for (int i = 0; i < count; i++) {
                    out[to + i] = x[a + i] * y[b + i];
                }
            }
            case ArithOp.Max _ -> {
                for (int i = 0; i < count; i++) {
                    out[to + i] = Math.max(x[a + i], y[b + i]);
                }
            }
            case ArithOp.Div _,
                    ArithOp.Rem _,
                    ArithOp.Mod _,
                    ArithOp.Pow _,
                    ArithOp.Min _,
                    ArithOp.And _,
                    ArithOp.Or _,
                    ArithOp.Xor _,
                    ArithOp.Shl _,
                    ArithOp.Shr _ -> {
                var function = RealArithmetic.binary(op);
                for (int i = 0; i < count; i++) {
                    out[to + i] = (float) function.applyAsDouble(x[a + i], y[b + i]);
                }
            }
        }
    }

    private static void fma(Lanes[] operands, Elements result, int to, int count) {
        int a = operands[0].offset();
        int b = operands[1].offset();
        int c = operands[2].offset();
        switch (operands[0].elements()) {
            case Elements.Floats(ElementType type, float[] x) -> {
                var y = ((Elements.Floats) operands[1].elements()).values();
                var z = ((Elements.Floats) operands[2].elements()).values();
                var out = ((Elements.Floats) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = type == ElementType.F32
                            ? Math.fma(x[a + i], y[b + i], z[c + i])
                            : (float) Rounding.round(type, Rounding.fmaToOdd(x[a + i], y[b + i], z[c + i]));
                }
            }
            case Elements.Doubles(double[] x) -> {
                var y = ((Elements.Doubles) operands[1].elements()).values();
                var z = ((Elements.Doubles) operands[2].elements()).values();
                var out = ((Elements.Doubles) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = Math.fma(x[a + i], y[b + i], z[c + i]);
                }
            }
            case Elements.Longs(ElementType type, long[] x) -> {
                var y = ((Elements.Longs) operands[1].elements()).values();
                var z = ((Elements.Longs) operands[2].elements()).values();
                var out = ((Elements.Longs) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = Rounding.wrap(type, x[a + i] * y[b + i] + z[c + i]);
                }
            }
            case Elements.Texts _ -> throw new IrException("arith.fma does not work on texts");
        }
    }

    private static void compare(Relation relation, Lanes left, Lanes right, Elements.Longs result, int to, int count) {
        int a = left.offset();
        int b = right.offset();
        var out = result.values();
        switch (left.elements()) {
            case Elements.Floats(_, float[] x) -> {
                var y = ((Elements.Floats) right.elements()).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = RealArithmetic.holds(relation, x[a + i], y[b + i]) ? 1 : 0;
                }
            }
            case Elements.Doubles(double[] x) -> {
                var y = ((Elements.Doubles) right.elements()).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = RealArithmetic.holds(relation, x[a + i], y[b + i]) ? 1 : 0;
                }
            }
            case Elements.Longs(ElementType type, long[] x) -> {
                var y = ((Elements.Longs) right.elements()).values();
                for (int i = 0; i < count; i++) {
                    int comparison = IntegerArithmetic.compare(type, x[a + i], y[b + i]);
                    out[to + i] = relation.holds(comparison) ? 1 : 0;
                }
            }
            case Elements.Texts(String[] x) -> {
                var y = ((Elements.Texts) right.elements()).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = relation.holds(x[a + i].compareTo(y[b + i])) ? 1 : 0;
                }
            }
        }
    }

    private static void select(Lanes[] operands, Elements result, int to, int count) {
        var condition = ((Elements.Longs) operands[0].elements()).values();
        int from = operands[0].offset();
        // Vectors may be chosen as a whole by one truth value; then the row of conditions has no more than that one.
        int step = condition.length == 1 ? 0 : 1;
        int a = operands[1].offset();
        int b = operands[2].offset();
        switch (operands[1].elements()) {
            case Elements.Floats(_, float[] yes) -> {
                var no = ((Elements.Floats) operands[2].elements()).values();
                var out = ((Elements.Floats) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = condition[from + i * step] != 0 ? yes[a + i] : no[b + i];
                }
            }
            case Elements.Doubles(double[] yes) -> {
                var no = ((Elements.Doubles) operands[2].elements()).values();
                var out = ((Elements.Doubles) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = condition[from + i * step] != 0 ? yes[a + i] : no[b + i];
                }
            }
            case Elements.Longs(_, long[] yes) -> {
                var no = ((Elements.Longs) operands[2].elements()).values();
                var out = ((Elements.Longs) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = condition[from + i * step] != 0 ? yes[a + i] : no[b + i];
                }
            }
            case Elements.Texts(String[] yes) -> {
                var no = ((Elements.Texts) operands[2].elements()).values();
                var out = ((Elements.Texts) result).values();
                for (int i = 0; i < count; i++) {
                    out[to + i] = condition[from + i * step] != 0 ? yes[a + i] : no[b + i];
                }
            }
        }
    }

    private static IrException noArithmetic(ArithOp op) {
        return new IrException("texts can be compared, selected and converted, but not computed with: " + op);
    }
}
