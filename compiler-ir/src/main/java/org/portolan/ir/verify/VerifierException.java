package org.portolan.ir.verify;

import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.text.IrPrinter;

/// An operation that breaks a rule of the code around it. The message ends with the operation's text.
public final class VerifierException extends IrException {
    private static final long serialVersionUID = 1;

    private final transient Op op;

    VerifierException(String rule, Op op) {
        super(rule + "; in: " + IrPrinter.summary(op));
        this.op = op;
    }

    public Op op() {
        return op;
    }

    static void check(boolean holds, Op op, String rule) {
        if (!holds) {
            throw new VerifierException(rule, op);
        }
    }
}
