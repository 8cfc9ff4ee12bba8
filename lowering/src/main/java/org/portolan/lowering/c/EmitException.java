package org.portolan.lowering.c;

/// Tile code that a language cannot say.
public final class EmitException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public EmitException(String message) {
        super(message);
    }
}
