package org.portolan.lowering.nest;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A factor of a product whose elements are those of a narrow tensor less an offset.
///
/// @param read where the product reads it
/// @param elements all of them, where they are known when the model is compiled; else null
/// @param producer the nest that computes what is read; null if it is narrow in memory
/// @param bytes the byte and what is subtracted from it, in the producer or in the product; null for known elements
/// @param wide the difference, there too
/// @param type the element type to have
/// @param shift what is added to an element to get there; the offset grows by it
/// @param places where the product reads along the producer's axes
record NarrowFactor(
        NestOp.Read read,
        Tensor elements,
        NestOp.Compute producer,
        Bytes bytes,
        Value wide,
        ElementType type,
        long shift,
        Map<String, Dim> places) {

    /// A known factor whose elements fit a type, which may be narrower than the one that is wanted.
    ///
    /// @param shifts whether elements may be moved to fit
    static Optional<NarrowFactor> known(
            NestScalars scalars, Value factor, ElementType wanted, boolean shifts, KnownTensors known) {
        var definition = scalars.definition(factor);
        if (definition instanceof ArithOp.Cast cast && cast.operand().type().elementType().isInteger()) {
            definition = scalars.definition(cast.operand());
        }
        if (!(definition instanceof NestOp.Read read)
                || read.otherwise() != Otherwise.PROVEN
                || !read.indices().isEmpty()
                || !read.result().type().elementType().isInteger()) {
            return Optional.empty();
        }
        var elements = known.find(read.source());
        if (elements.isEmpty()) return Optional.empty();
        var range = Range.of(elements.get());
        var narrow = wanted == ElementType.I16 && range.fits(ElementType.I8) ? ElementType.I8 : wanted;
        long shift = range.fits(narrow) || !shifts ? 0 : Range.of(narrow).least() - range.least();
        return range.plus(shift).fits(narrow)
                ? Optional.of(new NarrowFactor(
                        read, elements.get(), null, null, null, narrow, shift, Map.of()))
                : Optional.empty();
    }

    /// @param over the axes that are summed over, along which an offset may not vary
    static Optional<NarrowFactor> computed(
            NestScalars scalars, Value factor, ElementType wanted, List<String> over, KnownTensors known) {
        NestOp.Compute producer = null;
        var bytes = Bytes.of(scalars, factor, known);
        var wide = factor;
        NestOp.Read read;
        var places = new HashMap<String, Dim>();
        if (bytes != null && scalars.definition(bytes.element()) instanceof NestOp.Read own) {
            read = own;
        } else if (scalars.definition(factor) instanceof NestOp.Read own
                && producer(own.source(), known) instanceof NestOp.Compute made) {
            read = own;
            producer = made;
            int place = made.results().indexOf(own.source());
            wide = end(made).values().get(place);
            bytes = Bytes.of(NestScalars.of(made), wide, known);
            var to = end(made).to().get(place);
            for (int i = 0; i < to.size(); i++) {
                int axis = i;
                to.get(i).symbolName().ifPresent(name -> places.put(name, own.at().get(axis)));
            }
        } else {
            return Optional.empty();
        }
        boolean readable = read.indices().isEmpty()
                && (read.otherwise() == Otherwise.PROVEN || read.otherwise() == Otherwise.ZERO);
        if (bytes == null || !readable) return Optional.empty();
        var element = bytes.element().type().elementType();
        boolean sameEverywhere = bytes.offsetAxes().isEmpty();
        if (wanted == ElementType.I16) {
            // Outside of the tensor the byte is 0 here, from which the offset is still subtracted.
            boolean moved = producer == null && read.otherwise() == Otherwise.ZERO && bytes.offset() != null;
            boolean fits = bytes.range(element).fits(ElementType.I16) && sameEverywhere && !moved;
            return fits
                    ? Optional.of(new NarrowFactor(read, null, producer, bytes, wide, wanted, 0, places))
                    : Optional.empty();
        }
        if (wanted.bits() != 8) return Optional.empty();
        long shift = element == wanted ? 0 : wanted.isSigned() ? -128 : 128;
        var narrow = new NarrowFactor(read, null, producer, bytes, wide, wanted, shift, places);
        if (!sameEverywhere && !narrow.followsOffset(over)) return Optional.empty();
        // Outside of the tensor the difference is 0, so the element is what is subtracted from it.
        boolean guarded = producer != null && read.otherwise() == Otherwise.ZERO && narrow.hasOffset();
        return !guarded || sameEverywhere && bytes.offsets().plus(shift).fits(wanted)
                ? Optional.of(narrow)
                : Optional.empty();
    }

    /// Whether the offset can be read where the product is, and does not vary along what is summed.
    private boolean followsOffset(List<String> over) {
        for (var axis : bytes.offsetAxes()) {
            if (producer != null && !places.containsKey(axis)) return false;
            var place = producer == null ? Set.of(axis) : places.get(axis).symbols();
            if (over.stream().anyMatch(place::contains)) return false;
        }
        return true;
    }

    static NestOp.Compute producer(Value tensor, KnownTensors known) {
        return known.definition(tensor) instanceof NestOp.Compute nest
                        && nest.into().isEmpty()
                        && end(nest).indices().isEmpty()
                ? nest
                : null;
    }

    static NestOp.Yield end(NestOp.Compute nest) {
        return (NestOp.Yield) nest.body().terminator();
    }

    /// Pairs of 16 bits hold the difference itself.
    boolean isDifference() {
        return type == ElementType.I16;
    }

    boolean hasOffset() {
        return !isDifference() && (bytes != null && bytes.offset() != null || shift != 0);
    }

    /// Whether the product can read what is there already.
    boolean isThere() {
        return producer == null && read.source().tensor().element() == type && shift == 0 && !isDifference();
    }

    /// The symbols of the product by which the offset is read.
    Set<String> offsetAxes() {
        var axes = new HashSet<String>();
        if (bytes == null) return axes;
        for (var axis : bytes.offsetAxes()) {
            if (producer == null) {
                axes.add(axis);
            } else {
                axes.addAll(places.get(axis).symbols());
            }
        }
        return axes;
    }

    /// What is subtracted from each element of the narrow tensor, in a nest with the axes of the product.
    Value offset(List<Op> ops, List<Value> inputs) {
        if (bytes == null || bytes.offset() == null) return NarrowTensors.integer(shift, ops);
        var offset = bytes.copyOffset(ops, inputs, producer == null ? Map.of() : places);
        if (shift == 0) return offset;
        var moved = offset.copy();
        ops.add(new ArithOp.Add(offset, NarrowTensors.integer(shift, ops), moved));
        return moved;
    }

    /// An element of the narrow tensor, where the product reads one. Where that is outside of the tensor, it is what the
    /// difference of 0 is there, or the byte 0, as it was.
    Value element(Value tensor, List<Op> ops, List<Value> inputs) {
        Optional<Value> other = Optional.empty();
        if (read.otherwise() == Otherwise.ZERO && hasOffset()) {
            var outside = producer == null ? NarrowTensors.integer(shift, ops) : offset(ops, inputs);
            other = Optional.of(NarrowTensors.cast(outside, type, ops));
        }
        if (!inputs.contains(tensor)) inputs.add(tensor);
        var element = Value.of(Type.scalar(type), read.result().hint());
        ops.add(new NestOp.Read(
                tensor, List.of(), other, read.at(), other.isPresent() ? Otherwise.OTHER : read.otherwise(), element));
        return element;
    }
}
