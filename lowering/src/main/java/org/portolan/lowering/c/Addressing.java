package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Type;
import org.portolan.runtime.type.Dim;

/// From a buffer and indices to the number of an element. The layout maps the indices to physical ones, and those are
/// laid out row-major in the physical extents.
final class Addressing {
    private final Builder builder;
    private final DimWriter dims;

    Addressing(Builder builder, DimWriter dims) {
        this.builder = builder;
        this.dims = dims;
    }

    /// The element's distance from the pointer of its buffer, in elements; a vector if an index is one.
    Term element(Place place, List<Term> indices) {
        var storage = place.type().storage();
        var physical = physical(place.type(), indices);
        Term sum = place.offset();
        for (int axis = 0; axis < physical.size(); axis++) {
            var index = physical.get(axis);
            if (!index.isLiteral(0)) {
                var stride = dims.invariant(Dim.product(storage.subList(axis + 1, storage.size())));
                sum = builder.add(sum, builder.multiply(index, stride));
            }
        }
        return sum;
    }

    private List<Term> physical(Type.Buffer type, List<Term> indices) {
        if (type.layout().isEmpty()) {
            return indices;
        }
        var inputs = new ArrayList<Dim>();
        for (int i = 0; i < indices.size(); i++) {
            inputs.add(Dim.symbol("$" + i));
        }
        return type.layout().get().apply(inputs).stream()
                .map(result -> dims.write(result, indices))
                .toList();
    }

    /// The place that starts at an element of another one.
    Place view(Place place, List<Term> offsets, Type.Buffer type, String hint) {
        var first = element(place, offsets);
        if (CType.isPacked(place.type().element())) {
            return new Place(type, place.pointer(), builder.let("first", first), place.shared(), place.constant());
        }
        if (first.isLiteral(0)) {
            return new Place(type, place.pointer(), Term.index(0), place.shared(), place.constant());
        }
        var name = builder.code.fresh(hint.isEmpty() ? "view" : hint);
        var pointer = builder.words.pointer(
                CType.inMemory(type.element()), place.type().space(), place.constant(), place.shared());
        builder.code.line(pointer + " " + name + " = " + at(place.pointer(), first) + ";");
        return new Place(type, name, Term.index(0), place.shared(), place.constant());
    }

    /// A pointer some elements further.
    static String at(String pointer, Term distance) {
        return distance.isLiteral(0) ? pointer : pointer + " + " + distance;
    }
}
