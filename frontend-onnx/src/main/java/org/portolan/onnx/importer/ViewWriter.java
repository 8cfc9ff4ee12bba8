package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.ir.Type;
import org.portolan.onnx.OnnxException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Operations that only move elements.
abstract class ViewWriter extends ExtentWriter {
    ViewWriter(Symbols symbols, long tensorBytes, Block block) {
        super(symbols, tensorBytes, block);
    }

    /// One number for every element.
    Operand filled(ElementType element, List<Dim> dims, double value) {
return broadcast(scalar(element, value), dims);
    }

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
            return Operand.constant(Type.tensor(x.element(), dims), x.resource().get(), null, hint(), block());
        }
        return Operand.of(block().add(new GraphOp.Reshape(x.value(), fresh(x.element(), dims)))
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
        return known.orElseGet(() -> Operand.of(block().add(new GraphOp.Transpose(
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
        return known.orElseGet(() -> Operand.of(block().add(new GraphOp.Broadcast(x.value(), fresh(x.element(), dims)))
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
        return known.orElseGet(() -> Operand.of(block().add(new GraphOp.Slice(x.value(), starts, steps, fresh(x.element(), dims)))
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
        return Operand.of(block().add(new GraphOp.Concat(
                        inputs.stream().map(Operand::value).toList(),
                        axis,
                        fresh(inputs.getFirst().element(), dims)))
                .result());
    }

    Operand pad(Operand x, Optional<Operand> value, List<Dim> low, GraphOp.PadMode mode, List<Dim> wanted) {
        var dims = settled(wanted);
        return Operand.of(block().add(new GraphOp.Pad(x.value(), value.map(Operand::value), low, mode, fresh(x.element(), dims)))
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
        return Operand.of(block().add(new GraphOp.Iota(axis, fresh(element, dims))).result());
    }
}
