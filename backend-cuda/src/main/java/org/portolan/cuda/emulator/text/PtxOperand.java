package org.portolan.cuda.emulator.text;

import java.util.List;

/// An operand of an instruction, as it is written.
public sealed interface PtxOperand {

    /// A register, a special register such as {@code %tid.x}, a variable, a label or a function.
    ///
    /// @param negated whether {@code !} stands before it
    /// @param offset bytes added to the address of a variable or to a register inside of an address
    record Name(String name, boolean negated, long offset) implements PtxOperand {}

    /// A number.
    ///
    /// @param bits an integer, or the bits of a float in the lower 32, or those of a double
    /// @param kind how it is written
    record Literal(long bits, Kind kind) implements PtxOperand {}

    /// What stands in square brackets; more than one part only in tensor copies.
    record Address(List<PtxOperand> parts) implements PtxOperand {}

    /// What stands in braces.
    record Vector(List<PtxOperand> parts) implements PtxOperand {}

    /// What stands in parentheses: the arguments and results of a call.
    record Group(List<PtxOperand> parts) implements PtxOperand {}

    /// Two results, {@code a|b}.
    record Pair(PtxOperand first, PtxOperand second) implements PtxOperand {}

    /// A result that nobody wants.
    record Unused() implements PtxOperand {}

    /// How a number is written.
    enum Kind {
        INTEGER,
        FLOAT,
        DOUBLE
    }
}
