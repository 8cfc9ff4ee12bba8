package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// The two factors of a sum of products as matrices, and their product as a nest that a matrix unit takes.
///
/// @param fits whether the unit takes a nest
record ProductFactors(NestAnalysis analysis, MachineOp.Chip machine, Predicate<NestOp.Compute> fits) {
    /// How often an element must be multiplied that is first computed into a matrix.
    private static final long REUSE = 8;
    /// Fewer products than this are no work for a unit that is started apart: those of one block.
    private static final long LEAST_WORK = 4096;

    /// The axes of a product: those for each of whose points there is one, those of one factor alone, and those of the sum.
    private record Axes(List<String> each, List<String> rows, List<String> columns, List<String> sum) {}

    /// What is multiplied: an element of a tensor, or of one that a nest computes first.
    private record Factor(Value source, List<Dim> at, Optional<NestOp.Compute> nest) {}

    Optional<SplitProducts.Factored> of(NestOp.Sum sum, ArithOp.Mul product) {
        var one = analysis.free(product.left());
        var other = analysis.free(product.right());
        if (!one.containsAll(sum.over()) || !other.containsAll(sum.over())) {
            return Optional.empty();
        }
        var ofOne = only(one, other);
        var ofOther = only(other, one);
        if (ofOne.isEmpty() || ofOther.isEmpty()) {
            return Optional.empty();
        }
        var names = analysis.nest().axes().stream().map(Axis::name).toList();
        boolean swapped = names.indexOf(ofOne.getLast()) > names.indexOf(ofOther.getLast());
        var rows = swapped ? ofOther : ofOne;
        // What is outside of the rows is a matrix for each point, as batches of pictures are.
        var columns = (swapped ? ofOne : ofOther).stream()
                .filter(name -> names.indexOf(name) > names.indexOf(rows.getLast()))
                .toList();
        var each = names.stream()
                .filter(name -> !rows.contains(name) && !columns.contains(name) && !sum.over().contains(name))
                .filter(name -> one.contains(name) || other.contains(name))
                .toList();
        var left = swapped ? product.right() : product.left();
        var right = swapped ? product.left() : product.right();
        return products(sum, left, right, new Axes(each, rows, columns, sum.over()));
    }

    private List<String> only(Set<String> axes, Set<String> others) {
        return analysis.nest().axes().stream()
                .map(Axis::name)
                .filter(name -> axes.contains(name) && !others.contains(name))
                .toList();
    }

    /// With as little copied as can be.
    private Optional<SplitProducts.Factored> products(NestOp.Sum sum, Value left, Value right, Axes axes) {
        var whole = points(axes.rows()) * points(axes.columns()) * points(axes.sum());
        var direct = read(left).flatMap(one -> read(right).flatMap(other -> product(sum, one, other, axes, false)));
        if (direct.isPresent() || whole < LEAST_WORK) {
            return direct;
        }
        var lefts = new ArrayList<Factor>();
        var rights = new ArrayList<Factor>();
        read(left).ifPresent(lefts::add);
        read(right).ifPresent(rights::add);
        if (points(axes.columns()) >= REUSE) {
            lefts.add(computed(left, axes, axes.rows(), axes.sum()));
        }
        if (points(axes.rows()) >= REUSE) {
            rights.add(computed(right, axes, axes.sum(), axes.columns()));
            rights.add(computed(right, axes, axes.columns(), axes.sum()));
            // A step of a few elements is no hindrance: what is between comes along.
            if (walksAlong(right, axes.sum(), 1) && !walksAlong(right, axes.columns(), machine.alignment())) {
                Collections.swap(rights, rights.size() - 1, rights.size() - 2);
            }
        }
        for (var one : lefts) {
            for (var other : rights) {
                var found = product(sum, one, other, axes, true);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    private long points(List<String> axes) {
        return axes.stream().mapToLong(analysis::estimate).reduce(1, (a, b) -> Math.min(a * b, 1L << 40));
    }

    private Optional<Factor> read(Value value) {
        var stripped = stripped(value);
        return analysis.definition(stripped) instanceof NestOp.Read read && read.indices().isEmpty()
                ? Optional.of(new Factor(read.source(), read.at(), Optional.empty()))
                        .filter(_ -> read.otherwise() == NestOp.Otherwise.PROVEN)
                : Optional.empty();
    }

    /// The value before it was converted to what is summed, if the unit takes it so.
    private Value stripped(Value value) {
        return analysis.definition(value) instanceof ArithOp.Cast cast
                        && MatrixProduct.has(machine, MatrixProduct.UNIT + cast.operand().type().elementType().text())
                ? cast.operand()
                : value;
    }

    /// Whether neighbours along the innermost of some axes are neighbours in what a value is read from, or less than so many bytes
    /// from each other.
    private boolean walksAlong(Value value, List<String> axes, long bytes) {
        return slice(stripped(value)).stream().anyMatch(op -> {
            if (!(op instanceof NestOp.Read read) || read.at().isEmpty()) {
                return false;
            }
            long step = NestAnalysis.stride(read.at().getLast(), axes.getLast()).orElse(0);
            return step == 1 || step > 1 && step * read.source().type().elementType().bits() / 8 < bytes;
        });
    }

    /// What a value is made of, in order.
    private List<Op> slice(Value value) {
        Set<Value> needed = Collections.newSetFromMap(new IdentityHashMap<>());
        needed.add(value);
        var slice = new ArrayList<Op>();
        for (var op : analysis.nest().body().ops().reversed()) {
            if (OpSchema.results(op).stream().anyMatch(needed::contains)) {
                needed.addAll(OpSchema.operands(op));
                slice.addFirst(op);
            }
        }
        return slice;
    }

    /// A nest that computes a factor into a matrix, once for each point of those axes that there is a product for.
    private Factor computed(Value value, Axes axes, List<String> rows, List<String> across) {
        var wanted = stripped(value);
        var rewriter = new Rewriter();
        var body = new ArrayList<Op>();
        var slice = slice(wanted);
        slice.forEach(op -> body.add(rewriter.clone(op)));
        var free = analysis.free(wanted);
        var order = new ArrayList<>(axes.each());
        order.addAll(rows);
        order.addAll(across);
        order.removeIf(name -> !free.contains(name));
        var outer = order.stream().filter(name -> !across.contains(name)).toList();
        var to = new ArrayList<>(outer.stream().map(Dim::symbol).toList());
        var dims = new ArrayList<>(outer.stream().map(analysis::extent).toList());
        var points = Dim.product(across.stream().map(analysis::extent).toList());
        if (points.modulo(MatrixProduct.BLOCK).isConstant(0)) {
            across.forEach(name -> to.add(Dim.symbol(name)));
            across.forEach(name -> dims.add(analysis.extent(name)));
        } else {
            // Rows begin where blocks of memory do, so that cores can divide them.
            to.add(linear(across));
            dims.add(MatrixProduct.padded(points));
        }
        body.add(new NestOp.Yield(List.of(rewriter.map(wanted)), List.of(), List.of(to)));
        var named = new LinkedHashSet<>(order);
        slice.forEach(op -> SplitProducts.addAxes(op, named));
        var all = new ArrayList<>(order.stream().map(this::axis).toList());
        analysis.nest().axes().stream()
                .filter(axis -> named.contains(axis.name()) && !order.contains(axis.name()))
                .forEach(all::add);
        var type = Type.tensor(wanted.type().elementType(), dims);
        var nest = new NestOp.Compute(
                SplitProducts.inputs(analysis.nest(), body),
                List.of(),
                all,
                analysis.nest().origin(),
                new Body(List.of(), body),
                List.of(Value.of(type, "factor")));
        return new Factor(nest.results().getFirst(), to, Optional.of(nest));
    }

    private Axis axis(String name) {
        return new Axis(name, analysis.extent(name));
    }

    /// The product as a nest, if the unit takes it: into the nest's own result where that is nothing else, else into a tensor
    /// with room for whole blocks of columns.
    private Optional<SplitProducts.Factored> product(NestOp.Sum sum, Factor left, Factor right, Axes axes, boolean worth) {
        if (left.source().type().elementType() != right.source().type().elementType()) {
            return Optional.empty();
        }
        var nest = analysis.nest();
        var ends = analysis.terminator();
        boolean alone = nest.into().isEmpty()
                && nest.results().size() == 1
                && ends.indices().isEmpty()
                && ends.values().getFirst() == sum.result();
        if (alone) {
            var own = product(sum, left, right, axes, ends.to().getFirst(), nest.results().getFirst());
            if (fits.test(own)) {
                return Optional.of(new SplitProducts.Factored(sum, nests(left, right, own), List.of(), true));
            }
        }
        var columns = Dim.product(axes.columns().stream().map(analysis::extent).toList());
        boolean whole = columns.modulo(MatrixProduct.BLOCK).isConstant(0);
        if (!whole && !worth && points(axes.rows()) * points(axes.columns()) * points(axes.sum()) < LEAST_WORK) {
            return Optional.empty();
        }
        var at = new ArrayList<Dim>();
        var dims = new ArrayList<Dim>();
        for (var names : List.of(axes.each(), axes.rows())) {
            names.forEach(name -> at.add(Dim.symbol(name)));
            names.forEach(name -> dims.add(analysis.extent(name)));
        }
        at.add(linear(axes.columns()));
        dims.add(MatrixProduct.padded(columns));
        var type = Type.tensor(sum.result().type().elementType(), dims);
        var own = product(sum, left, right, axes, at, Value.of(type, "product"));
        return fits.test(own)
                ? Optional.of(new SplitProducts.Factored(sum, nests(left, right, own), at, false))
                : Optional.empty();
    }

    private Dim linear(List<String> axes) {
        Dim index = Dim.ZERO;
        for (var name : axes) {
            index = index.times(analysis.extent(name)).plus(Dim.symbol(name));
        }
        return index;
    }

    private static List<NestOp.Compute> nests(Factor left, Factor right, NestOp.Compute product) {
        var nests = new ArrayList<NestOp.Compute>();
        left.nest().ifPresent(nests::add);
        right.nest().ifPresent(nests::add);
        nests.add(product);
        return nests;
    }

    private NestOp.Compute product(NestOp.Sum sum, Factor left, Factor right, Axes axes, List<Dim> to, Value result) {
        var body = new ArrayList<Op>();
        var summed = sum.result().type();
        var multiplied = Value.of(summed);
        body.add(new ArithOp.Mul(element(left, summed, body), element(right, summed, body), multiplied));
        var total = Value.of(summed);
        body.add(new NestOp.Sum(multiplied, sum.over(), total));
        body.add(new NestOp.Yield(List.of(total), List.of(), List.of(to)));
        var all = new ArrayList<Axis>();
        for (var names : List.of(axes.each(), axes.rows(), axes.columns(), axes.sum())) {
            names.forEach(name -> all.add(axis(name)));
        }
        var inputs = left.source() == right.source() ? List.of(left.source()) : List.of(left.source(), right.source());
        return new NestOp.Compute(
                inputs, List.of(), all, analysis.nest().origin(), new Body(List.of(), body), List.of(result));
    }

    private static Value element(Factor factor, Type summed, List<Op> body) {
        var read = Value.of(Type.scalar(factor.source().type().elementType()));
        body.add(new NestOp.Read(
                factor.source(), List.of(), Optional.empty(), factor.at(), NestOp.Otherwise.PROVEN, read));
        if (read.type().equals(summed)) {
            return read;
        }
        var converted = Value.of(summed);
        body.add(new ArithOp.Cast(read, converted));
        return converted;
    }
}
