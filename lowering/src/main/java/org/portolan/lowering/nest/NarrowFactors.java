package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.lowering.tile.FactorTypes;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The work of {@link IntegerProducts} in one body.
final class NarrowFactors {
    /// Fewer rows, columns or products of a sum than this are no work for an instruction on matrices.
    private static final double LEAST = 8;
    /// So many products must share a sum of factors that is computed in each run, for its sake alone.
    private static final double LEAST_SHARED = 16;

    private final List<FactorTypes> types;
    private final FunctionSymbols symbols;
    private final KnownTensors known = new KnownTensors();
    private final List<Op> out = new ArrayList<>();
    private final NarrowTensors tensors = new NarrowTensors(known, out);
    private final Map<Sums, Value> sums = new HashMap<>();

    /// What a factor's narrow tensor is summed over; values are compared by identity.
    private record Sums(Value tensor, List<Axis> axes, List<Dim> at, List<String> over, boolean differences) {}

    NarrowFactors(List<FactorTypes> types, FunctionSymbols symbols) {
        this.types = types;
        this.symbols = symbols;
    }

    Body run(Body body) {
        for (var op : body.ops()) {
            known.add(op);
            if (!(op instanceof NestOp.Compute nest) || !rewrite(nest)) out.add(op);
        }
        return new Body(body.params(), withoutUnused(out));
    }

    /// A sum of products, whose factors an instruction may take then.
    ///
    /// @param swapped whether the left one stood on the right
    private record Product(
            NestOp.Compute nest,
            NestFacts facts,
            NestOp.Sum sum,
            NarrowFactor left,
            NarrowFactor right,
            boolean swapped,
            FactorTypes type) {

        /// As they stood, whichever of them an instruction takes on which side.
        List<NarrowFactor> factors() {
            return swapped ? List.of(right, left) : List.of(left, right);
        }

        /// What is computed in each run besides the product, roughly.
        int cost() {
            return cost(left, right) + cost(right, left);
        }

        private static int cost(NarrowFactor factor, NarrowFactor other) {
            boolean isKnown = factor.elements() != null;
            int turned = factor.shift() == 0 ? 0 : 1;
            int conversion = isKnown || factor.isThere() ? 0 : factor.producer() != null ? turned : 2;
            return conversion + (!other.hasOffset() ? 0 : isKnown ? 1 : 4);
        }

        boolean isNothingNew() {
            return isAsItWas(left) && isAsItWas(right);
        }

        private boolean isAsItWas(NarrowFactor factor) {
            return factor.isThere() && !factor.hasOffset() && NarrowTensors.isAsBefore(order(factor));
        }

        /// Instructions on vector registers want panels, which are laid out later.
        List<Integer> order(NarrowFactor factor) {
            return factor.order(type.panels() ? List.of() : sum.over());
        }
    }

    /// Rewrites the product that a nest sums, if an instruction may take it then.
    private boolean rewrite(NestOp.Compute nest) {
        var reductions = nest.body().ops().stream()
                .filter(op -> op instanceof NestOp.Sum || op instanceof NestOp.Reduce)
                .toList();
        if (reductions.size() != 1 || !nest.into().isEmpty() || !(reductions.getFirst() instanceof NestOp.Sum sum)) {
            return false;
        }
        var scalars = NestScalars.of(nest);
        if (!(scalars.definition(sum.value()) instanceof ArithOp.Mul product)
                || !isScaled(sum) && types.stream().noneMatch(type -> sum.result().type().elementType() == type.sum())) {
            return false;
        }
        var facts = new OpenNest(nest, 0, symbols).facts();
        Product best = null;
        for (var type : types) {
            for (boolean swapped : List.of(false, true)) {
                var found = product(nest, facts, scalars, sum, product, swapped, type);
                if (found == null) continue;
                // Instructions on vector registers are taken in the order of the machine's file.
                if (type.panels() && best == null) return rewrite(found);
                if (best == null || found.cost() < best.cost()) best = found;
            }
        }
        return best != null && !best.isNothingNew() && rewrite(best);
    }

    /// Whether factors are integers times a scale, which may be multiplied by what is the same for all that is summed.
    private static boolean isScaled(NestOp.Sum sum) {
        return sum.result().type().elementType() == ElementType.F32;
    }

    private Product product(
            NestOp.Compute nest,
            NestFacts facts,
            NestScalars scalars,
            NestOp.Sum sum,
            ArithOp.Mul product,
            boolean swapped,
            FactorTypes type) {
        var left = swapped ? product.right() : product.left();
        var right = swapped ? product.left() : product.right();
        boolean scaled = isScaled(sum);
        if (!scaled && sum.result().type().elementType() != type.sum()) return null;
        var over = sum.over();
        var ofRight = NarrowFactor.known(scalars, right, type.right(), !type.panels(), scaled, over, known);
        if (ofRight.isEmpty() && !type.panels()) {
            ofRight = NarrowFactor.computed(scalars, right, type.right(), scaled, over, known);
        }
        if (ofRight.isEmpty()) return null;
        var ofLeft = type.panels()
                ? Optional.<NarrowFactor>empty()
                : NarrowFactor.known(scalars, left, type.left(), true, scaled, over, known);
        if (ofLeft.isEmpty()) ofLeft = NarrowFactor.computed(scalars, left, type.left(), scaled, over, known);
        if (ofLeft.isEmpty()) return null;
        var found = new Product(nest, facts, sum, ofLeft.get(), ofRight.get(), swapped, type);
        boolean summable = (!found.left().hasOffset() || canSum(found, found.right()))
                && (!found.right().hasOffset() || canSum(found, found.left()));
        return summable
                        && (!scaled || fits(found))
                        && (type.panels() || isWorthIt(found, facts.free(left), facts.free(right)))
                ? found
                : null;
    }

    /// Whether no sum of scaled integers is too large: integers wrap around, floating-point numbers do not.
    private boolean fits(Product product) {
        double most = product.left().range(known).magnitude() * product.right().range(known).magnitude();
        for (var axis : product.nest().axes()) {
            if (!product.sum().over().contains(axis.name())) continue;
            var count = symbols.bounds().maximum(axis.extent());
            if (count.isEmpty()) return false;
            most *= count.getAsLong();
        }
        return most <= Range.of(product.type().sum()).most();
    }

    /// Whether a factor varies along all that is summed, and how often is known where its sums are to be.
    private static boolean canSum(Product product, NarrowFactor factor) {
        var axes = new HashSet<String>();
        factor.read().at().forEach(index -> axes.addAll(index.symbols()));
        return axes.containsAll(product.sum().over())
                && (!product.type().panels()
                        || product.nest().axes().stream()
                                .allMatch(axis -> !axes.contains(axis.name()) || axis.extent().isConstant()));
    }

    /// Whether a nest is a product of matrices, large enough for an instruction on them.
    private static boolean isWorthIt(Product product, Set<String> left, Set<String> right) {
        var rows = new HashSet<>(left);
        rows.removeAll(right);
        var columns = new HashSet<>(right);
        columns.removeAll(left);
        var facts = product.facts();
        double height = facts.estimate(rows);
        double width = facts.estimate(columns);
        return left.containsAll(product.sum().over())
                && right.containsAll(product.sum().over())
                && Math.min(height, width) >= LEAST
                && facts.estimate(Set.copyOf(product.sum().over())) >= LEAST
                && isShared(product.left(), product.right(), height)
                && isShared(product.right(), product.left(), width);
    }

    /// Whether sums of a factor, which the other one's offset is multiplied by, are known or shared by many products.
    private static boolean isShared(NarrowFactor offset, NarrowFactor summed, double readers) {
        return !offset.hasOffset() || summed.elements() != null || readers >= LEAST_SHARED;
    }

    /// `sum (a - p) * (b - q) = sum a * b - p * sum (b - q) - q * sum a`, where `a` and `b` are the narrow elements.
    private boolean rewrite(Product product) {
        var left = product.left();
        var right = product.right();
        var nest = product.nest();
        var sum = product.sum();
        var ofRight = tensors.of(right, product.order(right));
        var ofLeft = tensors.of(left, product.order(left));
        var differences = left.hasOffset() ? sums(product, right, ofRight, true) : null;
        var elements = right.hasOffset() ? sums(product, left, ofLeft, false) : null;
        var open = new OpenNest(nest, 0, symbols);
        var ops = new ArrayList<Op>();
        var inputs = new ArrayList<Value>();
        var rewriter = new Rewriter();
        for (var op : open.ops()) {
            if (op != sum) {
                ops.add(rewriter.copy(op));
                continue;
            }
            var type = product.type();
            var multiplied = Value.of(Type.scalar(type.sum()), "p");
            var one = NarrowTensors.cast(left.element(ofLeft, ops, inputs), type.sum(), ops);
            var other = NarrowTensors.cast(right.element(ofRight, ops, inputs), type.right(), ops);
            ops.add(new ArithOp.Mul(one, NarrowTensors.cast(other, type.sum(), ops), multiplied));
            var total = Value.of(multiplied.type(), sum.result().hint());
            ops.add(new NestOp.Sum(multiplied, sum.over(), total));
            if (differences != null) total = less(total, left.offset(ops, inputs), differences, ops);
            if (elements != null) total = less(total, right.offset(ops, inputs), elements, ops);
            total = NarrowTensors.cast(total, sum.result().type().elementType(), ops);
            // In one order on every machine, for the same roundings.
            for (var factor : product.factors()) {
                if (factor.scale() == null) continue;
                var scaled = sum.result().copy();
                ops.add(new ArithOp.Mul(total, factor.scale().copy(ops, inputs, factor.places()), scaled));
                total = scaled;
            }
            rewriter.replace(sum.result(), total);
        }
        open.setBody(ops, (NestOp.Yield) rewriter.copy(open.end()));
        Cleanup.run(open);
        var closed = open.close();
        known.add(closed); // after what it reads now
        out.add(closed);
        return true;
    }

    /// A tensor of sums, and where the product reads it.
    private record Read(Value tensor, List<Dim> at) {}

    private static Value less(Value total, Value offset, Read sums, List<Op> ops) {
        var sum = total.copy();
        var excess = total.copy();
        var corrected = total.copy();
        ops.add(new NestOp.Read(sums.tensor(), List.of(), Optional.empty(), sums.at(), Otherwise.PROVEN, sum));
        ops.add(new ArithOp.Mul(offset, sum, excess));
        ops.add(new ArithOp.Sub(total, excess, corrected));
        return corrected;
    }

    /// The sums of a factor over what the product sums, along the other axes of the nest that it lies along.
    ///
    /// @param differences whether its offset is subtracted first
    private Read sums(Product product, NarrowFactor factor, NarrowTensors.Narrow tensor, boolean differences) {
        var nest = product.nest();
        var sum = product.sum();
        boolean subtracts = differences && factor.hasOffset();
        var named = new HashSet<String>();
        factor.read().at().forEach(index -> named.addAll(index.symbols()));
        if (subtracts) named.addAll(factor.offsetSymbols());
        var axes = nest.axes().stream().filter(axis -> named.contains(axis.name())).toList();
        var kept = axes.stream().filter(axis -> !sum.over().contains(axis.name())).toList();
        var at = kept.stream().map(axis -> Dim.symbol(axis.name())).toList();
        boolean plain = factor.read().otherwise() == Otherwise.PROVEN && (!subtracts || factor.bytes() == null);
        var key = new Sums(tensor.tensor(), axes, factor.read().at(), sum.over(), subtracts);
        if (plain && sums.get(key) instanceof Value existing) return new Read(existing, at);
        var type = Type.scalar(product.type().sum());
        var total = Value.of(type, "s");
        var result = Value.of(
                new Type.Tensor(type.elementType(), kept.stream().map(Axis::extent).toList()),
                factor.read().source().hint() + "_sums");
        var ops = new ArrayList<Op>();
        var inputs = new ArrayList<Value>();
        var element = NarrowTensors.cast(factor.element(tensor, ops, inputs), type.elementType(), ops);
        if (subtracts) {
            var difference = Value.of(type, "d");
            ops.add(new ArithOp.Sub(element, factor.offset(ops, inputs), difference));
            element = difference;
        }
        ops.add(new NestOp.Sum(element, sum.over(), total));
        ops.add(new NestOp.Yield(List.of(total), List.of(), List.of(at)));
        tensors.addFolded(new NestOp.Compute(
                inputs, List.of(), axes, nest.origin(), new Body(List.of(), ops), List.of(result)));
        if (plain) sums.put(key, result);
        return new Read(result, at);
    }

    // ------------------------------------------------------------------------------------------------ what is left over

    /// Without the results of nests, and without the constants, that nobody needs now.
    private List<Op> withoutUnused(List<Op> ops) {
        var used = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        var kept = new ArrayList<Op>();
        for (var op : ops.reversed()) {
            if (op instanceof GraphOp.Constant constant && !used.contains(constant.result())) continue;
            var needed = op;
            if (op instanceof NestOp.Compute nest && nest.into().isEmpty()) {
                needed = needed(nest, used);
                if (needed == null) continue;
            }
            use(needed, used);
            kept.add(needed);
        }
        return kept.reversed();
    }

    private static void use(Op op, Set<Value> used) {
        used.addAll(OpSchema.operands(op));
        for (var body : OpSchema.bodies(op)) body.ops().forEach(inner -> use(inner, used));
    }

    /// The nest with the results that are used alone; null if none is.
    private Op needed(NestOp.Compute nest, Set<Value> used) {
        if (used.containsAll(nest.results())) return nest;
        var end = NarrowFactor.end(nest);
        var results = new ArrayList<Value>();
        var values = new ArrayList<Value>();
        var to = new ArrayList<List<Dim>>();
        for (int i = 0; i < nest.results().size(); i++) {
            if (!used.contains(nest.results().get(i))) continue;
            results.add(nest.results().get(i));
            values.add(end.values().get(i));
            to.add(end.to().get(i));
        }
        if (results.isEmpty()) return null;
        var ops = new ArrayList<>(nest.body().ops());
        ops.set(ops.size() - 1, new NestOp.Yield(values, end.indices(), to));
        var open = new OpenNest(
                new NestOp.Compute(
                        nest.inputs(), nest.into(), nest.axes(), nest.origin(), new Body(nest.body().params(), ops), results),
                0,
                symbols);
        Cleanup.run(open);
        return open.close();
    }
}
