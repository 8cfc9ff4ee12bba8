package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.portolan.ir.Body;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes `graph` operations. Where all elements of the inputs are known, so are those of the result, and nothing is
/// written: chains of shape arithmetic settle here.
final class GraphWriter extends ViewWriter {
    GraphWriter(Symbols symbols, long tensorBytes, Block block) {
        super(symbols, tensorBytes, block);
    }

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
        return Operand.of(block().add(new GraphOp.Map(data, body, fresh(result, dims))).result());
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
        return Operand.of(block().add(new GraphOp.Reduce(
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
        return Operand.of(block().add(new GraphOp.Gather(data.value(), indices.value(), axis, fresh(data.element(), dims)))
                .result());
    }

    Operand matMul(Operand left, Operand right, ElementType accumulate, ElementType result) {
        var dims = new ArrayList<>(left.dims());
        dims.set(left.rank() - 1, right.dim(right.rank() - 1));
        return Operand.of(block().add(new GraphOp.MatMul(left.value(), right.value(), accumulate, fresh(result, dims)))
                .result());
    }

    /// Writes any other operation with one result.
    <T extends GraphOp> Operand add(T op, Function<T, Value> result) {
        return Operand.of(result.apply(block().add(op)));
    }
}
