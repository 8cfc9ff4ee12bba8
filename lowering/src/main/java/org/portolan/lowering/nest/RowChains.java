package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Puts a product, the rows that its results are normalised over, and the product with these rows into one nest, so that the
/// rows never lie in memory. What a row is divided by, or replaced by, moves behind the last sum:
///
/// ```
/// sum(exp(z - max z) / total * v)  ->  sum(exp(z - max z) * v) / total
/// ```
///
/// Then a schedule can go along the row once, whatever its length, and correct the sums when the maximum grows. A row that may be
/// empty stays as it is: there the left side is 0, and the right side is not a number. The sums that are divided in the end would be
/// larger than the results by the factor `total`, which is at most the length of the row. Where the factors may be as large as a sum
/// can be, weights and `total` are therefore made smaller by a power of two beyond that length: by the largest number that a symbol
/// may stand for, or 2^31. That rounds nothing but what comes near the smallest numbers: products below 2^-126 times that length.
public final class RowChains {
    /// What a row's length is taken to be at most where it is not known.
    private static final long LONGEST = 1L << 31;
    /// Operations that are better done again than stored.
    private static final int LIGHT = 24;
    private static final int READS = 3;

    private final Predicate<NestOp.Compute> accepts;
    private final FunctionSymbols symbols;

    private RowChains(FunctionSymbols symbols, Predicate<NestOp.Compute> accepts) {
        this.symbols = symbols;
        this.accepts = accepts;
    }

    /// @param accepts whether there is a schedule for such a nest; where there is none, the three stay apart
    public static GraphOp.Function apply(GraphOp.Function function, Predicate<NestOp.Compute> accepts) {
        var chains = new RowChains(FunctionSymbols.of(function), accepts);
        return new GraphOp.Function(function.name(), function.symbols(), chains.body(function.body()));
    }

    private Body body(Body body) {
        var ops = new ArrayList<Op>(body.ops());
        ops.replaceAll(op -> op instanceof NestOp
                ? op
                : OpSchema.rebuild(op, value -> value, value -> value, this::body));
        for (int position = 0; position < ops.size(); position++) {
            if (ops.get(position) instanceof NestOp.Compute last) {
                position = join(last, ops, position);
            }
        }
        return new Body(body.params(), ops);
    }

    /// Joins the nests that end at a position; gives where the last of them stands afterwards.
    private int join(NestOp.Compute last, List<Op> ops, int position) {
        if (!last.into().isEmpty() || last.results().size() != 1) {
            return position;
        }
        for (var rows : last.inputs()) {
            int middle = producer(rows, ops, position, last);
            if (middle < 0) {
                continue;
            }
            var row = (NestOp.Compute) ops.get(middle);
            for (var scores : row.inputs()) {
                int first = producer(scores, ops, middle, row);
                if (first < 0) {
                    continue;
                }
                var found = joined(List.of(first, middle, position), ops);
                if (found.isPresent()) {
                    return replace(found.get(), ops);
                }
            }
        }
        return position;
    }

    private record Joined(NestOp.Compute nest, List<Integer> positions) {}

    /// Puts a nest in the place of those that it is made of; gives where it stands.
    private static int replace(Joined joined, List<Op> ops) {
        var positions = joined.positions().stream().sorted().toList();
        ops.set(positions.getLast(), joined.nest());
        positions.reversed().stream().skip(1).forEach(position -> ops.remove(position.intValue()));
        return positions.getLast() - positions.size() + 1;
    }

    /// The nest that three become, and with them whatever else is computed for them alone: other reductions along the rows, and
    /// what happens to the factors on the way from memory.
    private Optional<Joined> joined(List<Integer> three, List<Op> ops) {
        var row = AxisMerge.whole((NestOp.Compute) ops.get(three.get(1)), symbols);
        var last = (NestOp.Compute) ops.get(three.get(2));
        var first = AxisMerge.whole((NestOp.Compute) ops.get(three.get(0)), symbols);
        var positions = new ArrayList<>(three);
        var others = new ArrayList<NestOp.Compute>();
        for (var input : row.inputs()) {
            int other = producer(input, ops, three.get(1), row);
            if (other >= 0 && other != three.get(0) && reducesOnce((NestOp.Compute) ops.get(other))) {
                others.add(AxisMerge.whole((NestOp.Compute) ops.get(other), symbols));
                positions.add(other);
            }
        }
        var joined = withFactors(joined(first, row, others, last, three.get(2)), positions, ops);
        if (joined.isEmpty() && !others.isEmpty()) {
            joined = withFactors(joined(first, row, List.of(), last, three.get(2)), three, ops);
        }
        return joined;
    }

    private boolean reducesOnce(NestOp.Compute nest) {
        var reductions = new OpenNest(nest, 0, symbols).facts().reductions();
        return reductions.size() == 1 && NestFacts.over(reductions.getFirst()).size() == 1;
    }

    /// With as many light factors as there is a schedule for: all that there are, or one after the other.
    private Optional<Joined> withFactors(Optional<NestOp.Compute> joined, List<Integer> positions, List<Op> ops) {
        if (joined.isEmpty()) {
            return Optional.empty();
        }
        var plain = new Joined(joined.get(), positions);
        var all = plain;
        var some = plain;
        for (var input : joined.get().inputs()) {
            all = withFactor(all, input, ops).orElse(all);
            some = withFactor(some, input, ops).filter(more -> accepts.test(more.nest())).orElse(some);
        }
        return accepts.test(all.nest()) ? Optional.of(all) : Optional.of(some).filter(one -> accepts.test(one.nest()));
    }

    private Optional<Joined> withFactor(Joined joined, Value input, List<Op> ops) {
        int end = joined.positions().get(2);
        int found = -1;
        for (int i = 0; i < end; i++) {
            found = ops.get(i) instanceof NestOp.Compute nest && nest.results().equals(List.of(input)) ? i : found;
        }
        if (found < 0) {
            return Optional.empty();
        }
        var factor = (NestOp.Compute) ops.get(found);
        var open = new OpenNest(joined.nest(), end, symbols);
        boolean only = isOnlyReadBy(input, joined.positions(), ops);
        // A mask made of indices is better asked than read, whoever else reads it: then it may say where a row ends.
        if (!only && factor.body().ops().stream().noneMatch(NestOp.Index.class::isInstance)) {
            return Optional.empty();
        }
        boolean guarded = reads(open, factor).anyMatch(read -> read.otherwise() != NestOp.Otherwise.PROVEN);
        if (!isLight(factor) || isUpdated(factor, ops) || guarded) {
            return Optional.empty();
        }
        Inlining.inline(open, factor);
        Cleanup.run(open);
        var positions = new ArrayList<>(joined.positions());
        if (only) {
            positions.add(found);
        }
        return Optional.of(new Joined(open.close(), positions));
    }

    private static boolean isOnlyReadBy(Value tensor, List<Integer> positions, List<Op> ops) {
        for (int i = 0; i < ops.size(); i++) {
            if (!positions.contains(i) && uses(ops.get(i), tensor)) {
                return false;
            }
        }
        return true;
    }

    /// A few reads and simple operations: what is better done again for each block of rows than stored.
    private static boolean isLight(NestOp.Compute nest) {
        return Inlining.isPossible(nest)
                && nest.body().ops().size() <= LIGHT
                && nest.body().ops().stream().filter(NestOp.Read.class::isInstance).count() <= READS
                && nest.body().ops().stream()
                        .allMatch(op -> op instanceof NestOp.Read read && read.otherwise() == NestOp.Otherwise.PROVEN
                                || isSimple(op)
                                || op instanceof NestOp.Index
                                || op instanceof NestOp.Yield);
    }

    private static boolean isSimple(Op op) {
        boolean number = op instanceof ArithOp.Const || op instanceof ArithOp.Integer || op instanceof ArithOp.Cast;
        boolean arithmetic = op instanceof ArithOp.Mul
                || op instanceof ArithOp.Div
                || op instanceof ArithOp.Add
                || op instanceof ArithOp.Sub
                || op instanceof ArithOp.Min
                || op instanceof ArithOp.Max;
        boolean choice = op instanceof ArithOp.Compare
                || op instanceof ArithOp.Select
                || op instanceof ArithOp.And
                || op instanceof ArithOp.Or
                || op instanceof ArithOp.Not;
        return number || arithmetic || choice;
    }

    /// Where the nest stands that computes a tensor which only one other reads; -1 if there is none.
    private int producer(Value tensor, List<Op> ops, int before, NestOp.Compute reader) {
        int found = -1;
        for (int i = 0; i < ops.size(); i++) {
            var op = ops.get(i);
            if (op == reader) {
                continue;
            }
            if (i < before && op instanceof NestOp.Compute nest && nest.results().equals(List.of(tensor))) {
                found = i;
            } else if (uses(op, tensor)) {
                return -1;
            }
        }
        boolean possible = found >= 0
                && Inlining.isPossible(AxisMerge.whole((NestOp.Compute) ops.get(found), symbols))
                && !isUpdated((NestOp.Compute) ops.get(found), ops);
        return possible ? found : -1;
    }

    /// Whether something that a nest reads is updated in place, so that the nest has to stay where it is.
    private static boolean isUpdated(NestOp.Compute nest, List<Op> ops) {
        return ops.stream()
                .anyMatch(op -> op instanceof NestOp.Compute other
                        && other.into().stream().anyMatch(nest.inputs()::contains));
    }

    private static boolean uses(Op op, Value tensor) {
        return OpSchema.operands(op).contains(tensor)
                || !(op instanceof NestOp)
                        && OpSchema.bodies(op).stream()
                                .anyMatch(body -> body.ops().stream().anyMatch(inner -> uses(inner, tensor)));
    }

    private Optional<NestOp.Compute> joined(
            NestOp.Compute first, NestOp.Compute row, List<NestOp.Compute> others, NestOp.Compute last, int position) {
        boolean exponential = row.body().ops().stream().anyMatch(ArithOp.Exp.class::isInstance);
        boolean products = new OpenNest(first, position, symbols).facts().isContraction()
                && new OpenNest(last, position, symbols).facts().isContraction();
        if (!exponential || !products) {
            return Optional.empty();
        }
        var open = new OpenNest(last, position, symbols);
        boolean proven = reads(open, row).allMatch(read -> read.otherwise() == NestOp.Otherwise.PROVEN);
        if (!proven) {
            return Optional.empty();
        }
        Inlining.inline(open, row);
        for (var other : Stream.concat(Stream.of(first), others.stream()).toList()) {
            if (reads(open, other).anyMatch(read -> read.otherwise() != NestOp.Otherwise.PROVEN)) {
                return Optional.empty();
            }
            Inlining.inline(open, other);
        }
        Cleanup.run(open);
        var nested = new LinkedHashSet<String>();
        var outer = new LinkedHashSet<String>();
        for (var reduction : open.facts().reductions()) {
            var axes = NestFacts.over(reduction);
            var around = open.facts().free(OpSchema.results(reduction).getFirst());
            boolean within = around.stream().anyMatch(open.facts().reducedAxes()::contains);
            (within ? nested : outer).addAll(axes);
            if (axes.size() != 1) {
                return Optional.empty();
            }
        }
        if (!isOne(open, outer) || !isOne(open, nested)) {
            return Optional.empty();
        }
        // The sum of an empty row is 0, and would be divided by the 0 that its weights sum up to.
        if (!symbols.bounds().isLess(Dim.ZERO, open.axes().get(outer.getFirst()))) {
            return Optional.empty();
        }
        var united = unite(unite(open.close(), outer), nested);
        return new Division(new OpenNest(united, position, symbols)).moved();
    }

    private static Stream<NestOp.Read> reads(OpenNest open, NestOp.Compute of) {
        return open.facts().reads(of.results().getFirst()).stream();
    }

    /// Whether axes are the same row, over and over again.
    private static boolean isOne(OpenNest open, Set<String> axes) {
        return !axes.isEmpty()
                && axes.stream().map(open.axes()::get).distinct().count() == 1
                && open.ops().stream()
                        .flatMap(op -> OpSchema.results(op).stream())
                        .allMatch(value -> open.facts().free(value).stream()
                                        .filter(axes::contains)
                                        .count()
                                < 2);
    }

    private NestOp.Compute unite(NestOp.Compute nest, Set<String> axes) {
        return axes.size() == 1 ? nest : RowAxis.unite(nest, List.copyOf(axes), symbols.bounds());
    }

    /// Moves what happens to an exponential, once for each row, behind the sum of its products.
    private static final class Division {
        private final OpenNest nest;
        private final Set<Value> exponentials = Collections.newSetFromMap(new IdentityHashMap<>());

        private Division(OpenNest nest) {
            this.nest = nest;
        }

        private Optional<NestOp.Compute> moved() {
            for (var op : nest.ops()) {
                if (op instanceof ArithOp.Exp exp) {
                    exponentials.add(exp.result());
                }
            }
            var ops = new ArrayList<Op>();
            boolean found = false;
            for (var op : nest.ops()) {
                if (op instanceof NestOp.Sum sum
                        && nest.facts().definition(sum.value()) instanceof ArithOp.Mul product
                        && !found) {
                    var chain = new ArrayList<Op>();
                    var axis = sum.over().getFirst();
                    boolean left = chain(product.left(), axis, chain);
                    if (!left) {
                        chain.clear();
                    }
                    if (left || chain(product.right(), axis, chain)) {
                        found = true;
                        move(sum, product, left, chain, ops);
                        continue;
                    }
                }
                ops.add(op);
            }
            if (!found) {
                return Optional.empty();
            }
            nest.setBody(ops, nest.end());
            Cleanup.run(nest);
            return Optional.of(nest.close());
        }

        /// Collects what happens to an exponential on its way here, the last first; {@code false} if this is none, or something
        /// happens that cannot be done to a sum as well.
        private boolean chain(Value value, String axis, List<Op> chain) {
            if (exponentials.contains(value)) {
                return true;
            }
            var op = nest.facts().definition(value);
            if (op instanceof ArithOp.Cast cast && value.type().elementType().isFloat()) {
                chain.add(op);
                return chain(cast.operand(), axis, chain);
            }
            if (op instanceof ArithOp.Div division && isRow(division.right(), axis)) {
                chain.add(op);
                return chain(division.left(), axis, chain);
            }
            if (op instanceof ArithOp.Select select && isRow(select.condition(), axis) && isZero(select.yes())) {
                chain.add(op);
                return chain(select.no(), axis, chain);
            }
            if (op instanceof ArithOp.Select select && zeroForNone(select, axis) != null) {
                chain.add(op);
                return chain(select.no(), axis, chain);
            }
            return false;
        }

        /// The division by a sum of exponentials whose result becomes 0 where it is not a number; {@code null} if that is something
        /// else. All of a row are not, or none, since whatever makes one of its exponentials no number makes their maximum, or
        /// their sum, none.
        private ArithOp.Div zeroForNone(ArithOp.Select select, String axis) {
            boolean asked = isZero(select.yes())
                    && nest.facts().definition(select.condition()) instanceof ArithOp.Compare compare
                    && compare.relation() == Relation.NOT_EQUAL
                    && compare.left() == compare.right()
                    && compare.left() == select.no();
            return asked
                            && nest.facts().definition(converted(select.no())) instanceof ArithOp.Div division
                            && exponentials.contains(converted(division.left()))
                            && nest.facts().definition(converted(division.right())) instanceof NestOp.Sum total
                            && total.over().equals(List.of(axis))
                            && exponentials.contains(converted(total.value()))
                    ? division
                    : null;
        }

        /// What a value is converted from.
        private Value converted(Value value) {
            var current = value;
            while (nest.facts().definition(current) instanceof ArithOp.Cast cast) {
                current = cast.operand();
            }
            return current;
        }

        /// Whether a row has no sum of exponentials that is a number above 0.
        private Value hasNone(NestOp.Sum sum, ArithOp.Div division, List<Op> ops) {
            var total = as(sum, division.right(), ops);
            var zero = Value.of(total.type(), "none");
            var some = Value.of(Type.BOOL, "some");
            var none = Value.of(Type.BOOL, "none");
            ops.add(new ArithOp.Const(0, zero));
            ops.add(new ArithOp.Compare(total, zero, Relation.GREATER, some));
            ops.add(new ArithOp.Not(some, none));
            return none;
        }

        private boolean isRow(Value value, String axis) {
            return !nest.facts().free(value).contains(axis);
        }

        private boolean isZero(Value value) {
            return nest.facts().definition(value) instanceof ArithOp.Const(double number, var _) && number == 0;
        }

        private void move(NestOp.Sum sum, ArithOp.Mul product, boolean left, List<Op> chain, List<Op> ops) {
            var start = chain.isEmpty() ? left ? product.left() : product.right() : source(chain.getLast());
            var range = range(sum, start, left ? product.right() : product.left(), chain);
            var casts = casts(chain);
            int place = range.isPresent() ? place(start, casts) : -1;
            var factor = place == 0 ? times(start, range.get(), ops) : start;
            for (int i = 0; i < casts.size(); i++) {
                var copy = casts.get(i).result().copy();
                ops.add(new ArithOp.Cast(factor, copy));
                factor = place == i + 1 ? times(copy, range.get(), ops) : copy;
            }
            var term = product.result().copy();
            ops.add(left ? new ArithOp.Mul(factor, product.right(), term) : new ArithOp.Mul(product.left(), factor, term));
            var rest = chain.reversed().stream().filter(op -> !(op instanceof ArithOp.Cast)).toList();
            var current = rest.isEmpty() ? sum.result() : sum.result().copy();
            ops.add(new NestOp.Sum(term, sum.over(), current));
            for (int i = 0; i < rest.size(); i++) {
                var next = i + 1 == rest.size() ? sum.result() : sum.result().copy();
                if (rest.get(i) instanceof ArithOp.Div division) {
                    var total = as(sum, division.right(), ops);
                    ops.add(new ArithOp.Div(current, range.isPresent() ? times(total, range.get(), ops) : total, next));
                } else {
                    var select = (ArithOp.Select) rest.get(i);
                    var division = zeroForNone(select, sum.over().getFirst());
                    var none = division == null ? select.condition() : hasNone(sum, division, ops);
                    ops.add(new ArithOp.Select(none, as(sum, select.yes(), ops), current, next));
                }
                current = next;
            }
        }

        /// By what weights are made smaller so that their sum is at most 1; nothing where the factors are too small to overflow, or
        /// weights are too narrow to become smaller.
        private Optional<Double> range(NestOp.Sum sum, Value weight, Value factor, List<Op> chain) {
            boolean wide = weight.type().elementType().bits() >= 32
                    && place(weight, casts(chain)) >= 0
                    && hasRangeOf(sum.result().type().elementType(), factor);
            long divisions = chain.stream().filter(ArithOp.Div.class::isInstance).count();
            if (!wide || divisions != 1) {
                return Optional.empty();
            }
            var keys = nest.axes().get(sum.over().getFirst());
            long length = Math.min(LONGEST, nest.symbols().bounds().maximum(keys).orElse(LONGEST));
            return Optional.of(Math.scalb(1.0, -(Long.SIZE - Long.numberOfLeadingZeros(Math.max(1, length - 1)))));
        }

        /// What a weight is converted to on its way to the product, the first conversion first.
        private static List<ArithOp.Cast> casts(List<Op> chain) {
            return chain.reversed().stream()
                    .filter(ArithOp.Cast.class::isInstance)
                    .map(ArithOp.Cast.class::cast)
                    .toList();
        }

        /// Behind how many conversions a weight becomes smaller: as few as there can be so that no type behind makes nothing of it;
        /// -1 if there is no such place.
        private static int place(Value weight, List<ArithOp.Cast> casts) {
            int place = keeps(weight) ? 0 : -1;
            for (int i = 0; i < casts.size(); i++) {
                var result = casts.get(i).result();
                place = !keeps(result) ? -1 : place >= 0 ? place : i + 1;
            }
            return place;
        }

        /// Whether numbers of a value's type may be as small as those of f32.
        private static boolean keeps(Value value) {
            var element = value.type().elementType();
            return element.bits() >= 32 || element == ElementType.BF16;
        }

        /// Whether the values that a factor is made of may be as large as numbers of a type, and stay so on their way.
        private boolean hasRangeOf(ElementType element, Value factor) {
            var current = factor;
            while (nest.facts().definition(current) instanceof ArithOp.Cast cast && keeps(current)) {
                current = cast.operand();
            }
            var own = current.type().elementType();
            return own == element || own == ElementType.BF16 && element == ElementType.F32;
        }

        private static Value times(Value value, double by, List<Op> ops) {
            var constant = Value.of(value.type(), "range");
            ops.add(new ArithOp.Const(by, constant));
            var result = value.copy();
            ops.add(new ArithOp.Mul(value, constant, result));
            return result;
        }

        private static Value source(Op op) {
            if (op instanceof ArithOp.Cast cast) {
                return cast.operand();
            }
            return op instanceof ArithOp.Div division ? division.left() : ((ArithOp.Select) op).no();
        }

        private static Value as(NestOp.Sum sum, Value value, List<Op> ops) {
            if (value.type().equals(sum.result().type())) {
                return value;
            }
            var wide = Value.of(Type.scalar(sum.result().type().elementType()), value.hint());
            ops.add(new ArithOp.Cast(value, wide));
            return wide;
        }
    }
}
