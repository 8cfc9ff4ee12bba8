package org.portolan.llvm.emit;

import org.portolan.ir.ArithOp.Overflow;
import org.portolan.ir.ArithOp.Rounding;
import org.portolan.runtime.type.ElementType;

/// From one element type to another. Every conversion rounds once.
final class Casts {
    private final FunctionBuilder builder;
    private final SmallFloats smallFloats;

    Casts(FunctionBuilder builder, SmallFloats smallFloats) {
        this.builder = builder;
        this.smallFloats = smallFloats;
    }

    /// @param to the register type of the result
    Operand cast(
            Operand value, ElementType from, ElementType element, LlvmType to, Rounding rounding, Overflow overflow) {
        if (from == element) {
            return value;
        }
        if (element == ElementType.BOOL) {
            return isNotZero(value, from);
        }
        return from.isFloat()
                ? fromFloat(value, from, element, to, rounding, overflow)
                : fromInteger(value, from, element, to, rounding, overflow);
    }

    private Operand isNotZero(Operand value, ElementType from) {
        if (!from.isFloat()) {
            return builder.compare("ne", value, Operand.integer(value.type(), 0));
        }
        var wide = Words.isSmallFloat(from) ? smallFloats.widen(value, from) : value;
        return builder.compare("une", wide, Operand.floating(wide.type(), 0));
    }

    private Operand fromFloat(
            Operand value, ElementType from, ElementType element, LlvmType to, Rounding rounding, Overflow overflow) {
        var wide = Words.isSmallFloat(from) ? smallFloats.widen(value, from) : value;
        if (Words.isSmallFloat(element)) {
            return smallFloats.narrow(wide, element, rounding, overflow);
        }
        if (element.isFloat()) {
            return to.bits() > wide.type().bits()
                    ? builder.convert("fpext", wide, to)
                    : builder.convert("fptrunc", wide, to);
        }
        return toInteger(wide, element, to);
    }

    /// Rounds towards zero and saturates; NaN gives 0.
    private Operand toInteger(Operand value, ElementType element, LlvmType to) {
        var name = element.isUnsigned() ? "fptoui" : "fptosi";
        // LLVM knows saturation at any width, but not every target's code generator does below a byte.
        if (to.bits() < 8) {
            long largest = element.isUnsigned() ? (1L << to.bits()) - 1 : (1L << to.bits() - 1) - 1;
            long smallest = element.isUnsigned() ? 0 : -largest - 1;
            var wide = toInteger(value, ElementType.I32, to.ofBits(32));
            var clamped = builder.intrinsic(
                    "smin",
                    builder.intrinsic("smax", wide, Operand.integer(wide.type(), smallest)),
                    Operand.integer(wide.type(), largest));
            return builder.convert("trunc", clamped, to);
        }
        return builder.call("llvm." + name + ".sat." + to.suffix() + "." + value.type().suffix(), to, value);
    }

    private Operand fromInteger(
            Operand value, ElementType from, ElementType element, LlvmType to, Rounding rounding, Overflow overflow) {
        boolean signed = from.isSigned();
        if (!element.isFloat()) {
            int difference = to.bits() - value.type().bits();
            return difference == 0
                    ? value
                    : builder.convert(difference < 0 ? "trunc" : signed ? "sext" : "zext", value, to);
        }
        var opcode = signed ? "sitofp" : "uitofp";
        if (!Words.isSmallFloat(element)) {
            return builder.convert(opcode, value, to);
        }
        if (value.type().bits() < 32) {
            return smallFloats.narrow(
                    builder.convert(opcode, value, value.type().of("float")), element, rounding, overflow);
        }
        var exact = value.type().bits() == 64 ? headToOdd(value, signed) : value;
        var wide = builder.convert(opcode, exact, value.type().of("double"));
        return smallFloats.narrow(wide, element, rounding, overflow);
    }

    /// A 64-bit integer without its last 11 bits where a double cannot hold them; if one of them was set, the last
    /// bit kept is, too. Rounding that to a much shorter float gives what rounding the integer would have given.
    private Operand headToOdd(Operand value, boolean signed) {
        var type = value.type();
        var tail = builder.binary("and", value, Operand.integer(type, 0x7ff));
        var lost = builder.convert(
                "zext", builder.compare("ne", tail, Operand.integer(type, 0)), type);
        var sticky = builder.binary("shl", lost, Operand.integer(type, 11));
        var head = builder.binary("or", builder.binary("and", value, Operand.integer(type, ~0x7ffL)), sticky);
        var magnitude = signed
                ? builder.call(
                        "llvm.abs." + type.suffix(), type, value, new Operand(LlvmType.BIT, "false"))
                : value;
        var fits = builder.compare("ult", magnitude, Operand.integer(type, 1L << 53));
        return builder.select(fits, value, head);
    }
}
