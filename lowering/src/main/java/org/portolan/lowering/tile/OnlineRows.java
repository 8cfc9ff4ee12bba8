package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;

/// A nest whose rows can be gone along once: sums of products make a row of scores, the exponentials of their distances from the
/// largest of them are summed, alone and times other factors, and none of it is needed twice. Attention is such a nest.
///
/// ```
/// s[row, key] = sum over deep of left[row, deep] * right[key, deep]
/// w[row, key] = exp(z(s) - max over key of z(s))
/// o[row, column] = sum over key of w * factor[key, column]
/// ```
///
/// @param scores the sum that makes a score
/// @param maximum the largest of what becomes of the scores
/// @param product the sum of the weights times {@code factor}
/// @param rescaled other sums over the row that grow with the exponentials
/// @param plain reductions over the row that do not depend on the maximum
/// @param left what the scores are made of for a row
/// @param right what the scores are made of for a key
/// @param weight the exponential, narrow as it is multiplied
record OnlineRows(
        String row,
        String key,
        String deep,
        String column,
        Reduction scores,
        Reduction maximum,
        Reduction product,
        List<Reduction> rescaled,
        List<Reduction> plain,
        Value left,
        Value right,
        Value weight,
        Value factor) {

    static Optional<OnlineRows> match(NestAnalysis analysis) {
        return sums(analysis).flatMap(sums -> new Matcher(analysis).place(sums));
    }

    /// What is reduced over a row, whatever axes it lies along.
    ///
    /// @param score what the maximum is of
    record Sums(
            Value exponential,
            Value score,
            String key,
            Reduction scores,
            Reduction maximum,
            Reduction product,
            List<Reduction> rescaled,
            List<Reduction> plain) {}

    /// Whether a reduction gives the largest of one value.
    static boolean isMaximum(Reduction reduction) {
        return !reduction.isSum()
                && reduction.values().size() == 1
                && reduction.combiner().ops().size() == 2
                && reduction.combiner().ops().getFirst() instanceof ArithOp.Max;
    }

    static Optional<Sums> sums(NestAnalysis analysis) {
        boolean possible = analysis.nest().into().isEmpty()
                && analysis.terminator().indices().isEmpty()
                && analysis.reads().stream().noneMatch(read -> read.otherwise() == NestOp.Otherwise.ERROR)
                && analysis.reductions().stream().allMatch(reduction -> reduction.over().size() == 1);
        return possible ? new Matcher(analysis).sums() : Optional.empty();
    }

    private record Matcher(NestAnalysis analysis) {

        Optional<Sums> sums() {
            for (var op : analysis.nest().body().ops()) {
                if (op instanceof ArithOp.Exp exp
                        && analysis.definition(exp.operand()) instanceof ArithOp.Sub distance
                        && maximum(distance.right()) instanceof Reduction maximum
                        && maximum.values().getFirst() == distance.left()) {
                    return sums(exp.result(), distance.left(), maximum);
                }
            }
            return Optional.empty();
        }

        /// The reduction that gives the largest of a row, if the value is one.
        private Reduction maximum(Value value) {
            // Where that is minus infinity, a distance may be taken from 0.
            if (analysis.definition(value) instanceof ArithOp.Select select
                    && isConstant(select.yes(), 0)
                    && analysis.definition(select.condition()) instanceof ArithOp.Compare compare
                    && compare.relation() == Relation.EQUAL
                    && compare.left() == select.no()
                    && isConstant(compare.right(), Double.NEGATIVE_INFINITY)) {
                return maximum(select.no());
            }
            var reduction = analysis.definition(value) == null ? null : analysis.reduction(analysis.definition(value));
            return reduction != null && isMaximum(reduction) ? reduction : null;
        }

        private boolean isConstant(Value value, double wanted) {
            return analysis.definition(value) instanceof ArithOp.Const(double number, var _) && number == wanted;
        }

        private Optional<Sums> sums(Value exponential, Value score, Reduction maximum) {
            var key = maximum.over().getFirst();
            Reduction scores = null;
            Reduction product = null;
            var rescaled = new ArrayList<Reduction>();
            var plain = new ArrayList<Reduction>();
            for (var reduction : analysis.reductions()) {
                boolean nested = analysis.free(reduction.results().getFirst()).contains(key);
                if (nested ? scores != null || !reduction.isSum() : !reduction.over().equals(List.of(key))) {
                    return Optional.empty();
                }
                if (nested) {
                    scores = reduction;
                } else if (reduction == maximum) {
                    continue;
                } else if (reduction.values().stream().noneMatch(value -> reduces(value))) {
                    plain.add(reduction);
                } else if (!reduction.isSum()) {
                    return Optional.empty();
                } else if (wide(reduction.values().getFirst()) == exponential) {
                    rescaled.add(reduction);
                } else if (product != null) {
                    return Optional.empty();
                } else {
                    product = reduction;
                }
            }
            if (scores == null || product == null || !reachesOnly(score, scores.results().getFirst())) {
                return Optional.empty();
            }
            return Optional.of(new Sums(exponential, score, key, scores, maximum, product, rescaled, plain));
        }

        private Optional<OnlineRows> place(Sums sums) {
            var exponential = sums.exponential();
            var key = sums.key();
            var scores = sums.scores();
            var product = sums.product();
            if (!(analysis.definition(product.values().getFirst()) instanceof ArithOp.Mul mul)
                    || !(analysis.definition(scores.values().getFirst()) instanceof ArithOp.Mul)) {
                return Optional.empty();
            }
            boolean first = unscaled(mul.left()) == exponential;
            if (!first && unscaled(mul.right()) != exponential) {
                return Optional.empty();
            }
            var weight = narrow(first ? mul.left() : mul.right());
            var factor = narrow(first ? mul.right() : mul.left());
            var common = analysis.commonAxes();
            var inner = new ArrayList<>(analysis.storeAxes(0));
            inner.removeAll(common);
            if (inner.size() != 1 || reduces(factor)) {
                return Optional.empty();
            }
            var column = inner.getFirst();
            var deep = scores.over().getFirst();
            OnlineRows best = null;
            for (var row : common) {
                var operands = Frontier.of(analysis, scores, deep, Set.of(row, key));
                if (operands.size() != 2
                        || best != null && analysis.estimate(best.row()) >= analysis.estimate(row)) {
                    continue;
                }
                int left = analysis.free(operands.getFirst()).contains(row) ? 0 : 1;
                var rows = new OnlineRows(
                        row, key, deep, column, scores, sums.maximum(), product, sums.rescaled(), sums.plain(),
                        operands.get(left), operands.get(1 - left), weight, factor);
                best = isPlaced(rows) ? rows : best;
            }
            return Optional.ofNullable(best);
        }

        /// Whether each operand lies along two of the axes, and no other of them.
        private boolean isPlaced(OnlineRows rows) {
            return lies(rows.left(), rows, rows.row(), rows.deep())
                    && lies(rows.right(), rows, rows.key(), rows.deep())
                    && lies(rows.weight(), rows, rows.row(), rows.key())
                    && lies(rows.factor(), rows, rows.key(), rows.column());
        }

        private boolean lies(Value value, OnlineRows rows, String one, String other) {
            var free = new ArrayList<>(analysis.free(value));
            free.retainAll(Set.of(rows.row(), rows.key(), rows.deep(), rows.column()));
            return Set.copyOf(free).equals(Set.of(one, other));
        }

        /// A value before it was converted to a wider type.
        private Value narrow(Value value) {
            return analysis.definition(value) instanceof ArithOp.Cast cast
                            && cast.operand().type().elementType().bits() <= value.type().elementType().bits()
                    ? narrow(cast.operand())
                    : value;
        }

        /// A value before all conversions between floats.
        private Value wide(Value value) {
            return analysis.definition(value) instanceof ArithOp.Cast cast
                            && cast.operand().type().elementType().isFloat()
                            && value.type().elementType().isFloat()
                    ? wide(cast.operand())
                    : value;
        }

        /// A weight before it was made smaller by a number.
        private Value unscaled(Value value) {
            var weight = wide(value);
            return analysis.definition(weight) instanceof ArithOp.Mul scaled
                            && analysis.definition(scaled.right()) instanceof ArithOp.Const
                    ? wide(scaled.left())
                    : weight;
        }

        private boolean reduces(Value value) {
            var definition = analysis.definition(value);
            return definition != null
                    && (analysis.reduction(definition) != null
                            || OpSchema.operands(definition).stream().anyMatch(this::reduces));
        }

        /// Whether a value depends on no reduction but one.
        private boolean reachesOnly(Value value, Value reduction) {
            var definition = analysis.definition(value);
            return value == reduction
                    || definition == null
                    || analysis.reduction(definition) == null
                            && OpSchema.operands(definition).stream()
                                    .allMatch(operand -> reachesOnly(operand, reduction));
        }
    }
}
