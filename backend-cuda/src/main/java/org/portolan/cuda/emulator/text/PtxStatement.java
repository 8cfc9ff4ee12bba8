package org.portolan.cuda.emulator.text;

import java.util.List;

/// A statement in the body of a function.
public sealed interface PtxStatement {
    /// Where it stands, counted from 1.
    int line();

    /// A place to branch to.
    record Label(String name, int line) implements PtxStatement {}

    /// Registers: one of that name, or {@code count} of them named {@code name0}, {@code name1} and so on.
    ///
    /// @param type without the dot
    /// @param count -1: one, without a number
    record Registers(String type, String name, int count, int line) implements PtxStatement {}

    /// A variable, visible from here to the end of its scope.
    record Local(PtxVariable variable, int line) implements PtxStatement {}

    /// Names declared inside are not seen outside.
    record Scope(List<PtxStatement> body, int line) implements PtxStatement {}

    /// The places that a {@code brx.idx} picks from; a label stands before it.
    record Targets(List<String> labels, int line) implements PtxStatement {}

    /// An instruction.
    ///
    /// @param guard the predicate register that lets lanes take part; empty: all do
    /// @param negated whether the guard must be false
    /// @param name up to the first dot
    /// @param modifiers what follows, without the dots
    record Step(
            String guard, boolean negated, String name, List<String> modifiers, List<PtxOperand> operands, int line)
            implements PtxStatement {

        /// The name with its modifiers, as it is written.
        public String fullName() {
            return modifiers.isEmpty() ? name : name + "." + String.join(".", modifiers);
        }

        public boolean has(String modifier) {
            return modifiers.contains(modifier);
        }
    }
}
