package org.portolan.ir.interpreter;

import java.util.Arrays;
import org.portolan.ir.ArithOp;
import org.portolan.ir.IrException;
import org.portolan.runtime.type.ElementType;

/// Sums of products in one type: the inner loop of matrix products and convolutions. Each product is rounded to the
/// type, then each sum; nothing is contracted.
abstract sealed class Accumulation {

    /// @param left scalars of the products, converted to the type
    /// @param right rows of the products, converted to the type
    static Accumulation of(ElementType type, Elements left, Elements right, int size) {
        var a = Conversions.convert(left, type);
        var b = Conversions.convert(right, type);
        var sums = Elements.allocate(type, size);
        return switch (sums) {
            case Elements.Floats(_, float[] out) when type == ElementType.F32 ->
                new Singles(sums, ((Elements.Floats) a).values(), ((Elements.Floats) b).values(), out);
            case Elements.Floats(_, float[] out) ->
                new Smalls(sums, type, ((Elements.Floats) a).values(), ((Elements.Floats) b).values(), out);
            case Elements.Doubles(double[] out) ->
                new Wides(sums, ((Elements.Doubles) a).values(), ((Elements.Doubles) b).values(), out);
            case Elements.Longs(_, long[] out) ->
                new Integers(sums, type, ((Elements.Longs) a).values(), ((Elements.Longs) b).values(), out);
            case Elements.Texts _ -> throw new IrException("texts cannot be summed");
        };
    }

    final Elements sums;

    private Accumulation(Elements sums) {
        this.sums = sums;
    }

    /// Sets all sums to 0.
    abstract void clear();

    /// {@code sums[to + i * toStep] += left[scalar] * right[from + i * fromStep]} for i below count.
    abstract void add(int scalar, int from, int fromStep, int to, int toStep, int count);

    /// {@code sums[to + i * toStep] += left[scalar] * 0}, which matters for infinities and NaNs only.
    abstract void addZeros(int scalar, int to, int toStep, int count);

    /// Stores the sums in another type.
    void store(Elements result, int at, int count) {
        Conversions.convert(
                sums,
                0,
                ArithOp.Rounding.NEAREST_EVEN,
                ArithOp.Overflow.SATURATE,
                result,
                at,
                count);
    }

    private static final class Singles extends Accumulation {
        private final float[] left;
        private final float[] right;
        private final float[] out;

        Singles(Elements sums, float[] left, float[] right, float[] out) {
            super(sums);
            this.left = left;
            this.right = right;
            this.out = out;
        }

        @Override
        void clear() {
            Arrays.fill(out, 0);
        }

        @Override
        void add(int scalar, int from, int fromStep, int to, int toStep, int count) {
            float factor = left[scalar];
            if (fromStep == 1 && toStep == 1) {
                row(factor, right, from, out, to, count);
                return;
            }
            for (int i = 0; i < count; i++) {
                out[to + i * toStep] += factor * right[from + i * fromStep];
            }
        }

        /// Apart, so that it is compiled to vector code.
        private static void row(float factor, float[] right, int from, float[] out, int to, int count) {
            for (int i = 0; i < count; i++) {
                out[to + i] += factor * right[from + i];
            }
        }

        @Override
        void addZeros(int scalar, int to, int toStep, int count) {
            if (!Float.isFinite(left[scalar])) {
                for (int i = 0; i < count; i++) {
                    out[to + i * toStep] = Float.NaN;
                }
            }
        }
    }

    private static final class Wides extends Accumulation {
        private final double[] left;
        private final double[] right;
        private final double[] out;

        Wides(Elements sums, double[] left, double[] right, double[] out) {
            super(sums);
            this.left = left;
            this.right = right;
            this.out = out;
        }

        @Override
        void clear() {
            Arrays.fill(out, 0);
        }

        @Override
        void add(int scalar, int from, int fromStep, int to, int toStep, int count) {
            double factor = left[scalar];
            for (int i = 0; i < count; i++) {
                out[to + i * toStep] += factor * right[from + i * fromStep];
            }
        }

        @Override
        void addZeros(int scalar, int to, int toStep, int count) {
            if (!Double.isFinite(left[scalar])) {
                for (int i = 0; i < count; i++) {
                    out[to + i * toStep] = Double.NaN;
                }
            }
        }
    }

    private static final class Smalls extends Accumulation {
        private final ElementType type;
        private final float[] left;
        private final float[] right;
        private final float[] out;

        Smalls(Elements sums, ElementType type, float[] left, float[] right, float[] out) {
            super(sums);
            this.type = type;
            this.left = left;
            this.right = right;
            this.out = out;
        }

        @Override
        void clear() {
            Arrays.fill(out, 0);
        }

        @Override
        void add(int scalar, int from, int fromStep, int to, int toStep, int count) {
            double factor = left[scalar];
            for (int i = 0; i < count; i++) {
                double product = Rounding.round(type, factor * right[from + i * fromStep]);
                out[to + i * toStep] = (float) Rounding.round(type, out[to + i * toStep] + product);
            }
        }

        @Override
        void addZeros(int scalar, int to, int toStep, int count) {
            if (!Float.isFinite(left[scalar])) {
                for (int i = 0; i < count; i++) {
                    out[to + i * toStep] = Float.NaN;
                }
            }
        }
    }

    private static final class Integers extends Accumulation {
        private final ElementType type;
        private final long[] left;
        private final long[] right;
        private final long[] out;

        Integers(Elements sums, ElementType type, long[] left, long[] right, long[] out) {
            super(sums);
            this.type = type;
            this.left = left;
            this.right = right;
            this.out = out;
        }

        @Override
        void clear() {
            Arrays.fill(out, 0);
        }

        @Override
        void add(int scalar, int from, int fromStep, int to, int toStep, int count) {
            long factor = left[scalar];
            for (int i = 0; i < count; i++) {
                out[to + i * toStep] += factor * right[from + i * fromStep];
            }
        }

        @Override
        void addZeros(int scalar, int to, int toStep, int count) {}

        @Override
        void store(Elements result, int at, int count) {
            // Wrapping once at the end gives the same low bits as wrapping every sum.
            for (int i = 0; i < count; i++) {
                out[i] = Rounding.wrap(type, out[i]);
            }
            super.store(result, at, count);
        }
    }
}
