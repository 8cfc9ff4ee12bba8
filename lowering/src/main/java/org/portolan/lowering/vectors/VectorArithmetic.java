package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// Arithmetic on vectors in memory: maps where the machine has the operation, scalars where all lanes are the same, bounds
/// where masks are, and else loops over lanes.
class VectorArithmetic extends VectorBuffers {
    final Map<Value, Long> numbers = new IdentityHashMap<>();

    VectorArithmetic(Body body, VectorTable table) {
        super(body, table);
    }

    // ------------------------------------------------------------------------------------------------------ arithmetic

    void arith(ArithOp op) {
        if (op instanceof ArithOp.Const(double value, Value result)) {
            uniform(result, new ArithOp.Const(value, scalarOf(result)));
            return;
        }
        if (op instanceof ArithOp.Integer(long value, Value result)) {
            var number = new ArithOp.Integer(value, scalarOf(result));
            numbers.put(number.result(), value);
            uniform(result, number);
            return;
        }
        var operands = OpSchema.operands(op);
        boolean uniform = operands.stream()
                .allMatch(value -> !isVector(value) || places.get(value) instanceof Place.Uniform);
        if (uniform) {
            var scalar = scalarOf(op.result());
            uniform(op.result(), (ArithOp) OpSchema.rebuild(op, this::scalar, _ -> scalar, body -> body));
            return;
        }
        var interval = interval(op);
        if (interval != null) {
            places.put(op.result(), interval);
            return;
        }
        if (op instanceof ArithOp.Select select && !isVector(select.condition())) {
            choose(select);
            return;
        }
        if (isMap(op)) {
            mapped(op);
        } else {
            byLanes(op);
        }
    }

    static Value scalarOf(Value vector) {
        return Value.of(Type.scalar(vector.type().elementType()), vector.hint());
    }

    Value scalar(Value value) {
        return isVector(value) ? ((Place.Uniform) places.get(value)).scalar() : value;
    }

    void uniform(Value vector, ArithOp scalar) {
        if (dependsOnGroup(scalar)) {
            flush();
        }
        ops.add(scalar);
        places.put(vector, new Place.Uniform(scalar.result()));
    }

    /// Masks that stay bounds.
    Place interval(ArithOp op) {
        if (!(op.result().type() instanceof Type.Mask)) {
            return null;
        }
        if (op instanceof ArithOp.Not(Value operand, _)
                && places.get(operand) instanceof Place.Interval(var first, var limit)
                && first.isPresent() != limit.isPresent()) {
            return new Place.Interval(limit, first);
        }
        if (op instanceof ArithOp.And(Value left, Value right, Value result)) {
            var own = bounds(left);
            var other = bounds(right);
            if (own != null && other != null) {
                var first = pick(own.first(), other.first(), true);
                var limit = pick(own.limit(), other.limit(), false);
                return new Place.Interval(first, limit);
            }
        }
        return null;
    }

    /// A mask as bounds: of one truth value everywhere all or none.
    Place.Interval bounds(Value mask) {
        return switch (places.get(mask)) {
            case Place.Interval interval -> interval;
            case Place.Uniform(Value scalar) -> {
                var limit = Value.of(Type.INDEX, "limit");
                var all = LaneLoops.index(ops, mask.type().laneCount());
                var none = LaneLoops.index(ops, 0);
                ops.add(new ArithOp.Select(scalar, all, none, limit));
                yield new Place.Interval(Optional.empty(), Optional.of(limit));
            }
            case Place.Buffer _, Place.Ascending _ -> null;
            case null -> null;
        };
    }

    Optional<Value> pick(Optional<Value> left, Optional<Value> right, boolean larger) {
        if (left.isEmpty() || right.isEmpty()) {
            return left.or(() -> right);
        }
        var result = Value.of(Type.INDEX, larger ? "first" : "limit");
        ops.add(larger ? new ArithOp.Max(left.get(), right.get(), result) : new ArithOp.Min(left.get(), right.get(), result));
        return Optional.of(result);
    }

    /// One condition for all lanes.
    void choose(ArithOp.Select select) {
        var yes = buffer(select.yes());
        var no = buffer(select.no());
        flush();
        var to = destination(select.result());
        long lanes = select.result().type().laneCount();
        ops.add(new TileOp.If(
                select.condition(),
                copyBody(to, yes, lanes),
                copyBody(to, no, lanes),
                List.of()));
        places.put(select.result(), new Place.Buffer(to));
    }

    Body copyBody(Value to, Value from, long lanes) {
        var outer = ops;
        ops = new ArrayList<>();
        if (to != from) {
            map(to, List.of(from), lanes, null);
        }
        ops.add(new TileOp.Yield(List.of()));
        var body = new Body(List.of(), ops);
        ops = outer;
        return body;
    }

    boolean isMap(ArithOp op) {
        if (!table.has(op)) {
            return false;
        }
        long lanes = op.result().type().laneCount();
        var narrow = OpSchema.operands(op).getFirst().type().elementType();
        if (lanes * narrow.bits() / 8 < table.alignment()) {
            return false;
        }
        if (op instanceof ArithOp.Compare && lanes * narrow.bits() / 8 % VectorTable.COMPARE_BYTES != 0) {
            return false;
        }
        if (op instanceof ArithOp.Shl || op instanceof ArithOp.Shr) {
            var distance = ((ArithOp.Binary) op).right();
            return places.get(distance) instanceof Place.Uniform(Value scalar)
                    && numbers.get(scalar) instanceof Long number
                    && number >= 0
                    && number < narrow.bits();
        }
        return true;
    }

    /// One instruction. Scalars stay scalars where the machine takes them: as the right operand of what commutes, of a
    /// comparison and of a shift.
    void mapped(ArithOp op) {
        var turned = scalarToTheRight(op);
        var operands = OpSchema.operands(turned);
        boolean takesScalar = turned instanceof ArithOp.Add
                || turned instanceof ArithOp.Mul
                || turned instanceof ArithOp.Min
                || turned instanceof ArithOp.Max
                || turned instanceof ArithOp.Shl
                || turned instanceof ArithOp.Shr
                || turned instanceof ArithOp.Compare compare
                        && table.has("compare.scalar", compare.left().type().elementType());
        var from = new ArrayList<Value>();
        for (int i = 0; i < operands.size(); i++) {
            var operand = operands.get(i);
            boolean scalar = i == 1 && takesScalar && place(operand) instanceof Place.Uniform;
            from.add(scalar ? ((Place.Uniform) places.get(operand)).scalar() : buffer(operand));
        }
        var to = destination(op.result());
        map(to, from, op.result().type().laneCount(), turned);
        places.put(op.result(), new Place.Buffer(to));
    }

    ArithOp scalarToTheRight(ArithOp op) {
        boolean left = places.get(OpSchema.operands(op).getFirst()) instanceof Place.Uniform;
        if (!left) {
            return op;
        }
        return switch (op) {
            case ArithOp.Add(Value a, Value b, Value result) -> new ArithOp.Add(b, a, result);
            case ArithOp.Mul(Value a, Value b, Value result) -> new ArithOp.Mul(b, a, result);
            case ArithOp.Min(Value a, Value b, Value result) -> new ArithOp.Min(b, a, result);
            case ArithOp.Max(Value a, Value b, Value result) -> new ArithOp.Max(b, a, result);
            case ArithOp.Compare(Value a, Value b, Relation relation, Value result)
                    when table.compares(turned(relation), a.type().elementType()) ->
                new ArithOp.Compare(b, a, turned(relation), result);
            case ArithOp.Compare _, ArithOp.Const _, ArithOp.Integer _, ArithOp.Fma _, ArithOp.Select _ -> op;
            case ArithOp.Cast _, ArithOp.Bitcast _, ArithOp.Unary _, ArithOp.Binary _ -> op;
        };
    }

    static Relation turned(Relation relation) {
        return switch (relation) {
            case EQUAL, NOT_EQUAL -> relation;
            case LESS -> Relation.GREATER;
            case LESS_OR_EQUAL -> Relation.GREATER_OR_EQUAL;
            case GREATER -> Relation.LESS;
            case GREATER_OR_EQUAL -> Relation.LESS_OR_EQUAL;
        };
    }
}
