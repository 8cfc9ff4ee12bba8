package org.portolan.runtime.plan;

/// A text is no plan; the message names the line and what was expected.
public final class PlanFormatException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    PlanFormatException(int line, String message) {
        super("plan, line " + line + ": " + message);
    }
}
