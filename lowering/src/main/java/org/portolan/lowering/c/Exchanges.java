package org.portolan.lowering.c;

/// What a thread gets from another of its warp. Languages exchange words of 32 bits; everything else is one or two of them.
final class Exchanges {
    private Exchanges() {}

    /// @param value a scalar
    /// @param distance a power of two less than the warp's threads
    static Term exchange(Builder builder, Term value, long distance) {
        var own = builder.let("own", value);
        var type = own.type();
        if (type.base() == CType.Base.TRUTH) {
            var word = word(builder, builder.convert(own, CType.Base.U32), distance);
            return builder.compare("!=", word, builder.integer(word.type(), 0));
        }
        var bits = builder.bits(own, type.base().unsigned());
        if (type.bits() < 64) {
            var word = word(builder, builder.convert(bits, CType.Base.U32), distance);
            return builder.bits(builder.convert(word, type.base().unsigned()), type);
        }
        var half = builder.integer(CType.INT, 32);
        var low = word(builder, builder.convert(bits, CType.Base.U32), distance);
        var high = word(builder, builder.convert(builder.binary(">>", bits, half), CType.Base.U32), distance);
        var upper = builder.binary("<<", builder.convert(high, CType.Base.U64), half);
        return builder.bits(builder.let("both", builder.or(upper, builder.convert(low, CType.Base.U64))), type);
    }

    private static Term word(Builder builder, Term value, long distance) {
        var own = builder.let("word", value);
        var text = builder.words.exchange(own.text(), distance).orElseThrow(() -> new EmitException(
                "these words have none for threads that exchange what they have; the machine says warp = 1 where they cannot"));
        return builder.let("other", Term.of(own.type(), text));
    }
}
