package org.portolan.lowering.nest;

import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;

/// Operands, results and bodies of the operations in a nest, without a look at the schema for the frequent ones.
final class Scalars {
    private Scalars() {}

    static List<Value> operands(Op op) {
        if (op instanceof ArithOp.Unary unary) {
            return List.of(unary.operand());
        }
        if (op instanceof ArithOp.Binary binary) {
            return List.of(binary.left(), binary.right());
        }
        if (op instanceof NestOp.Read read
                && read.indices().isEmpty()
                && read.other().isEmpty()) {
            return List.of();
        }
        return OpSchema.operands(op);
    }

    static List<Value> results(Op op) {
        if (op instanceof ArithOp arith) {
            return List.of(arith.result());
        }
        if (op instanceof NestOp.Read read) {
            return List.of(read.result());
        }
        return OpSchema.results(op);
    }

    static List<Body> bodies(Op op) {
        return op instanceof ArithOp || op instanceof NestOp.Read || op instanceof NestOp.Index
                ? List.of()
                : OpSchema.bodies(op);
    }
}
