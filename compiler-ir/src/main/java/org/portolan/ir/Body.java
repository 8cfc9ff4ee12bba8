package org.portolan.ir;

import java.util.List;

/// Structured code: parameters and operations in order; no blocks and no branches. Values that are defined around a
/// body are visible in it.
public record Body(List<Value> params, List<Op> ops) {
    public Body {
        params = List.copyOf(params);
        ops = List.copyOf(ops);
    }

    public static final Body EMPTY = new Body(List.of(), List.of());

    public static Body of(Op... ops) {
        return new Body(List.of(), List.of(ops));
    }

    /// The last operation, if it is a terminator.
    ///
    /// @throws IrException if the body does not end with one
    public Op terminator() {
        if (ops.isEmpty() || !(ops.getLast() instanceof Op.Terminator)) {
            throw new IrException("a body must end with a terminator");
        }
        return ops.getLast();
    }
}
