package org.portolan.lowering;

/// A model that cannot be compiled. The message names the node or kernel, what was expected and what to do.
public class CompileException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public CompileException(String message) {
        super(message);
    }

    public CompileException(String message, Throwable cause) {
        super(message, cause);
    }
}
