package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Combine;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes indices, constants, masks and arithmetic of a kernel: everything that needs no memory.
class ScalarEmitter {
    final NestAnalysis analysis;
    /// Whether lanes are those of one thread among many: all of a vector's lanes are on, or none is.
    final boolean threaded;

    ScalarEmitter(NestAnalysis analysis, boolean threaded) {
        this.analysis = analysis;
        this.threaded = threaded;
    }

    /// A number as an index.
    Value number(Scope scope, Dim value) {
        var root = scope.home(Set.of());
        return root.helper(List.of("number", value), () -> {
            var result = Value.of(Type.INDEX, value.isConstant() ? "c" + value.toString().replace('-', 'm') : "n");
            root.ops.add(new TileOp.Expression(List.of(), value, result));
            return result;
        });
    }

    /// An expression over operands, {@code $0} the first.
    Value expression(Scope scope, Dim value, Value... operands) {
        if (operands.length > 0 && value.equals(Dim.symbol("$0"))) {
            return operands[0];
        }
        long lanes = 1;
        for (var operand : operands) {
            lanes = Math.max(lanes, operand.type().laneCount());
        }
        var result = Value.of(indexType(lanes), "i");
        scope.ops.add(new TileOp.Expression(List.of(operands), value, result));
        return result;
    }

    static Type indexType(long lanes) {
        return lanes == 1 ? Type.INDEX : Type.vector(lanes, ElementType.INDEX);
    }

    static Type laneType(long lanes, ElementType element) {
        return lanes == 1 ? Type.scalar(element) : Type.vector(lanes, element);
    }

    /// The element that an axis stands at for one coordinate, or the first of its lanes.
    Value axisBase(Scope scope, String axis, int coordinate) {
        var position = scope.position(axis);
        if (coordinate == 0) {
            return position.base();
        }
        var home = scope.home(Set.of(axis));
        return home.helper(List.of("base", axis, coordinate), () -> 
                expression(home, Dim.symbol("$0").plus(position.offset(coordinate)), position.base()));
    }

    /// The elements that the lanes of an axis stand at.
    Value axisLanes(Scope scope, String axis, int coordinate) {
        var position = scope.position(axis);
        var home = scope.home(Set.of(axis));
        return home.helper(List.of("lanes", axis, coordinate), () -> {
            var type = indexType(position.lanes());
            var lanes = laneNumbers(home, position.lanes());
            var base = broadcast(home, axisBase(home, axis, coordinate), position.lanes());
            var result = Value.of(type, axis);
            home.ops.add(new ArithOp.Add(base, lanes, result));
            return result;
        });
    }

    private Value laneNumbers(Scope scope, long lanes) {
        var root = scope.home(Set.of());
        return root.helper(List.of("lane", lanes), () -> {
            var result = Value.of(indexType(lanes), "lane");
            root.ops.add(new TileOp.Lanes(result));
            return result;
        });
    }

    /// The mask of an axis at a coordinate: {@code null} where all lanes are on.
    Value mask(Scope scope, String axis, int coordinate) {
        var position = scope.position(axis);
        if (coordinate < position.whole()) {
            return null;
        }
        var home = scope.home(Set.of(axis));
        return home.helper(List.of("mask", axis, coordinate), () -> {
            if (threaded) {
                return compare(home, axisBase(home, axis, coordinate), Relation.LESS, position.end());
            }
            var result = Value.of(new Type.Mask(position.lanes()), "on");
            home.ops.add(new TileOp.Mask(axisBase(home, axis, coordinate), position.end(), result));
            return result;
        });
    }

    /// The scalar in all lanes; a vector stays.
    Value broadcast(Scope scope, Value value, long lanes) {
        if (lanes == 1 || value.type().laneCount() == lanes) {
            return value;
        }
        return scope.helper(List.of("broadcast", new Identity(value), lanes), () -> {
            var result = Value.of(Type.vector(lanes, value.type().elementType()), value.hint());
            scope.ops.add(new TileOp.Broadcast(value, result));
            return result;
        });
    }

    /// A key that compares by identity.
    record Identity(Value value) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Identity(Value own) && own == value;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(value);
        }
    }

    /// An operation of the arith dialect on operands that may have lanes.
    Value arithmetic(Scope scope, Op op, List<Value> operands) {
        long lanes = operands.stream().mapToLong(value -> value.type().laneCount()).max().orElse(1);
        var widened = new ArrayList<Value>();
        operands.forEach(operand -> widened.add(broadcast(scope, operand, lanes)));
        var iterator = widened.iterator();
        var result = new Value[1];
        scope.ops.add(OpSchema.rebuild(
                op,
                _ -> iterator.next(),
                old -> result[0] = Value.of(laneType(lanes, old.type().elementType()), old.hint()),
                body -> body));
        return result[0];
    }

    /// Applies a combiner body to accumulators and values that may have lanes.
    List<Value> combine(Scope scope, Reduction reduction, List<Value> accumulators, List<Value> values) {
        var body = reduction.combiner();
        var mapping = new IdentityHashMap<Value, Value>();
        for (int i = 0; i < accumulators.size(); i++) {
            mapping.put(body.params().get(i), accumulators.get(i));
        }
        for (int i = 0; i < values.size(); i++) {
            mapping.put(body.params().get(accumulators.size() + i), values.get(i));
        }
        for (var op : body.ops().subList(0, body.ops().size() - 1)) {
            var operands = OpSchema.operands(op).stream()
                    .map(operand -> mapping.getOrDefault(operand, operand))
                    .toList();
            mapping.put(OpSchema.results(op).getFirst(), arithmetic(scope, op, operands));
        }
        return ((NestOp.Yield) body.terminator())
                .values().stream().map(value -> mapping.getOrDefault(value, value)).toList();
    }

    Value and(Scope scope, Value left, Value right) {
        if (left == null) {
            return right;
        }
        if (right == null) {
            return left;
        }
        long lanes = Math.max(left.type().laneCount(), right.type().laneCount());
        var result = Value.of(laneType(lanes, ElementType.BOOL), "on");
        scope.ops.add(new ArithOp.And(broadcast(scope, left, lanes), broadcast(scope, right, lanes), result));
        return result;
    }

    Value not(Scope scope, Value condition) {
        var result = Value.of(condition.type(), "off");
        scope.ops.add(new ArithOp.Not(condition, result));
        return result;
    }

    Value compare(Scope scope, Value left, Relation relation, Value right) {
        long lanes = Math.max(left.type().laneCount(), right.type().laneCount());
        var result = Value.of(laneType(lanes, ElementType.BOOL), "inside");
        scope.ops.add(new ArithOp.Compare(
                broadcast(scope, left, lanes), broadcast(scope, right, lanes), relation, result));
        return result;
    }

    Value select(Scope scope, Value condition, Value yes, Value no) {
        long lanes = Math.max(
                condition.type().laneCount(),
                Math.max(yes.type().laneCount(), no.type().laneCount()));
        var result = Value.of(laneType(lanes, yes.type().elementType()), yes.hint());
        scope.ops.add(new ArithOp.Select(
                condition.type().laneCount() == 1 ? condition : broadcast(scope, condition, lanes),
                broadcast(scope, yes, lanes),
                broadcast(scope, no, lanes),
                result));
        return result;
    }

    Value constant(Scope scope, ElementType element, double value) {
        var root = scope.home(Set.of());
        return root.helper(List.of("constant", element, value), () -> {
            var result = Value.of(Type.scalar(element), "k");
            root.ops.add(
                    element.isFloat() ? new ArithOp.Const(value, result) : new ArithOp.Integer((long) value, result));
            return result;
        });
    }

    /// All lanes combined into a scalar, halves pairwise.
    List<Value> acrossLanes(Scope scope, Reduction reduction, List<Value> vectors) {
        var parts = vectors;
        long lanes = parts.getFirst().type().laneCount();
        if (reduction.isSum()) {
            var vector = parts.getFirst();
            var result = Value.of(Type.scalar(vector.type().elementType()), vector.hint());
            scope.ops.add(new TileOp.Reduce(vector, Combine.SUM, result));
            return List.of(result);
        }
        while (lanes > 1) {
            long half = lanes / 2;
            var low = new ArrayList<Value>();
            var high = new ArrayList<Value>();
            for (var part : parts) {
                low.add(lanesOf(scope, part, 0, half));
                high.add(lanesOf(scope, part, half, half));
            }
            parts = combine(scope, reduction, low, high);
            lanes = half;
        }
        return parts;
    }

    private Value lanesOf(Scope scope, Value vector, long from, long count) {
        var element = vector.type().elementType();
        var result = Value.of(laneType(count, element), vector.hint());
        if (count == 1) {
            scope.ops.add(new TileOp.Extract(vector, from, result));
        } else {
            var lanes = LongStream.range(from, from + count).boxed().toList();
            scope.ops.add(new TileOp.Shuffle(List.of(vector), lanes, result));
        }
        return result;
    }

    /// An index expression over axes and {@code $} operands at one coordinate: a scalar where it does not depend on a
    /// vector axis or a vector operand, else one index for each lane.
    Value index(Scope scope, Dim value, List<Value> dollars, Map<String, Integer> coordinates) {
        var replacements = new TreeMap<String, Dim>();
        var operands = new ArrayList<Value>();
        for (var symbol : value.symbols()) {
            Value operand;
            if (symbol.startsWith("$")) {
                operand = asIndex(scope, dollars.get(Integer.parseInt(symbol.substring(1))));
            } else if (analysis.isAxis(symbol)) {
                int coordinate = coordinates.getOrDefault(symbol, 0);
                operand = scope.position(symbol).isVector()
                        ? axisLanes(scope, symbol, coordinate)
                        : axisBase(scope, symbol, coordinate);
            } else {
                continue;
            }
            replacements.put(symbol, Dim.symbol("$" + operands.size()));
            operands.add(operand);
        }
        if (operands.isEmpty()) {
            return number(scope, value);
        }
        long lanes = operands.stream().mapToLong(operand -> operand.type().laneCount()).max().orElse(1);
        operands.replaceAll(operand -> broadcast(scope, operand, lanes));
        return expression(scope, value.substitute(replacements::get), operands.toArray(Value[]::new));
    }

    /// Like {@link #index} but with vector axes at their first lane.
    Value firstIndex(Scope scope, Dim value, List<Value> dollars, Map<String, Integer> coordinates) {
        var operands = new ArrayList<Value>();
        var replacements = new TreeMap<String, Dim>();
        for (var symbol : value.symbols()) {
            Value operand;
            if (symbol.startsWith("$")) {
                operand = asIndex(scope, dollars.get(Integer.parseInt(symbol.substring(1))));
            } else if (analysis.isAxis(symbol)) {
                operand = axisBase(scope, symbol, coordinates.getOrDefault(symbol, 0));
            } else {
                continue;
            }
            replacements.put(symbol, Dim.symbol("$" + operands.size()));
            operands.add(operand);
        }
        return operands.isEmpty()
                ? number(scope, value)
                : expression(scope, value.substitute(replacements::get), operands.toArray(Value[]::new));
    }

    Value asIndex(Scope scope, Value integer) {
        if (integer.type().elementType() == ElementType.INDEX) {
            return integer;
        }
        var result = Value.of(laneType(integer.type().laneCount(), ElementType.INDEX), integer.hint());
        scope.ops.add(new ArithOp.Cast(integer, result));
        return result;
    }
}
