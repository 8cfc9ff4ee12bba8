package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.type.Dim;

/// Truth values and choices in Dim arithmetic, where 1 is true and 0 is false. Where all is known, so is the result.
final class DimLogic {
    /// Whether an extent is a number or one symbol. Products of computed extents, which may be long sums, grow beyond all
    /// bounds: operators that have such check them by themselves.
    static boolean isSimple(Dim dim) {
        return dim.isConstant() || dim.symbolName().isPresent();
    }

    /// What a number is at least; {@link Long#MIN_VALUE} where nothing is known.
    static long atLeast(Dim dim) {
        return switch (dim) {
            case Dim.Constant(long value) -> value;
            case Dim.Symbol(String name) -> Symbols.atLeast(name);
            case Dim.Product(long coefficient, var factors) -> {
                long bound = Math.max(coefficient, 0);
                for (var factor : factors) {
                    long least = atLeast(factor);
                    bound = least < 0 ? -1 : saturated(bound, least);
                }
                yield coefficient < 0 || bound < 0 ? Long.MIN_VALUE : bound;
            }
            case Dim.Sum(var terms) -> {
                long bound = 0;
                for (var term : terms) {
                    long least = atLeast(term);
                    if (least <= -HUGE) {
                        yield Long.MIN_VALUE;
                    }
                    bound = Math.min(bound + least, HUGE);
                }
                yield bound;
            }
            case Dim.Binary(var operator, var left, var right) ->
                switch (operator) {
                    case FLOOR_DIVIDE -> divided(atLeast(left), right, false);
                    case CEIL_DIVIDE -> divided(atLeast(left), right, true);
                    case MODULO -> atLeast(right) > 0 ? 0 : Long.MIN_VALUE;
                    case MINIMUM -> Math.min(atLeast(left), atLeast(right));
                    case MAXIMUM -> Math.max(atLeast(left), atLeast(right));
                    case EXCLUSIVE_OR -> Long.MIN_VALUE;
                };
        };
    }

    private static long saturated(long left, long right) {
        return left == 0 || right == 0 ? 0 : left > HUGE / right ? HUGE : left * right;
    }

    private static long divided(long least, Dim divisor, boolean up) {
        if (least < 0) {
            return Long.MIN_VALUE;
        }
        long by = divisor.constant().orElse(0);
        return by <= 0 ? 0 : up ? Math.ceilDiv(least, by) : least / by;
    }

    /// The larger one, settled by what is known.
    static Dim maximum(Dim left, Dim right) {
        var difference = left.minus(right);
        return atLeast(difference) >= 0 ? left : atLeast(difference.times(-1)) >= 0 ? right : left.maximum(right);
    }

    /// The smaller one, settled by what is known.
    static Dim minimum(Dim left, Dim right) {
        var difference = left.minus(right);
        return atLeast(difference) >= 0 ? right : atLeast(difference.times(-1)) >= 0 ? left : left.minimum(right);
    }

    /// Whether a number depends on data.
    static boolean isBound(Dim dim) {
        return dim.symbols().stream().anyMatch(Symbols::isBound);
    }

    /// Larger than any extent, and small enough that sums of a few and products by small numbers stay exact.
    private static final long HUGE = 1L << 45;

    private DimLogic() {}

    /// Any 64-bit number brought near the extents, with its sign.
    static Dim clamped(Dim value) {
        return value.minimum(Dim.of(HUGE)).maximum(Dim.of(-HUGE));
    }

    static Dim absolute(Dim value) {
        return value.maximum(value.times(-1));
    }

    static Dim equal(Dim left, Dim right) {
        return Dim.ONE.minus(absolute(left.minus(right))).maximum(Dim.ZERO);
    }

    static Dim negative(Dim value) {
        return value.times(-1).maximum(Dim.ZERO).minimum(Dim.ONE);
    }

    static Dim positive(Dim value) {
        return negative(value.times(-1));
    }

    static Dim not(Dim truth) {
        return Dim.ONE.minus(truth);
    }

    /// The sum of truths as a truth.
    static Dim any(List<Dim> truths) {
        Dim sum = Dim.ZERO;
        for (var truth : truths) {
            sum = sum.plus(truth);
        }
        return sum.minimum(Dim.ONE);
    }

    static Dim select(Dim truth, Dim yes, Dim no) {
        return truth.times(yes).plus(not(truth).times(no));
    }

    static Dim clamp(Dim value, Dim low, Dim high) {
        return maximum(minimum(value, high), low);
    }

    /// For each axis of a rank, whether the axes, which may be symbolic and negative, name it.
    static List<Dim> named(List<Dim> axes, int rank) {
        var result = new ArrayList<Dim>();
        for (int axis = 0; axis < rank; axis++) {
            var truths = new ArrayList<Dim>();
            for (var named : axes) {
                truths.add(names(named, axis, rank));
            }
            result.add(any(truths));
        }
        return result;
    }

    /// Whether one such number names an axis.
    static Dim names(Dim named, int axis, int rank) {
        return equal(named, Dim.of(axis)).plus(equal(named, Dim.of((long) axis - rank)));
    }

    /// What stays of a list, in order, where a truth for each says what does; `count` do.
    static List<Dim> filtered(List<Dim> dims, List<Dim> stay, int count) {
        var result = new ArrayList<Dim>();
        for (int place = 0; place < count; place++) {
            Dim dim = Dim.ZERO;
            Dim before = Dim.ZERO;
            for (int axis = 0; axis < dims.size(); axis++) {
                dim = dim.plus(
                        stay.get(axis).times(equal(before, Dim.of(place))).times(dims.get(axis)));
                before = before.plus(stay.get(axis));
            }
            result.add(dim);
        }
        return result;
    }
}
