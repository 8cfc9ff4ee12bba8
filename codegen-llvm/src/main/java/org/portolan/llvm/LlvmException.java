package org.portolan.llvm;

import java.util.List;
import java.util.OptionalInt;

/// What can go wrong between LLVM IR text and a loadable shared object. Every message says what was expected and what
/// to do about it.
public abstract sealed class LlvmException extends RuntimeException {
    private LlvmException(String message, Throwable cause) {
        super(message, cause);
    }

    /// The jar with LLVM's native files is absent, or they cannot be unpacked or loaded.
    public static final class Unavailable extends LlvmException {
        public Unavailable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// The IR text does not parse, or it parses and breaks a rule of the IR.
    public static final class InvalidIr extends LlvmException {
        private final OptionalInt line;

        /// @param line the line of the IR text, from 1, where it is known
        public InvalidIr(String message, OptionalInt line) {
            super(message, null);
            this.line = line;
        }

        public OptionalInt line() {
            return line;
        }
    }

    /// LLVM knows no such target, or refuses the pass pipeline, or cannot say the code in the target's instructions.
    public static final class CodegenFailed extends LlvmException {
        public CodegenFailed(String message) {
            super(message, null);
        }
    }

    /// The linker refused the objects.
    public static final class LinkFailed extends LlvmException {
        public LinkFailed(String message) {
            super(message, null);
        }
    }

    /// Code calls functions that no object defines. Kernels are linked without a C library or a compiler runtime, so
    /// such a call is a fault of the emitter: the operation must be expanded inline.
    public static final class UndefinedSymbols extends LlvmException {
        private final List<String> symbols;

        public UndefinedSymbols(List<String> symbols) {
            super(
                    "kernels may call nothing outside themselves, but these functions are called and not defined: "
                            + String.join(", ", symbols) + "; the operations behind them must be expanded inline",
                    null);
            this.symbols = List.copyOf(symbols);
        }

        public List<String> symbols() {
            return symbols;
        }
    }
}
