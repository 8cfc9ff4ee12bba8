package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.portolan.ir.Body;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimitException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes `graph` operations. Where all elements of the inputs are known, so are those of the result, and nothing is
/// written: chains of shape arithmetic settle here.
final class GraphWriter {
    private final Symbols symbols;
    private final long tensorBytes;
    private Block block;
    private String hint = "";

    GraphWriter(Symbols symbols, long tensorBytes, Block block) {
        this.symbols = symbols;
        this.tensorBytes = tensorBytes;
        this.block = block;
    }

    Symbols symbols() {
        return symbols;
    }

    Block block() {
        return block;
    }

    /// Writes into another block from now on; gives the one before.
    Block enter(Block inner) {
        var before = block;
        block = inner;
        return before;
    }

    /// What results are called from now on.
    void hint(String name) {
        hint = name;
    }

    /// A fresh value for a result, after a check of its size.
    Value fresh(ElementType element, List<Dim> dims) {
        var type = Type.tensor(element, dims);
        checkSize(type);
        return Value.of(type, hint);
    }

    private void checkSize(Type.Tensor type) {
        long bytes;
        try {
            for (var dim : type.dims()) {
                if (dim.constant().orElse(0) < 0) {
                    throw new OnnxException("a negative extent in " + type);
                }
            }
            bytes = type.elements().isConstant()
                    ? type.element().bytes(type.elements().constant().getAsLong())
                    : 0;
        } catch (ArithmeticException e) {
            bytes = Long.MAX_VALUE;
        }
        if (bytes > tensorBytes) {
            throw new OnnxLimitException("tensorBytes", tensorBytes, "A tensor of type " + type);
        }
    }

    private static Operand of(Value value) {
        return Operand.of(value);
    }

    // Constants.

    Operand known(ElementType element, List<Dim> dims, List<Element> elements) {
        checkSize(Type.tensor(element, dims));
        return Operand.known(element, dims, elements, hint, block);
    }

    Operand scalar(ElementType element, double value) {
        return known(
                element, List.of(), List.of(element.isFloat() ? new Element.Real(value) : Element.of((long) value)));
    }

    /// One number for every element.
    Operand filled(ElementType element, List<Dim> dims, double value) {
        return broadcast(scalar(element, value), dims);
    }

    /// A tensor of rank 1 that holds extents.
    Operand extents(ElementType element, List<Dim> values) {
        return known(
                element,
                Dim.list(values.size()),
                values.stream().<Element>map(Element.Whole::new).toList());
    }

    Operand extent(Dim value) {
        return known(ElementType.I64, List.of(), List.of(new Element.Whole(value)));
    }

    // Extents.

    /// The elements of a small integer tensor as numbers: those that are known, else symbols that the run binds.
    List<Dim> bind(Operand input) {
        if (!input.element().isInteger()) {
            throw new OnnxException("expected integers in '%s', found %s".formatted(input.hint(), input.type()));
        }
        if (input.elements().isPresent()) {
            return input.elements().get().stream().map(Elements::dim).toList();
        }
        long count = input.type().elements().constant().orElse(-1);
        if (count < 0 || count > Operand.TRACKED) {
            throw new Unsupported("'%s' gives extents, but how many is known only at run time: give the shape of the"
                            .formatted(input.hint())
                    + " inputs when compiling");
        }
        var names = new ArrayList<String>();
        for (long i = 0; i < count; i++) {
            names.add(symbols.bound());
        }
        block.add(new GraphOp.Bind(input.value(), names));
        return names.stream().map(Dim::symbol).toList();
    }

    Dim bindScalar(Operand input) {
        var all = bind(input);
        if (all.size() != 1) {
            throw new OnnxException("expected one number in '%s', found %d".formatted(input.hint(), all.size()));
        }
        return all.getFirst();
    }

    /// Numbers of at least 0, with what is computed from data bound to symbols of its own: expressions over data must
    /// not grow from operator to operator.
    List<Dim> settled(List<Dim> dims) {
        var open = dims.stream()
                .filter(dim -> dim.symbolName().isEmpty() && DimLogic.isBound(dim))
                .distinct()
                .toList();
        if (open.isEmpty()) {
            return dims;
        }
        var names = open.stream().map(dim -> symbols.size()).toList();
        block.add(new GraphOp.Bind(extents(ElementType.I64, open).value(), names));
        return dims.stream()
                .map(dim -> open.contains(dim) ? Dim.symbol(names.get(open.indexOf(dim))) : dim)
                .toList();
    }

    /// Numbers of either sign that are computed from data, each bound to a symbol of its own.
    List<Dim> bound(List<Dim> numbers) {
        var names = numbers.stream().map(number -> symbols.bound()).toList();
        block.add(new GraphOp.Bind(extents(ElementType.I64, numbers).value(), names));
        return names.stream().map(Dim::symbol).toList();
    }

    Dim settled(Dim dim) {
        return settled(List.of(dim)).getFirst();
    }

    /// For each axis of a rank, whether the axes name it: 1 or 0.
    List<Dim> named(List<Dim> axes, int rank) {
        return settled(DimLogic.named(axes, rank));
    }

    /// Demands that two extents are equal; gives the one to go on with.
    Dim equal(Dim left, Dim right, String what) {
        if (left.equals(right)) {
            return left;
        }
        if (left.minus(right) instanceof Dim.Constant) {
            throw new OnnxException("%s: extents %s and %s differ".formatted(what, left, right));
        }
        if (!(block.isOutermost() && symbols.learn(left, right))) {
            block.check(left, Relation.EQUAL, right, what + ": extents must be equal");
        }
        return right.isConstant() ? right : left;
    }

    void check(Dim left, Relation relation, Dim right, String what) {
        var difference = left.minus(right);
        if (difference instanceof Dim.Constant(long value)) {
            if (!DimLogic.holds(value, relation)) {
                throw new OnnxException("%s, found %s and %s".formatted(what, left, right));
            }
            return;
        }
        block.check(left, relation, right, what);
    }

    /// The extents that several operands have together by numpy's rule. Two different symbolic extents that meet are
    /// taken to be equal, which the run checks.
    List<Dim> together(List<Operand> operands, String what) {
        int rank = operands.stream().mapToInt(Operand::rank).max().orElse(0);
        var dims = new ArrayList<>(Collections.nCopies(rank, Dim.ONE));
        for (var operand : operands) {
            int lead = rank - operand.rank();
            for (int axis = 0; axis < operand.rank(); axis++) {
                dims.set(axis + lead, together(dims.get(axis + lead), operand.dim(axis), what));
            }
        }
        return dims;
    }

    private Dim together(Dim left, Dim right, String what) {
        if (left.isConstant(1) || left.equals(right)) {
            return right;
        }
        if (right.isConstant(1)) {
            return left;
        }
        if (left.isConstant() && right.isConstant()) {
            throw new OnnxException("%s: extents %s and %s do not broadcast".formatted(what, left, right));
        }
        if (left.isConstant() || right.isConstant()) {
            var number = left.isConstant() ? left : right;
            var symbolic = left.isConstant() ? right : left;
            block.check(
                    symbolic.minus(1).times(symbolic.minus(number)),
                    Relation.EQUAL,
                    Dim.ZERO,
                    "%s: an extent must be 1 or %s".formatted(what, number));
            return number;
        }
        return equal(left, right, what);
    }

    // Views.

    /// The same elements under other extents; where they are numbers and symbols that need not be as many, the run checks it.
    Operand reshape(Operand x, List<Dim> wanted) {
        var dims = settled(wanted);
        if (x.dims().equals(dims)) {
            return x;
        }
        if (dims.stream().allMatch(DimLogic::isSimple) && x.dims().stream().allMatch(DimLogic::isSimple)) {
            var what = "%s has not the elements of %s".formatted(x.type(), dims);
            check(Dim.product(dims), Relation.EQUAL, Dim.product(x.dims()), what);
        }
        if (x.elements().isPresent()) {
            return known(x.element(), dims, x.elements().get());
        }
        if (x.resource().isPresent()) {
            return Operand.constant(Type.tensor(x.element(), dims), x.resource().get(), null, hint, block);
        }
        return of(block.add(new GraphOp.Reshape(x.value(), fresh(x.element(), dims)))
                .result());
    }

    Operand transpose(Operand x, List<Integer> permutation) {
        if (IntStream.range(0, permutation.size()).allMatch(axis -> permutation.get(axis) == axis)) {
            return x;
        }
        var dims = permutation.stream().map(x::dim).toList();
        var known = rearranged(x, dims, index -> {
            var from = new long[index.length];
            for (int axis = 0; axis < index.length; axis++) {
                from[permutation.get(axis)] = index[axis];
            }
            return from;
        });
        return known.orElseGet(() -> of(block.add(new GraphOp.Transpose(
                        x.value(), permutation.stream().map(Integer::longValue).toList(), fresh(x.element(), dims)))
                .result()));
    }

    Operand broadcast(Operand x, List<Dim> wanted) {
        var dims = settled(wanted);
        if (x.dims().equals(dims)) {
            return x;
        }
        int lead = dims.size() - x.rank();
        if (!x.broadcasts(dims)) throw new OnnxException("%s does not broadcast to %s".formatted(x.type(), dims));
        for (int axis = 0; axis < x.rank(); axis++) {
            var own = x.dim(axis);
            var other = dims.get(axis + lead);
            var what = "%s does not broadcast to %s".formatted(x.type(), dims);
            if (own.isConstant() && !own.isConstant(1)) {
                check(other, Relation.EQUAL, own, what);
            } else if (DimLogic.isSimple(own) && DimLogic.isSimple(other)) { // the same, or 1
                check(own.minus(1).times(own.minus(other)), Relation.EQUAL, Dim.ZERO, what);
            }
        }
        var known = rearranged(x, dims, index -> {
            var from = new long[x.rank()];
            for (int axis = 0; axis < from.length; axis++) {
                from[axis] = x.dim(axis).isConstant(1) ? 0 : index[axis + lead];
            }
            return from;
        });
        return known.orElseGet(() -> of(block.add(new GraphOp.Broadcast(x.value(), fresh(x.element(), dims)))
                .result()));
    }

    /// Element i of an axis is the input's `start + i * step`.
    Operand slice(Operand x, List<Dim> starts, List<Dim> steps, List<Dim> wanted) {
        var dims = settled(wanted);
        if (x.dims().equals(dims)
                && starts.stream().allMatch(start -> start.isConstant(0))
                && steps.stream().allMatch(step -> step.isConstant(1))) {
            return x;
        }
        boolean constant =
                starts.stream().allMatch(Dim::isConstant) && steps.stream().allMatch(Dim::isConstant);
        var known = constant
                ? rearranged(x, dims, index -> {
                    var from = new long[index.length];
                    for (int axis = 0; axis < index.length; axis++) {
                        from[axis] = number(starts.get(axis)) + index[axis] * number(steps.get(axis));
                    }
                    return from;
                })
                : Optional.<Operand>empty();
        return known.orElseGet(() -> of(block.add(new GraphOp.Slice(x.value(), starts, steps, fresh(x.element(), dims)))
                .result()));
    }

    private static long number(Dim dim) {
        return dim.constant().orElseThrow();
    }

    private interface Rearrangement {
        long[] source(long[] index);
    }

    /// Known elements in another arrangement, if they and the extents are known.
    private Optional<Operand> rearranged(Operand x, List<Dim> dims, Rearrangement from) {
        if (x.elements().isEmpty() || !dims.stream().allMatch(Dim::isConstant)) {
            return Optional.empty();
        }
        checkSize(Type.tensor(x.element(), dims));
        long count = number(Dim.product(dims));
        if (count > Operand.TRACKED || count > 64 && x.element().isFloat()) {
            return Optional.empty();
        }
        var source = x.elements().get();
        var elements = new ArrayList<Element>();
        var index = new long[dims.size()];
        for (long i = 0; i < count; i++) {
            long rest = i;
            for (int axis = index.length - 1; axis >= 0; axis--) {
                index[axis] = rest % number(dims.get(axis));
                rest /= number(dims.get(axis));
            }
            long place = 0;
            var at = from.source(index);
            for (int axis = 0; axis < at.length; axis++) {
                place = place * number(x.dim(axis)) + at[axis];
            }
            elements.add(source.get((int) place));
        }
        return Optional.of(known(x.element(), dims, elements));
    }

    Operand concat(List<Operand> inputs, int axis) {
        if (inputs.size() == 1) {
            return inputs.getFirst();
        }
        var dims = new ArrayList<>(inputs.getFirst().dims());
        Dim total = Dim.ZERO;
        for (var input : inputs) {
            for (int other = 0; other < dims.size(); other++) {
                if (other != axis) {
                    dims.set(other, equal(dims.get(other), input.dim(other), "concatenation"));
                }
            }
            total = total.plus(input.dim(axis));
        }
        dims.set(axis, settled(total));
        if (dims.size() == 1
                && inputs.stream().allMatch(input -> input.elements().isPresent())) {
            var elements = new ArrayList<Element>();
            inputs.forEach(input -> elements.addAll(input.elements().orElseThrow()));
            if (elements.size() <= Operand.TRACKED) {
                return known(inputs.getFirst().element(), dims, elements);
            }
        }
        return of(block.add(new GraphOp.Concat(
                        inputs.stream().map(Operand::value).toList(),
                        axis,
                        fresh(inputs.getFirst().element(), dims)))
                .result());
    }

    Operand pad(Operand x, Optional<Operand> value, List<Dim> low, GraphOp.PadMode mode, List<Dim> wanted) {
        var dims = settled(wanted);
        return of(block.add(new GraphOp.Pad(x.value(), value.map(Operand::value), low, mode, fresh(x.element(), dims)))
                .result());
    }

    Operand iota(ElementType element, List<Dim> wanted, int axis) {
        var dims = settled(wanted);
        if (dims.size() == 1 && dims.getFirst().constant().orElse(Long.MAX_VALUE) <= 64 && !element.isFloat()) {
            return known(
                    element,
                    dims,
                    IntStream.range(0, (int) number(dims.getFirst()))
                            .mapToObj(Element::of)
                            .toList());
        }
        return of(block.add(new GraphOp.Iota(axis, fresh(element, dims))).result());
    }

    // Elementwise operations.

    /// Applies a formula to operands that are broadcast together. Scalars that are known stand in the formula itself.
    Operand map(ElementType result, List<Operand> operands, Scalars.Formula formula, String what) {
        return mapTo(together(operands, what), result, operands, formula);
    }

    Operand map(ElementType result, Operand x, Scalars.Unary formula) {
        return mapTo(x.dims(), result, List.of(x), (s, values) -> formula.apply(s, values.getFirst()));
    }

    Operand map(Operand x, Scalars.Unary formula) {
        return map(x.element(), x, formula);
    }

    Operand map(ElementType result, Operand left, Operand right, Scalars.Binary formula) {
        return map(
                result,
                List.of(left, right),
                (s, values) -> formula.apply(s, values.get(0), values.get(1)),
                "broadcast");
    }

    /// The same to operands that each broadcast to these extents.
    Operand mapTo(List<Dim> wanted, ElementType result, List<Operand> operands, Scalars.Formula formula) {
        var dims = settled(wanted);
        checkSize(Type.tensor(result, dims));
        var elementTypes = operands.stream().map(Operand::element).toList();
        var folded = folded(dims, result, operands, () -> Scalars.body(elementTypes, formula));
        if (folded.isPresent()) {
            return folded.get();
        }
        var data = new ArrayList<Value>();
        var dataTypes = new ArrayList<ElementType>();
        var inline = new ArrayList<Element>();
        for (var operand : operands) {
            var literal = literal(operand);
            inline.add(literal.orElse(null));
            if (literal.isEmpty()) {
                data.add(broadcast(operand, dims).value());
                dataTypes.add(operand.element());
            }
        }
        var body = Scalars.body(dataTypes, (s, params) -> {
            var values = new ArrayList<Value>();
            int next = 0;
            for (int i = 0; i < operands.size(); i++) {
                values.add(
                        inline.get(i) == null
                                ? params.get(next++)
                                : literal(s, operands.get(i).element(), inline.get(i)));
            }
            return formula.apply(s, values);
        });
        return of(block.add(new GraphOp.Map(data, body, fresh(result, dims))).result());
    }

    /// The one number that an operand holds, if it is known and not symbolic.
    private static Optional<Element> literal(Operand operand) {
        return operand.elements()
                .filter(elements -> elements.size() == 1 && Elements.isConstant(elements.getFirst()))
                .map(List::getFirst);
    }

    private static Value literal(Scalars s, ElementType element, Element number) {
        return element.isFloat()
                ? s.number(element, Elements.real(number))
                : s.integer(element, Elements.whole(number));
    }

    private interface BodySource {
        Body get();
    }

    private Optional<Operand> folded(List<Dim> dims, ElementType result, List<Operand> operands, BodySource body) {
        if (operands.isEmpty()
                || !operands.stream().allMatch(operand -> operand.elements().isPresent())
                || !dims.stream().allMatch(Dim::isConstant)) {
            return Optional.empty();
        }
        var arguments = new ArrayList<List<Element>>();
        for (var operand : operands) {
            var whole = broadcast(operand, dims).elements();
            if (whole.isEmpty()) {
                return Optional.empty();
            }
            arguments.add(whole.get());
        }
        return Folding.all(body.get(), arguments, arguments.getFirst().size())
                .map(elements -> known(result, dims, elements));
    }

    Operand cast(Operand x, ElementType element) {
        return x.element() == element ? x : map(element, x, (s, value) -> s.cast(value, element));
    }

    // Reductions.

    /// Combines along axes, which vanish.
    Operand reduce(Operand x, Combine combine, List<Integer> axes, ElementType accumulate, ElementType result) {
        var kept = new ArrayList<Dim>();
        for (int axis = 0; axis < x.rank(); axis++) {
            if (!axes.contains(axis)) {
                kept.add(x.dim(axis));
            }
        }
        if (axes.isEmpty()) {
            return cast(x, result);
        }
        var folded = foldedReduction(x, combine, kept, result);
        if (folded.isPresent()) {
            return folded.get();
        }
        return of(block.add(new GraphOp.Reduce(
                        x.value(),
                        combine,
                        axes.stream().sorted().map(Integer::longValue).toList(),
                        accumulate,
                        fresh(result, kept)))
                .result());
    }

    /// The product or sum of extents, as exporters compute element counts.
    private Optional<Operand> foldedReduction(Operand x, Combine combine, List<Dim> kept, ElementType result) {
        if (!kept.isEmpty()
                || result.bits() < 32
                || result.isFloat()
                || x.elements().isEmpty()
                || result != x.element()) {
            return Optional.empty();
        }
        var all = x.elements().get().stream().map(Elements::dim).toList();
        try {
            var total = switch (combine) {
                case SUM -> all.stream().reduce(Dim::plus);
                case PRODUCT -> all.stream().reduce(Dim::times);
                case MINIMUM -> all.stream().reduce(Dim::minimum);
                case MAXIMUM -> all.stream().reduce(Dim::maximum);
                case AND, OR, XOR -> Optional.<Dim>empty();
            };
            return total.map(value -> known(result, List.of(), List.of(new Element.Whole(value))));
        } catch (ArithmeticException e) {
            return Optional.empty();
        }
    }

    /// The same with the axes kept, as extents of 1.
    Operand reduceKeeping(Operand x, Combine combine, List<Integer> axes, ElementType accumulate, ElementType result) {
        return reshape(reduce(x, combine, axes, accumulate, result), withOnes(x.dims(), axes));
    }

    /// The extents with some replaced by 1.
    static List<Dim> withOnes(List<Dim> dims, List<Integer> axes) {
        var result = new ArrayList<>(dims);
        axes.forEach(axis -> result.set(axis, Dim.ONE));
        return result;
    }

    /// The type in which sums of a type are computed.
    static ElementType accumulator(ElementType element) {
        return element.isFloat() && element.bits() < 32 ? ElementType.F32 : element;
    }

    Operand gather(Operand data, Operand indices, int axis) {
        if (axis >= data.rank()) throw new OnnxException("expected at least %d axes, found %s".formatted(axis + 1, data.type()));
        var dims = new ArrayList<>(data.dims().subList(0, axis));
        dims.addAll(indices.dims());
        dims.addAll(data.dims().subList(axis + 1, data.rank()));
        return of(block.add(new GraphOp.Gather(data.value(), indices.value(), axis, fresh(data.element(), dims)))
                .result());
    }

    Operand matMul(Operand left, Operand right, ElementType accumulate, ElementType result) {
        var dims = new ArrayList<>(left.dims());
        dims.set(left.rank() - 1, right.dim(right.rank() - 1));
        return of(block.add(new GraphOp.MatMul(left.value(), right.value(), accumulate, fresh(result, dims)))
                .result());
    }

    /// Writes any other operation with one result.
    <T extends GraphOp> Operand add(T op, Function<T, Value> result) {
        return of(result.apply(block.add(op)));
    }
}
