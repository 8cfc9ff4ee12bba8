package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Type;
import org.portolan.runtime.type.Dim;

/// From a buffer and indices to an address. The layout maps the indices to physical ones, and those are laid out
/// row-major in the physical extents.
final class Addressing {
    private final FunctionBuilder builder;
    private final DimEmitter dims;

    Addressing(FunctionBuilder builder, DimEmitter dims) {
        this.builder = builder;
        this.dims = dims;
    }

    /// The distance of an element from the buffer's first, in elements: a part that varies and a number.
    private FunctionBuilder.Sum distance(Type.Buffer type, List<Operand> indices) {
        var physical = physical(type, indices);
        var storage = type.storage();
        Operand varying = Operand.index(0);
        Operand invariant = Operand.index(0);
        long number = 0;
        for (int axis = 0; axis < physical.size(); axis++) {
            // The number in an index is kept apart, so that unrolled accesses share one address computation.
            var index = builder.parts(physical.get(axis));
            var stride = Dim.product(storage.subList(axis + 1, storage.size()));
            varying = builder.add(varying, scaled(index.base(), stride));
            if (stride instanceof Dim.Constant(long value)) {
                number += value * index.addend();
            } else if (index.addend() != 0) {
                invariant = builder.add(invariant, dims.invariant(stride.times(index.addend())));
            }
        }
        return new FunctionBuilder.Sum(builder.add(varying, invariant), number);
    }

    private Operand scaled(Operand index, Dim stride) {
        return index.isLiteral(0) ? index : builder.multiply(index, dims.invariant(stride));
    }

    private List<Operand> physical(Type.Buffer type, List<Operand> indices) {
        if (type.layout().isEmpty()) {
            return indices;
        }
        var inputs = new ArrayList<Dim>();
        for (int i = 0; i < indices.size(); i++) {
            inputs.add(Dim.symbol("$" + i));
        }
        return type.layout().get().apply(inputs).stream()
                .map(result -> dims.emit(result, indices))
                .toList();
    }

    /// The element's distance from the pointer of its buffer, in elements.
    Operand elementIndex(BufferPlace place, List<Operand> indices) {
        if (place.part().isPresent()) {
            var part = place.part().get();
            return elementIndex(part.whole(), part.indices(builder, indices));
        }
        var distance = distance(place.type(), indices);
        return builder.add(builder.add(place.offset(), distance.base()), Operand.index(distance.addend()));
    }

    /// The address of an element of a byte or more: a pointer, or a vector of pointers if an index is a vector.
    Operand address(BufferPlace place, List<Operand> indices) {
        if (place.part().isPresent()) {
            var part = place.part().get();
            return address(part.whole(), part.indices(builder, indices));
        }
        var element = Words.inMemory(place.type().element());
        var distance = distance(place.type(), indices);
        var base = step(place.pointer(), element, distance.base());
        return step(base, element, Operand.index(distance.addend()));
    }

    /// The place that starts at an element of another one.
    BufferPlace view(BufferPlace place, List<Operand> offsets, Type.Buffer type) {
        if (type.layout().isEmpty() && !hasSameStrides(place, type)) {
            var part = new BufferPlace.Part(place, List.copyOf(offsets));
            return new BufferPlace(type, place.pointer(), place.offset(), place.scope(), Optional.of(part), false);
        }
        if (Words.isPacked(place.type().element())) {
            return new BufferPlace(type, place.pointer(), elementIndex(place, offsets), place.scope());
        }
        return new BufferPlace(type, address(place, offsets), place.offset(), place.scope());
    }

    /// Whether elements of a view lie as in a buffer of its own: all axes but the first are as long as the whole's.
    private static boolean hasSameStrides(BufferPlace place, Type.Buffer type) {
        if (place.part().isPresent() || place.type().layout().isPresent()) {
            return false;
        }
        var whole = place.type().dims();
        int inner = Math.max(0, type.rank() - 1);
        return whole.subList(whole.size() - inner, whole.size())
                .equals(type.dims().subList(type.rank() - inner, type.rank()));
    }

    Operand step(Operand pointer, String element, Operand distance) {
        if (distance.isLiteral(0)) {
            return pointer;
        }
        var type = distance.type().isVector() ? LlvmType.POINTER.withLanes(distance.type().lanes()) : pointer.type();
        return builder.assign("at", type, "getelementptr " + element + ", " + pointer + ", " + distance);
    }
}
