package org.portolan.llvm.emit;

/// Tile code that this target cannot say.
public final class EmitException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public EmitException(String message) {
        super(message);
    }
}
