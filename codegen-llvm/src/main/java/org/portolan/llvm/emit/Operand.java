package org.portolan.llvm.emit;

import java.util.OptionalLong;
import java.util.stream.LongStream;
import java.util.stream.Collectors;

/// What an instruction takes: a name or a constant, with its type.
record Operand(LlvmType type, String text) {

    /// An integer in every lane.
    static Operand integer(LlvmType type, long value) {
        // LLVM reads a decimal constant of a narrow type as signed or unsigned, but refuses what needs more bits.
        int unused = 64 - type.bits();
        long wrapped = value << unused >> unused;
        var text = type.element().equals("i1") ? (value & 1) == 0 ? "false" : "true" : Long.toString(wrapped);
        return constant(type, text);
    }

    static Operand index(long value) {
        return integer(LlvmType.LONG, value);
    }

    /// A number in every lane, rounded to the type.
    static Operand floating(LlvmType type, double value) {
        double rounded = type.element().equals("float") ? (float) value : value;
        return constant(type, "0x%016X".formatted(Double.doubleToRawLongBits(rounded)));
    }

    static Operand zero(LlvmType type) {
        return new Operand(type, "zeroinitializer");
    }

    static Operand poison(LlvmType type) {
        return new Operand(type, "poison");
    }

    /// 0, 1, 2 and so on, lane by lane.
    static Operand ascending(LlvmType type) {
        return new Operand(
                type,
                LongStream.range(0, type.lanes())
                        .mapToObj(lane -> type.element() + " " + lane)
                        .collect(Collectors.joining(", ", "<", ">")));
    }

    private static Operand constant(LlvmType type, String text) {
        return new Operand(type, type.isVector() ? "splat (" + type.element() + " " + text + ")" : text);
    }

    /// The number, if this is a scalar integer constant.
    OptionalLong literal() {
        char first = text.charAt(0);
        boolean number = !type.isVector() && !type.isFloat() && (first == '-' || Character.isDigit(first));
        return number ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
    }

    boolean isLiteral(long value) {
        var own = literal();
        return own.isPresent() && own.getAsLong() == value;
    }

    /// Type and text, as most instructions want their first operand.
    @Override
    public String toString() {
        return type + " " + text;
    }
}
