package org.portolan.ir;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// An operation. Each is a record, and the record is its whole definition: a {@link Value} component is an operand, an
/// {@link Out} component a result, a {@link Body} nested code and everything else an attribute. The compact
/// constructor verifies what one operation can see. Printer, parser, rewriter and reference derive from the record
/// through {@link OpSchema}.
///
/// Operations are compared by identity only: never hash them or ask whether two are equal.
public sealed interface Op permits GraphOp, NestOp, TileOp, ArithOp, PlanOp, MachineOp {

    /// Marks the components that are results.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.RECORD_COMPONENT)
    @interface Out {}

    /// The name in the text form, where the record's own name in kebab case is not it.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface Mnemonic {
        String value();
    }

    /// May be moved, merged and dropped: no effect but its results, and no failure.
    interface Pure {}

    /// Ends a body.
    interface Terminator {}
}
