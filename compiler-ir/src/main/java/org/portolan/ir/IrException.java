package org.portolan.ir;

/// IR that breaks a rule. The message says which rule, and what was found.
public class IrException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public IrException(String message) {
        super(message);
    }

    public IrException(String message, Throwable cause) {
        super(message, cause);
    }

    static <T> T expected(String what, Object found) {
        throw new IrException("expected " + what + ", found " + found);
    }

    static void check(boolean holds, String rule) {
        if (!holds) {
            throw new IrException(rule);
        }
    }
}
