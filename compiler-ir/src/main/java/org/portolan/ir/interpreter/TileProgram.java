package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;

/// A kernel with a number for every value, so that threads keep theirs in arrays.
final class TileProgram {
    /// One operation: the numbers of its operands and results, and its bodies.
    ///
    /// @param failure the number of a {@code tile.fail} in its kernel, from 1; else 0
    record Node(Op op, int[] operands, int[] results, List<Block> bodies, int failure) {}

    /// A body: the numbers of its parameters, and of what its terminator hands on.
    record Block(int[] params, List<Node> nodes, int[] yields) {}

    final Block body;
    private final Map<Value, Integer> numbers = new IdentityHashMap<>();
    private int failures;

    TileProgram(TileOp.Kernel kernel) {
        body = block(kernel.body());
    }

    int values() {
        return numbers.size();
    }

    private Block block(Body body) {
        var params = body.params().stream().mapToInt(this::define).toArray();
        var nodes = new ArrayList<Node>();
        var yields = new int[0];
        for (var op : body.ops()) {
            var operands = OpSchema.operands(op).stream().mapToInt(this::use).toArray();
            if (op instanceof Op.Terminator) {
                yields = operands;
                break;
            }
            int failure = op instanceof TileOp.Fail ? ++failures : 0;
            var bodies = OpSchema.bodies(op).stream().map(this::block).toList();
            nodes.add(new Node(
                    op,
                    operands,
                    OpSchema.results(op).stream().mapToInt(this::define).toArray(),
                    bodies,
                    failure));
        }
        return new Block(params, List.copyOf(nodes), yields);
    }

    private int define(Value value) {
        int number = numbers.size();
        if (numbers.putIfAbsent(value, number) != null) {
            throw new IrException(value + " is defined twice");
        }
        return number;
    }

    private int use(Value value) {
        var number = numbers.get(value);
        if (number == null) {
            throw new IrException(value + " is used and not defined before");
        }
        return number;
    }
}
