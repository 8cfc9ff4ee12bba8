package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.ArithOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;

/// Scalar code made ready to be evaluated operation by operation over rows of points, so that the cost of choosing an
/// operation is paid once for a row. An instance has scratch memory of its own and serves one thread.
final class LaneProgram {
    /// Points that are evaluated at once: a few rows of them lie in the nearest cache.
    static final int BLOCK = 2048;

    private record Step(ArithOp op, int[] operands, int result) {}

    private final List<Step> steps = new ArrayList<>();
    private final Map<Value, Integer> slots = new IdentityHashMap<>();
    private final ArithInterpreter.Lanes[] lanes;
    private final int[] yields;

    /// @param params scalars that are given to {@link #run}
    /// @param ops arithmetic over them, then a terminator
    /// @param yields what is computed
    LaneProgram(List<Value> params, List<Op> ops, List<Value> yields) {
        for (var param : params) {
            slots.put(param, slots.size());
        }
        for (var op : ops) {
            if (op instanceof Op.Terminator) {
                break;
            }
            if (!(op instanceof ArithOp arith)) {
                throw new IrException("expected arithmetic over scalars, found "
                        + OpSchema.of(op).name());
            }
            var operands = OpSchema.operands(op).stream().mapToInt(this::slot).toArray();
            slots.put(arith.result(), slots.size());
            steps.add(new Step(arith, operands, slots.size() - 1));
        }
        this.yields = yields.stream().mapToInt(this::slot).toArray();
        lanes = new ArithInterpreter.Lanes[slots.size()];
        for (var step : steps) {
            var elements = Elements.allocate(step.op.result().type().elementType(), BLOCK);
            lanes[step.result] = new ArithInterpreter.Lanes(elements, 0);
            if (step.op instanceof ArithOp.Const || step.op instanceof ArithOp.Integer) {
                ArithInterpreter.apply(step.op, new ArithInterpreter.Lanes[0], elements, 0, BLOCK);
            }
        }
        steps.removeIf(step -> step.op instanceof ArithOp.Const || step.op instanceof ArithOp.Integer);
    }

    private int slot(Value value) {
        var slot = slots.get(value);
        if (slot == null) {
            throw new IrException("scalar code uses " + value + ", which is not defined before it");
        }
        return slot;
    }

    /// Evaluates {@code count} points, {@link #BLOCK} at a time.
    void run(ArithInterpreter.Lanes[] params, ArithInterpreter.Lanes[] results, int count) {
        for (int start = 0; start < count; start += BLOCK) {
            int length = Math.min(BLOCK, count - start);
            for (int i = 0; i < params.length; i++) {
                lanes[i] = new ArithInterpreter.Lanes(params[i].elements(), params[i].offset() + start);
            }
            for (var step : steps) {
                var operands = new ArithInterpreter.Lanes[step.operands.length];
                for (int i = 0; i < operands.length; i++) {
                    operands[i] = lanes[step.operands[i]];
                }
                ArithInterpreter.apply(step.op, operands, lanes[step.result].elements(), 0, length);
            }
            for (int i = 0; i < results.length; i++) {
                var source = lanes[yields[i]];
                source.elements().copyTo(source.offset(), results[i].elements(), results[i].offset() + start, length);
            }
        }
    }
}
