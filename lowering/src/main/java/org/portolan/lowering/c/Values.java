package org.portolan.lowering.c;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.c.LocalMemory.RingPlace;

/// What has been written for the values of a kernel: a scalar or vector is terms, a buffer a place.
final class Values {
    private final Builder builder;
    private final Parts parts;
    private final Map<Value, List<Term>> terms = new IdentityHashMap<>();
    private final Map<Value, Place> places = new IdentityHashMap<>();
    private final Map<Value, RingPlace> rings = new IdentityHashMap<>();

    Values(Builder builder) {
        this.builder = builder;
        parts = new Parts(builder);
    }

    void bind(Value buffer, Place place) {
        places.put(buffer, place);
    }

    void bind(Value ring, RingPlace place) {
        rings.put(ring, place);
    }

    /// Says that a value is these terms as they stand: no variable is made for it.
    void set(Value value, List<Term> all) {
        terms.put(value, all);
    }

    interface Part {
        Term of(int first, int width);
    }

    /// Computes a value part by part into variables.
    void bind(Value value, Part part) {
        var hint = value.hint().isEmpty() ? "v" : value.hint();
        terms.put(value, parts.each(
                value.type().laneCount(), (first, width) -> builder.let(hint, part.of(first, width))));
    }

    void bindAll(Value value, List<Term> all) {
        var hint = value.hint().isEmpty() ? "v" : value.hint();
        terms.put(value, all.stream().map(part -> builder.let(hint, part)).toList());
    }

    void bindAll(List<Value> values, List<List<Term>> all) {
        for (int i = 0; i < values.size(); i++) {
            terms.put(values.get(i), all.get(i));
        }
    }

    List<Term> parts(Value value) {
        return known(terms.get(value), value);
    }

    /// The only part of a value.
    Term scalar(Value value) {
        var all = parts(value);
        if (all.size() != 1) {
            throw new EmitException(value + " has more lanes than this language's vectors");
        }
        return all.getFirst();
    }

    List<Term> scalars(List<Value> values) {
        return values.stream().map(this::scalar).toList();
    }

    Place place(Value buffer) {
        return known(places.get(buffer), buffer);
    }

    RingPlace ring(Value ring) {
        return known(rings.get(ring), ring);
    }

    private static <T> T known(T found, Value value) {
        if (found == null) {
            throw new EmitException(value + " is used before it is defined");
        }
        return found;
    }

    static void requireLanes(Value value) {
        if (value.type() instanceof Type.Fragment) {
            throw new EmitException("this language has no fragments, found " + value);
        }
    }
}
