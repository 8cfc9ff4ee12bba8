package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A factor of a product whose elements are those of a narrow tensor less an offset, times a scale where it is no integer.
///
/// @param read where the product reads it
/// @param elements all of them less their offset, where they are known when the model is compiled; else null
/// @param producer the nest that computes what is read; null if it is narrow in memory
/// @param bytes the byte and what is subtracted from it, in the producer or in the product; null for known elements
/// @param wide the difference, there too
/// @param type the element type to have
/// @param shift what is added to an element to get there; the offset grows by it
/// @param scale what the difference is multiplied by, there too; null if it is not
/// @param places where the product reads along the axes of the nest that computes a factor
record NarrowFactor(
        NestOp.Read read,
        Tensor elements,
        NestOp.Compute producer,
        Bytes bytes,
        Value wide,
        ElementType type,
        long shift,
        SimpleScalar scale,
        Map<String, Dim> places) {

    /// Where a factor is computed: in the product, or in a nest whose result the product reads.
    private record Origin(
            NestScalars scalars,
            NestOp.Compute producer,
            NestOp.Read read,
            Value integer,
            SimpleScalar scale,
            List<Dim> to,
            Map<String, Dim> places) {

        static Origin inside(NestScalars scalars, Value factor, boolean scaled) {
            var number = scaled ? ScaledInteger.of(scalars, factor) : null;
            if (scaled && number == null) return null;
            return new Origin(
                    scalars, null, null, scaled ? number.integer() : factor, scaled ? number.scale() : null, List.of(), Map.of());
        }

        static Origin before(NestScalars scalars, Value factor, boolean scaled, KnownTensors known) {
            if (!(scalars.definition(factor) instanceof NestOp.Read read)
                    || !(NarrowFactor.producer(read.source(), known) instanceof NestOp.Compute made)) {
                return null;
            }
            int place = made.results().indexOf(read.source());
            var inside = inside(NestScalars.of(made), end(made).values().get(place), scaled);
            if (inside == null) return null;
            var to = end(made).to().get(place);
            var places = new HashMap<String, Dim>();
            for (int i = 0; i < to.size(); i++) {
                int axis = i;
                to.get(i).symbolName().ifPresent(name -> places.put(name, read.at().get(axis)));
            }
            return new Origin(inside.scalars(), made, read, inside.integer(), inside.scale(), to, places);
        }
    }

    /// A known factor whose elements fit a type, which may be narrower than the one that is wanted.
    ///
    /// @param shifts whether elements may be moved to fit
    /// @param scaled whether it is an integer times a scale
    /// @param over the axes that are summed over, along which a scale may not vary
    static Optional<NarrowFactor> known(
            NestScalars scalars,
            Value factor,
            ElementType wanted,
            boolean shifts,
            boolean scaled,
            List<String> over,
            KnownTensors known) {
        var origin = Origin.inside(scalars, factor, scaled);
        var read = origin == null ? null : integers(scalars, origin.integer());
        var elements = read == null ? Optional.<Tensor>empty() : known.find(read.source());
        if (elements.isEmpty() && scaled) {
            origin = Origin.before(scalars, factor, true, known);
            read = origin == null ? null : origin.read();
            if (read != null && isPlain(read)) {
                elements = known.scalar(
                        origin.producer(), origin.integer(), origin.to(), read.source().tensor().dims());
            }
        }
        if (elements.isEmpty()) return Optional.empty();
        var range = known.range(elements.get());
        if (!range.fits(origin.integer().type().elementType())) return Optional.empty();
        var narrow = wanted == ElementType.I16 && range.fits(ElementType.I8) ? ElementType.I8 : wanted;
        long shift = range.fits(narrow) || !shifts ? 0 : Range.of(narrow).least() - range.least();
        var found = new NarrowFactor(
                read, elements.get(), null, null, null, narrow, shift, origin.scale(), origin.places());
        boolean movable = new Range(shift, shift).fits(ElementType.I32);
        return movable && range.plus(shift).fits(narrow) && found.follows(origin, origin.scale(), over)
                ? Optional.of(found)
                : Optional.empty();
    }

    /// The read of integers behind a value, converted or not; null if it is none.
    private static NestOp.Read integers(NestScalars scalars, Value value) {
        var definition = scalars.definition(value);
        if (definition instanceof ArithOp.Cast cast && cast.operand().type().elementType().isInteger()) {
            definition = scalars.definition(cast.operand());
        }
        return definition instanceof NestOp.Read read
                        && isPlain(read)
                        && read.result().type().elementType().isInteger()
                ? read
                : null;
    }

    private static boolean isPlain(NestOp.Read read) {
        return read.otherwise() == Otherwise.PROVEN && read.indices().isEmpty();
    }

    /// A factor that comes with the run.
    ///
    /// @param over the axes that are summed over, along which an offset or a scale may not vary
    static Optional<NarrowFactor> computed(
            NestScalars scalars, Value factor, ElementType wanted, boolean scaled, List<String> over, KnownTensors known) {
        var origin = Origin.inside(scalars, factor, scaled);
        var bytes = origin == null ? null : Bytes.of(scalars, origin.integer(), known);
        var read = bytes != null && scalars.definition(bytes.element()) instanceof NestOp.Read own ? own : null;
        if (read == null) {
            origin = Origin.before(scalars, factor, scaled, known);
            if (origin == null) return Optional.empty();
            bytes = Bytes.of(origin.scalars(), origin.integer(), known);
            read = origin.read();
        }
        boolean readable = read.indices().isEmpty()
                && (read.otherwise() == Otherwise.PROVEN || read.otherwise() == Otherwise.ZERO);
        if (bytes == null || !readable) return Optional.empty();
        boolean isPair = wanted == ElementType.I16;
        if (!isPair && wanted.bits() != 8) return Optional.empty();
        var element = bytes.element().type().elementType();
        long shift = isPair || element == wanted ? 0 : wanted.isSigned() ? -128 : 128;
        var found = new NarrowFactor(
                read,
                null,
                origin.producer(),
                bytes,
                origin.integer(),
                wanted,
                shift,
                origin.scale(),
                origin.places());
        return found.follows(origin, origin.scale(), over) && found.follows(origin, bytes.offset(), over) && found.isHeld()
                ? Optional.of(found)
                : Optional.empty();
    }

    /// Whether an offset or a scale can be read where the product is, and does not vary along what is summed.
    private boolean follows(Origin origin, SimpleScalar scalar, List<String> over) {
        if (scalar == null) return true;
        for (var axis : scalar.symbols()) {
            boolean own = origin.producer() != null
                    && origin.producer().axes().stream().anyMatch(each -> each.name().equals(axis));
            if (own && !places.containsKey(axis)) return false;
        }
        return symbols(scalar).stream().noneMatch(over::contains);
    }

    /// The symbols of the product by which it reads an offset or a scale.
    private Set<String> symbols(SimpleScalar scalar) {
        var symbols = new HashSet<String>();
        for (var axis : scalar.symbols()) symbols.addAll(places.getOrDefault(axis, Dim.symbol(axis)).symbols());
        return symbols;
    }

    /// Whether the type holds what there is, outside of the tensor too.
    private boolean isHeld() {
        boolean zeroes = read.otherwise() == Otherwise.ZERO;
        // Outside of a computed tensor there is no scale to read.
        if (zeroes && scale != null && !Collections.disjoint(scale.symbols(), places.keySet())) return false;
        boolean guarded = zeroes && bytes.offset() != null;
        boolean sameEverywhere = bytes.offset() == null || bytes.offset().symbols().isEmpty();
        if (isDifference()) {
            // Outside of the tensor the byte is 0 in the product, from which the offset is still subtracted.
            return bytes.range().fits(type) && sameEverywhere && !(guarded && producer == null);
        }
        // Outside of a computed tensor the difference is 0, so the element is what is subtracted from it.
        return !guarded || producer == null || sameEverywhere && bytes.offsets().plus(shift).fits(type);
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

    /// The order of the tensor's axes in which a product finds neighbours: those along which it sums lie innermost, if all
    /// elements can be laid out so when the model is compiled. Elements of 8 bits cannot be turned on their way to registers.
    List<Integer> order(List<String> over) {
        var order = new ArrayList<>(IntStream.range(0, read.at().size()).boxed().toList());
        if (elements != null) {
            order.sort(Comparator.comparing(i -> read.at().get(i).symbols().stream().anyMatch(over::contains)));
        }
        return order;
    }

    /// What the integers are that the scale is multiplied by.
    Range range(KnownTensors known) {
        return elements != null ? known.range(elements) : bytes.range();
    }

    /// The symbols of the product by which the offset is read.
    Set<String> offsetSymbols() {
        return bytes == null || bytes.offset() == null ? Set.of() : symbols(bytes.offset());
    }

    /// What is subtracted from each element of the narrow tensor, in a nest with the axes of the product.
    Value offset(List<Op> ops, List<Value> inputs) {
        if (bytes == null || bytes.offset() == null) return NarrowTensors.integer(shift, ops);
        var offset = bytes.offset().copy(ops, inputs, places);
        if (shift == 0) return offset;
        var moved = offset.copy();
        ops.add(new ArithOp.Add(offset, NarrowTensors.integer(shift, ops), moved));
        return moved;
    }

    /// An element of the narrow tensor, where the product reads one. Where that is outside of the tensor, it is what the
    /// difference of 0 is there, or the byte 0, as it was.
    Value element(NarrowTensors.Narrow narrow, List<Op> ops, List<Value> inputs) {
        Optional<Value> other = Optional.empty();
        if (read.otherwise() == Otherwise.ZERO && hasOffset()) {
            var outside = producer == null ? NarrowTensors.integer(shift, ops) : offset(ops, inputs);
            other = Optional.of(NarrowTensors.cast(outside, type, ops));
        }
        var tensor = narrow.tensor();
        if (!inputs.contains(tensor)) inputs.add(tensor);
        var element = Value.of(Type.scalar(type), read.result().hint());
        var otherwise = other.isPresent() ? Otherwise.OTHER : read.otherwise();
        ops.add(new NestOp.Read(tensor, List.of(), other, narrow.at(read.at()), otherwise, element));
        return element;
    }
}
