package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Type.Space;
import org.portolan.runtime.type.ElementType;

/// Loads and stores of one part of a value: scalar, adjacent, masked, gathered; whole bytes and packed elements.
final class Memory {
    private final Builder builder;

    Memory(Builder builder) {
        this.builder = builder;
    }

    /// @param element the number of the first element, or of each lane's
    Term load(Place place, Term element, int lanes, Optional<Term> mask, Optional<Term> other) {
        var kind = place.type().element();
        if (CType.isPacked(kind)) {
            return loadPacked(place, element, lanes, mask, other);
        }
        if (kind == ElementType.BOOL) {
            var byteType = CType.inMemory(kind).withLanes(lanes);
            var others = other.map(value -> builder.convert(value, CType.Base.U8));
            var loaded = builder.let("byte", loadWhole(place, element, byteType, mask, others));
            return builder.compare("!=", loaded, builder.integer(byteType, 0));
        }
        return loadWhole(place, element, CType.of(kind).withLanes(lanes), mask, other);
    }

    private Term loadWhole(Place place, Term element, CType type, Optional<Term> mask, Optional<Term> other) {
        if (!type.isVector()) {
            var loaded = Term.of(type, place.pointer() + "[" + element.bare() + "]");
            return mask.isEmpty()
                    ? loaded
                    : builder.choose(mask.get(), loaded, other.orElse(builder.zero(type)));
        }
        var zero = other.orElse(builder.zero(type));
        if (element.type().isVector()) {
            return gather(place, element, type, mask, zero);
        }
        if (mask.isEmpty()) {
            return Term.of(type, builder.words.load(type, Addressing.at(place.pointer(), element)));
        }
        return masked(place, element, type, builder.splat(mask.get(), type.lanes()), zero);
    }

    /// All lanes at once if all are on, which is so but at the end of a row; else one by one.
    private Term masked(Place place, Term element, CType type, Term mask, Term other) {
        var pointer = pointer(place, type.lane(), place.type().space() == Space.GLOBAL, Addressing.at(place.pointer(), element));
        return builder.helpers.call(
                "masked_load_" + type.word() + space(place),
                type,
                List.of(pointer),
                List.of(mask, other),
                (inner, terms) -> {
                    var result = inner.variable("result", terms.get(1));
                    inner.code.open("if (" + inner.all(terms.getFirst()).bare() + ")");
                    inner.code.line(result + " = " + inner.words.load(type, "from") + ";");
                    inner.code.otherwise();
                    for (int lane = 0; lane < type.lanes(); lane++) {
                        inner.code.line("if (" + isOn(inner, terms.getFirst(), lane) + ") "
                                + inner.lane(result, lane) + " = from[" + lane + "];");
                    }
                    inner.code.close();
                    return result;
                });
    }

    private Term gather(Place place, Term element, CType type, Optional<Term> mask, Term zero) {
        var pointer = pointer(place, type.lane(), place.type().space() == Space.GLOBAL, place.pointer());
        var name = "gather_" + type.word() + space(place);
        if (mask.isEmpty()) {
            return builder.helpers.call(name, type, List.of(pointer), List.of(element), (inner, terms) -> {
                var lanes = new ArrayList<Term>();
                for (int lane = 0; lane < type.lanes(); lane++) {
                    lanes.add(Term.of(type.lane(), "from[" + inner.lane(terms.getFirst(), lane) + "]"));
                }
                return inner.build(type, lanes);
            });
        }
        var on = builder.splat(mask.get(), type.lanes());
        return builder.helpers.call(
                "masked_" + name, type, List.of(pointer), List.of(element, on, zero), (inner, terms) -> {
                    var result = inner.variable("result", terms.get(2));
                    for (int lane = 0; lane < type.lanes(); lane++) {
                        inner.code.line("if (" + isOn(inner, terms.get(1), lane) + ") " + inner.lane(result, lane)
                                + " = from[" + inner.lane(terms.getFirst(), lane) + "];");
                    }
                    return result;
                });
    }

    private static String isOn(Builder builder, Term mask, int lane) {
        return builder.lane(mask, lane).bare();
    }

    private Helpers.Argument pointer(Place place, CType element, boolean constant, String value) {
        return new Helpers.Argument(
                builder.words.pointer(element, place.type().space(), constant, place.shared()),
                "from",
                value);
    }

    private static String space(Place place) {
        return place.type().space() == Space.GLOBAL ? "" : place.shared() ? "_shared" : "_local";
    }

    void store(Place place, Term element, Term value, Optional<Term> mask) {
        var kind = place.type().element();
        if (CType.isPacked(kind)) {
            storePacked(place, element, value, mask);
        } else if (kind == ElementType.BOOL) {
            storeWhole(place, element, builder.let("byte", builder.convert(value, CType.Base.U8)), mask);
        } else {
            storeWhole(place, element, value, mask);
        }
    }

    private void storeWhole(Place place, Term element, Term value, Optional<Term> mask) {
        var type = value.type();
        if (!type.isVector()) {
            when(mask, place.pointer() + "[" + element.bare() + "] = " + value.bare() + ";");
            return;
        }
        if (!element.type().isVector() && (mask.isEmpty() || !mask.get().type().isVector())) {
            when(mask, builder.words.store(type, value.bare(), Addressing.at(place.pointer(), element)));
            return;
        }
        var held = builder.let("value", value);
        if (element.type().isVector()) {
            var places = builder.let("places", element);
            for (int lane = 0; lane < type.lanes(); lane++) {
                int number = lane;
                when(
                        mask.map(on -> builder.lane(on, number)),
                        place.pointer() + "[" + builder.lane(places, lane) + "] = " + builder.lane(held, lane) + ";");
            }
            return;
        }
        var on = builder.let("on", mask.orElseThrow());
        var to = builder.code.fresh("to");
        builder.code.open("if (" + builder.all(on).bare() + ")");
        builder.code.line(builder.words.store(type, held.bare(), Addressing.at(place.pointer(), element)));
        builder.code.otherwise();
        builder.code.line(builder.words.pointer(type.lane(), place.type().space(), false, place.shared()) + " " + to
                + " = " + Addressing.at(place.pointer(), element) + ";");
        for (int lane = 0; lane < type.lanes(); lane++) {
            builder.code.line(
                    "if (" + isOn(builder, on, lane) + ") " + to + "[" + lane + "] = " + builder.lane(held, lane) + ";");
        }
        builder.code.close();
    }

    private void when(Optional<Term> mask, String statement) {
        builder.code.line(mask.map(on -> "if (" + on.bare() + ") ").orElse("") + statement);
    }

    // ----------------------------------------------------------------------------------------- elements of half a byte

    private Term loadPacked(Place place, Term element, int lanes, Optional<Term> mask, Optional<Term> other) {
        var type = CType.of(place.type().element());
        var first = builder.let("element", element);
        var values = new ArrayList<Term>();
        for (int lane = 0; lane < lanes; lane++) {
            var index = first.type().isVector() ? builder.lane(first, lane) : builder.add(first, Term.index(lane));
            var value = packedElement(place, index);
            if (mask.isPresent()) {
                var otherwise = other.isPresent() ? builder.lane(other.get(), lane) : builder.integer(type, 0);
                value = builder.choose(builder.lane(mask.get(), lane), value, otherwise);
            }
            values.add(value);
        }
        return builder.build(type.withLanes(lanes), values);
    }

    /// Shifted so that an integer has its sign.
    private Term packedElement(Place place, Term index) {
        int bits = place.type().element().bits();
        var type = CType.of(place.type().element());
        var cell = Term.of(type.of(CType.Base.U8), place.pointer() + "[" + byteOf(index, bits).bare() + "]");
        var low = builder.binary(
                "&",
                builder.binary(">>", builder.convert(cell, CType.Base.I32), shiftOf(index, bits)),
                builder.integer(CType.INT, (1 << bits) - 1));
        return Integers.wrap(builder, builder.convert(low, type.base()), place.type().element());
    }

    /// Neighbours in the same byte may be written by another thread at the same time, so that both steps are atomic
    /// outside of a thread's own memory: the element's own bits are cleared, then set. The word around the byte is what
    /// languages have atomic operations for.
    private void storePacked(Place place, Term element, Term value, Optional<Term> mask) {
        int bits = place.type().element().bits();
        var first = builder.let("element", element);
        for (int lane = 0; lane < value.type().lanes(); lane++) {
            var index = first.type().isVector() ? builder.lane(first, lane) : builder.add(first, Term.index(lane));
            var own = builder.convert(builder.lane(value, lane), CType.Base.U32);
            boolean alone = place.type().space() != Space.GLOBAL && !place.shared();
            if (mask.isPresent()) {
                builder.code.open("if (" + builder.lane(mask.get(), lane).bare() + ")");
            }
            if (!alone && builder.words.near().isPresent()) {
                builder.code.line(builder.words.near().get().store(place.pointer(), index.bare(), own.bare()));
            } else if (alone) {
                var at = builder.let("byte", byteOf(index, bits));
                var shift = builder.let("shift", shiftOf(index, bits));
                builder.code.line(place.pointer() + "[" + at + "] = (" + place.pointer() + "[" + at + "] & ~("
                        + ((1 << bits) - 1) + " << " + shift + ")) | ((" + own + " & " + ((1 << bits) - 1) + ") << "
                        + shift + ");");
            } else {
                new Atomics(builder).setBits(place, index, own, bits);
            }
            if (mask.isPresent()) {
                builder.code.close();
            }
        }
    }

    private Term byteOf(Term index, int bits) {
        return builder.binary(">>", index, Term.index(bits == 4 ? 1 : 2));
    }

    private Term shiftOf(Term index, int bits) {
        var place = builder.binary("&", index, Term.index(8 / bits - 1));
        return builder.convert(builder.binary("*", place, Term.index(bits)), CType.Base.I32);
    }
}
