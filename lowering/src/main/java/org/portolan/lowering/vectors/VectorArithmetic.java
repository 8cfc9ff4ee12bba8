package org.portolan.lowering.vectors;

import java.util.ArrayList;
import java.util.HashMap;
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
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

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
        if (op instanceof ArithOp.Add(Value left, Value right, Value result) && sum(left, right, result)) {
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

    /// Lanes that ascend stay so when a number is added.
    private boolean sum(Value left, Value right, Value result) {
        if (result.type().elementType() != ElementType.INDEX) {
            return false;
        }
        boolean turned = places.get(left) instanceof Place.Uniform;
        if (!(places.get(turned ? left : right) instanceof Place.Uniform(Value scalar))
                || !(affine(turned ? right : left) instanceof Place.Affine(Value base, long step))) {
            return false;
        }
        places.put(result, new Place.Affine(expression(Dim.symbol("$0").plus(Dim.symbol("$1")), List.of(base, scalar)), step));
        return true;
    }

    /// A vector as a first lane and a step; null if it is no such one.
    Place.Affine affine(Value vector) {
        return switch (places.get(vector)) {
            case Place.Affine affine -> affine;
            case Place.Ascending _ when vector.type().elementType() == ElementType.INDEX ->
                new Place.Affine(LaneLoops.index(ops, 0), 1);
            case Place.Ascending _, Place.Uniform _, Place.Interval _, Place.Buffer _ -> null;
            case null -> null;
        };
    }

    /// The first lane's element, and how many elements the next lane's lies further on.
    record Access(List<Value> indices, Dim step) {}

    /// Lanes that lie evenly in a buffer; null where indices are no vectors, or others.
    Access access(Value buffer, List<Value> indices) {
        var type = buffer.buffer();
        if (type.layout().isPresent() || indices.stream().noneMatch(VectorBuffers::isVector)) {
            return null;
        }
        var first = new ArrayList<Value>();
        Dim step = Dim.ZERO;
        for (int axis = 0; axis < indices.size(); axis++) {
            var index = indices.get(axis);
            if (!isVector(index) || places.get(index) instanceof Place.Uniform) {
                first.add(scalar(index));
            } else if (affine(index) instanceof Place.Affine(Value base, long own)) {
                first.add(base);
                step = step.plus(Dim.product(type.dims().subList(axis + 1, type.rank())).times(own));
            } else {
                return null;
            }
        }
        return step.isConstant(0) ? null : new Access(first, step);
    }

    Value expression(Dim dim, List<Value> operands) {
        var result = Value.of(Type.INDEX, "at");
        ops.add(new TileOp.Expression(operands, dim, result));
        return result;
    }

    /// An expression over lanes that ascend, where it ascends itself or is the same in all of them.
    boolean expression(TileOp.Expression op) {
        var lane = Dim.symbol("lane of this");
        var scalars = new ArrayList<Value>();
        var replaced = new HashMap<String, Dim>();
        for (int i = 0; i < op.operands().size(); i++) {
            var operand = op.operands().get(i);
            var own = Dim.symbol("$" + i);
            if (!isVector(operand) || places.get(operand) instanceof Place.Uniform) {
                scalars.add(scalar(operand));
            } else if (affine(operand) instanceof Place.Affine(Value base, long step)) {
                scalars.add(base);
                replaced.put("$" + i, own.plus(lane.times(step)));
            } else {
                return false;
            }
        }
        var along = op.expression().substitute(replaced::get);
        var next = along.substitute(name -> name.equals(lane.symbolName().orElseThrow()) ? lane.plus(1) : null);
        var step = next.minus(along).constant();
        if (step.isEmpty() || step.getAsLong() < 0) {
            return false;
        }
        var first = expression(op.expression(), scalars);
        places.put(op.result(), step.getAsLong() == 0 ? new Place.Uniform(first) : new Place.Affine(first, step.getAsLong()));
        return true;
    }

    /// Where lanes that ascend are on one side of a number.
    private Place side(Value left, Relation relation, Value right) {
        if (places.get(left) instanceof Place.Uniform && affine(right) != null) {
            return side(right, turned(relation), left);
        }
        if (!(places.get(right) instanceof Place.Uniform(Value bound)) || !(affine(left) instanceof Place.Affine(Value base, long step))) {
            return null;
        }
        var distance = Dim.symbol("$0").minus(Dim.symbol("$1"));
        var beyond = distance.floorDivide(step).plus(1);
        var from = distance.ceilDivide(step);
        return switch (relation) {
            case GREATER_OR_EQUAL -> new Place.Interval(Optional.of(expression(from, List.of(bound, base))), Optional.empty());
            case GREATER -> new Place.Interval(Optional.of(expression(beyond, List.of(bound, base))), Optional.empty());
            case LESS -> new Place.Interval(Optional.empty(), Optional.of(expression(from, List.of(bound, base))));
            case LESS_OR_EQUAL -> new Place.Interval(Optional.empty(), Optional.of(expression(beyond, List.of(bound, base))));
            case EQUAL, NOT_EQUAL -> null;
        };
    }

    /// Masks that stay bounds.
    Place interval(ArithOp op) {
        if (op instanceof ArithOp.Compare(Value left, Value right, Relation relation, Value _)
                && left.type().elementType() == ElementType.INDEX) {
            return side(left, relation, right);
        }
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
            case Place.Buffer _, Place.Ascending _, Place.Affine _ -> null;
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
