package org.portolan.onnx.importer;

import java.util.List;

/// One row of the table: an operator in a range of versions of its domain, and what it means.
///
/// @param since the first version of the operator set, inclusive
/// @param until the last version, inclusive
record Operator(String domain, String name, long since, long until, Builder builder) {
    /// The newest version of ONNX's own operator set that the table was written for.
    static final long NEWEST = 28;

    /// Writes what a node means; gives its outputs in order.
    interface Builder {
        List<Operand> build(Call call);
    }

    /// The same for the many operators with one output.
    interface Single {
        Operand build(Call call);
    }

    /// One operator in all versions from one on.
    static Operator since(long since, String name, Single builder) {
        return between(since, Long.MAX_VALUE, name, builder);
    }

    /// One operator in some versions.
    static Operator between(long since, long until, String name, Single builder) {
        return new Operator("", name, since, until, call -> List.of(builder.build(call)));
    }

    /// One operator with several outputs in all versions from one on.
    static Operator several(long since, String name, Builder builder) {
        return new Operator("", name, since, Long.MAX_VALUE, builder);
    }
}
