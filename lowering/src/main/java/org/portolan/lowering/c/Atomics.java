package org.portolan.lowering.c;

import java.util.List;
import org.portolan.ir.Combine;
import org.portolan.ir.Type.Space;
import org.portolan.runtime.type.ElementType;

/// Elements in memory combined with a value in one step.
final class Atomics {
    private final Builder builder;

    Atomics(Builder builder) {
        this.builder = builder;
    }

    /// How two values are combined.
    interface Combining {
        Term combine(Builder builder, Term left, Term right);
    }

    /// Combines one element; gives what was there before.
    Term element(Place place, Term index, Term value, Combine combine, ElementType kind, Combining combining) {
        if (kind.bits() < 8 || kind == ElementType.BOOL) {
            throw new EmitException("atomic operations work on whole numbers of bytes, found elements of " + kind);
        }
        var type = CType.of(kind);
        if (builder.words.near().isPresent()) {
            return alone(place, index, type, value, combining);
        }
        var at = Addressing.at(place.pointer(), index);
        boolean whole = kind.isInteger() && type.bits() >= 32;
        if (whole) {
            var instruction = builder.words.atomic(
                    combine, type, at, value.text(), place.type().space(), place.shared());
            if (instruction.isPresent()) {
                return Term.of(type, instruction.get());
            }
        }
        return type.bits() < 32
                ? narrow(place, index, value, combine, kind, combining)
                : exchange(place, at, value, combine, kind, combining);
    }

    /// Kernels of such machines that update single elements are run by one core.
    private Term alone(Place place, Term index, CType type, Term value, Combining combining) {
        var at = place.pointer() + "[" + builder.let("element", index).bare() + "]";
        var before = builder.let("before", Term.of(type, at));
        builder.code.line(at + " = " + combining.combine(builder, before, value).bare() + ";");
        return before;
    }

    /// Computes and exchanges, until nobody came between.
    private Term exchange(
            Place place, String at, Term value, Combine combine, ElementType kind, Combining combining) {
        var type = CType.of(kind);
        var word = type.of(type.base().unsigned());
        return builder.helpers.call(
                "atomic_" + name(combine) + "_" + kind + space(place),
                type,
                List.of(pointer(place, word, "to", cast(place, word, at))),
                List.of(value),
                (inner, terms) -> {
                    var seen = inner.variable("seen", Term.of(word, "*to"));
                    inner.code.open("for (;;)");
                    var before = inner.bits(seen, type);
                    var after = inner.let(
                            "after", inner.bits(combining.combine(inner, before, terms.getFirst()), word));
                    var found = inner.let("found", swap(inner, place, word, "to", seen, after));
                    inner.code.line("if (" + found + " == " + seen + ") break;");
                    inner.code.line(seen + " = " + found + ";");
                    inner.code.close();
                    return inner.bits(seen, type);
                });
    }

    /// An element of one or two bytes, by the word of four around it.
    private Term narrow(
            Place place, Term index, Term value, Combine combine, ElementType kind, Combining combining) {
        var type = CType.of(kind);
        var own = type.of(type.base().unsigned());
        int bits = type.bits();
        var word = new CType(CType.Base.U32, 1);
        return builder.helpers.call(
                "atomic_" + name(combine) + "_" + kind + space(place),
                type,
                List.of(pointer(place, word, "to", cast(place, word, place.pointer()))),
                List.of(value, index),
                (inner, terms) -> {
                    int perWord = 32 / bits;
                    var number = inner.let(
                            "word", inner.binary("/", terms.get(1), Term.index(perWord)));
                    var shift = inner.let("shift", inner.convert(
                            inner.binary("*", inner.binary("%", terms.get(1), Term.index(perWord)), Term.index(bits)),
                            CType.Base.U32));
                    var keep = inner.let("keep", Term.of(word, "~("
                            + inner.integer(word, (1L << bits) - 1) + " << " + shift + ")"));
                    var seen = inner.variable("seen", Term.of(word, "to[" + number + "]"));
                    inner.code.open("for (;;)");
                    var before = inner.let(
                            "before", inner.bits(inner.convert(inner.binary(">>", seen, shift), own.base()), type));
                    var after = inner.bits(combining.combine(inner, before, terms.getFirst()), own);
                    var moved = inner.binary("<<", inner.convert(after, CType.Base.U32), shift);
                    var wanted = inner.let("wanted", inner.or(inner.and(seen, keep), moved));
                    var found = inner.let("found", swap(inner, place, word, "to + " + number, seen, wanted));
                    inner.code.line("if (" + found + " == " + seen + ") break;");
                    inner.code.line(seen + " = " + found + ";");
                    inner.code.close();
                    return inner.bits(inner.convert(inner.binary(">>", seen, shift), own.base()), type);
                });
    }

    /// Gives an element of less than a byte its bits.
    void setBits(Place place, Term index, Term value, int bits) {
        var word = new CType(CType.Base.U32, 1);
        var call = builder.helpers.call(
                "set_bits_" + bits + space(place),
                word,
                List.of(pointer(place, word, "to", cast(place, word, place.pointer()))),
                List.of(index, value),
                (inner, terms) -> {
                    int perWord = 32 / bits;
                    var number = inner.let("word", inner.binary("/", terms.getFirst(), Term.index(perWord)));
                    var shift = inner.let("shift", inner.convert(
                            inner.binary("*", inner.binary("%", terms.getFirst(), Term.index(perWord)), Term.index(bits)),
                            CType.Base.U32));
                    var own = inner.integer(word, (1L << bits) - 1);
                    var keep = inner.let("keep", Term.of(word, "~(" + own + " << " + shift + ")"));
                    var set = inner.let("set", inner.binary("<<", inner.and(terms.get(1), own), shift));
                    var seen = inner.variable("seen", Term.of(word, "to[" + number + "]"));
                    inner.code.open("for (;;)");
                    var wanted = inner.let("wanted", inner.or(inner.and(seen, keep), set));
                    var found = inner.let("found", swap(inner, place, word, "to + " + number, seen, wanted));
                    inner.code.line("if (" + found + " == " + seen + ") break;");
                    inner.code.line(seen + " = " + found + ";");
                    inner.code.close();
                    return seen;
                });
        builder.code.line(call + ";");
    }

    private static Term swap(Builder builder, Place place, CType word, String at, Term seen, Term wanted) {
        return Term.of(word, builder.words.compareAndSwap(
                word, at, seen.text(), wanted.text(), place.type().space(), place.shared()));
    }

    private Helpers.Argument pointer(Place place, CType word, String name, String value) {
        return new Helpers.Argument(
                builder.words.pointer(word, place.type().space(), false, place.shared()), name, value);
    }

    private String cast(Place place, CType word, String pointer) {
        return "(" + builder.words.pointer(word, place.type().space(), false, place.shared()) + ")(" + pointer + ")";
    }

    private static String space(Place place) {
        return place.type().space() == Space.GLOBAL ? "" : place.shared() ? "_shared" : "_local";
    }

    private static String name(Combine combine) {
        return switch (combine) {
            case SUM -> "add";
            case PRODUCT -> "multiply";
            case MINIMUM -> "min";
            case MAXIMUM -> "max";
            case AND -> "and";
            case OR -> "or";
            case XOR -> "xor";
        };
    }
}
