package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.runtime.type.Dim;

/// Leaves of a nest's body what is needed: equal scalars are computed once, also reductions that differ by the name
/// of their axis alone; choices that are known are taken; what nobody uses goes, axes included.
final class Cleanup {
    /// What makes two operations equal. Values have no equality but their identity, which is what is meant.
    private record Key(Class<?> kind, List<Object> parts, List<Type> types) {}

    private final OpenNest nest;
    private final DimBounds bounds;
    private final Rewriter rewriter = new Rewriter();
    private final Map<Key, Op> seen = new HashMap<>();
    private final Map<Value, Op> definitions = new IdentityHashMap<>();
    private final List<Op> kept = new ArrayList<>();

    private Cleanup(OpenNest nest) {
        this.nest = nest;
        this.bounds = nest.bounds();
    }

    static void run(OpenNest nest) {
        new Cleanup(nest).run();
    }

    private void run() {
        for (var old : nest.ops()) {
            var op = simplified(rewriter.copy(old));
            if (op == null) {
                continue;
            }
            var key = key(op);
            var first = key == null ? null : seen.putIfAbsent(key, op);
            if (first == null) {
                keep(op);
            } else {
                var results = Scalars.results(op);
                for (int i = 0; i < results.size(); i++) {
                    rewriter.replace(results.get(i), Scalars.results(first).get(i));
                }
            }
        }
        sweep((NestOp.Yield) rewriter.copy(nest.end()));
    }

    /// The operation, a simpler one, or {@code null} if another value took its result's place.
    private Op simplified(Op op) {
        if (nest.undecided().contains(op)) {
            return op;
        }
        if (op instanceof NestOp.Read read && read.otherwise() != Otherwise.PROVEN) {
            if (!isWithin(read)) {
                nest.undecided().add(op);
                return op;
            }
            return new NestOp.Read(
                    read.source(), read.indices(), Optional.empty(), read.at(), Otherwise.PROVEN, read.result());
        }
        if (op instanceof ArithOp.Select select && truth(select.condition()) instanceof OptionalLong known
                && known.isPresent()) {
            rewriter.replace(select.result(), known.getAsLong() != 0 ? select.yes() : select.no());
            return null;
        }
        if (op instanceof ArithOp.Compare compare) {
            var known = known(compare);
            if (known.isPresent()) {
                return new ArithOp.Integer(known.getAsLong(), compare.result());
            }
            nest.undecided().add(op);
        }
        if (op instanceof ArithOp.Pow power) {
            return withoutPower(power);
        }
        if (op instanceof ArithOp.And and) {
            var left = truth(and.left());
            var right = truth(and.right());
            if (left.isPresent() && left.getAsLong() == 1 && isTruth(and.left())) {
                rewriter.replace(and.result(), and.right());
                return null;
            }
            if (right.isPresent() && right.getAsLong() == 1 && isTruth(and.right())) {
                rewriter.replace(and.result(), and.left());
                return null;
            }
        }
        return op;
    }

    /// A square and a cube are products.
    private Op withoutPower(ArithOp.Pow power) {
        if (!(definitions.get(power.right()) instanceof ArithOp.Const(double exponent, _))) {
            return power;
        }
        if (exponent == 2) {
            return new ArithOp.Mul(power.left(), power.left(), power.result());
        }
        if (exponent == 3) {
            var square = Value.of(power.result().type());
            keep(new ArithOp.Mul(power.left(), power.left(), square));
            return new ArithOp.Mul(square, power.left(), power.result());
        }
        return power;
    }

    private void keep(Op op) {
        kept.add(op);
        Scalars.results(op).forEach(result -> definitions.put(result, op));
    }

    private boolean isWithin(NestOp.Read read) {
        for (int i = 0; i < read.at().size(); i++) {
            if (!bounds.isWithin(read.at().get(i), read.source().tensor().dim(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isTruth(Value value) {
        return value.type().equals(Type.BOOL);
    }

    private OptionalLong truth(Value condition) {
        return definitions.get(condition) instanceof ArithOp.Integer(long value, _)
                ? OptionalLong.of(value)
                : OptionalLong.empty();
    }

    /// The truth of a comparison of index expressions, if the bounds of the axes tell.
    private OptionalLong known(ArithOp.Compare compare) {
        if (!(definitions.get(compare.left()) instanceof NestOp.Index left)
                || !(definitions.get(compare.right()) instanceof NestOp.Index right)
                || !left.operands().isEmpty()
                || !right.operands().isEmpty()
                || !left.result().type().equals(Type.INDEX)) {
            return OptionalLong.empty();
        }
        return switch (compare.relation()) {
            case LESS -> less(left.value(), right.value());
            case GREATER -> less(right.value(), left.value());
            case GREATER_OR_EQUAL -> not(less(left.value(), right.value()));
            case LESS_OR_EQUAL -> not(less(right.value(), left.value()));
            case EQUAL, NOT_EQUAL -> {
                boolean equal = compare.relation() == Relation.EQUAL;
                if (bounds.areEqual(left.value(), right.value())) {
                    yield OptionalLong.of(equal ? 1 : 0);
                }
                boolean apart =
                        bounds.isLess(left.value(), right.value()) || bounds.isLess(right.value(), left.value());
                yield apart ? OptionalLong.of(equal ? 0 : 1) : OptionalLong.empty();
            }
        };
    }

    private OptionalLong less(Dim left, Dim right) {
        return bounds.isLess(left, right)
                ? OptionalLong.of(1)
                : bounds.isAtMost(right, left) ? OptionalLong.of(0) : OptionalLong.empty();
    }

    private static OptionalLong not(OptionalLong truth) {
        return truth.isPresent() ? OptionalLong.of(1 - truth.getAsLong()) : truth;
    }

    private Key key(Op op) {
        var types = Scalars.results(op).stream().map(Value::type).toList();
        if (op instanceof NestOp.Sum || op instanceof NestOp.Reduce) {
            return new Key(op.getClass(), reductionKey(op), types);
        }
        if (!Scalars.bodies(op).isEmpty()) {
            return null;
        }
        return new Key(op.getClass(), parts(op, Map.of(), Map.of()), types);
    }

    private static List<Object> parts(Op op, Map<Value, Integer> numbers, Map<String, Dim> axes) {
        var parts = new ArrayList<>();
        for (var component : OpSchema.of(op).components()) {
            switch (component.role()) {
                case OPERAND -> parts.add(numbered((Value) OpSchema.get(component, op), numbers));
                case OPERAND_LIST -> {
                    var list = new ArrayList<>();
                    for (var operand : (List<?>) OpSchema.get(component, op)) {
                        list.add(numbered((Value) operand, numbers));
                    }
                    parts.add(list);
                }
                case OPERAND_OPTIONAL ->
                    parts.add(((Optional<?>) OpSchema.get(component, op))
                            .map(operand -> numbered((Value) operand, numbers)));
                case ATTRIBUTE -> parts.add(renamed(OpSchema.get(component, op), axes));
                case RESULT, RESULT_LIST, BODY -> {}
            }
        }
        return parts;
    }

    private static Object numbered(Value value, Map<Value, Integer> numbers) {
        var number = numbers.get(value);
        return number == null ? value : number;
    }

    private static Object renamed(Object attribute, Map<String, Dim> axes) {
        return switch (attribute) {
            case Dim dim when !axes.isEmpty() -> dim.substitute(axes::get);
            case String name when axes.containsKey(name) -> axes.get(name);
            case List<?> list -> list.stream().map(item -> renamed(item, axes)).toList();
            default -> attribute;
        };
    }

    /// Everything that a reduction is made of, with its axes called by their position and extent.
    private List<Object> reductionKey(Op reduction) {
        var over = NestFacts.over(reduction);
        var axes = new HashMap<String, Dim>();
        var parts = new ArrayList<>();
        for (int i = 0; i < over.size(); i++) {
            axes.put(over.get(i), Dim.symbol("#" + i));
            parts.add(nest.axes().get(over.get(i)));
        }
        var numbers = new IdentityHashMap<Value, Integer>();
        var inside = within(reduction, new HashSet<>(over));
        for (var op : inside) {
            parts.add(op.getClass());
            parts.add(parts(op, numbers, axes));
            parts.add(bodyParts(op, numbers, axes));
            for (var result : Scalars.results(op)) {
                numbers.put(result, numbers.size());
            }
        }
        parts.add(parts(reduction, numbers, axes));
        parts.add(bodyParts(reduction, numbers, axes));
        return parts;
    }

    private static List<Object> bodyParts(Op op, Map<Value, Integer> around, Map<String, Dim> axes) {
        var parts = new ArrayList<>();
        for (var body : Scalars.bodies(op)) {
            var numbers = new IdentityHashMap<>(around);
            body.params().forEach(param -> numbers.put(param, numbers.size()));
            for (var inner : body.ops()) {
                parts.add(inner.getClass());
                parts.add(parts(inner, numbers, axes));
                parts.add(bodyParts(inner, numbers, axes));
                Scalars.results(inner).forEach(result -> numbers.put(result, numbers.size()));
            }
        }
        return parts;
    }

    /// The operations that a reduction runs for each of its points, in order.
    private List<Op> within(Op reduction, Set<String> over) {
        var needed = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        needed.addAll(Scalars.operands(reduction));
        var free = nestFree();
        var inside = new ArrayList<Op>();
        for (int i = kept.size() - 1; i >= 0; i--) {
            var op = kept.get(i);
            boolean wanted = Scalars.results(op).stream().anyMatch(needed::contains);
            if (wanted && Scalars.results(op).stream().anyMatch(result -> varies(free.get(result), over))) {
                inside.add(op);
                needed.addAll(Scalars.operands(op));
            }
        }
        return inside.reversed();
    }

    private static boolean varies(Set<String> free, Set<String> over) {
        return free != null && !Collections.disjoint(free, over);
    }

    private final Map<Value, Set<String>> free = new IdentityHashMap<>();
    private int freeUpTo;

    private Map<Value, Set<String>> nestFree() {
        for (; freeUpTo < kept.size(); freeUpTo++) {
            var op = kept.get(freeUpTo);
            var axes = new HashSet<String>();
            for (var operand : Scalars.operands(op)) {
                axes.addAll(free.getOrDefault(operand, Set.of()));
            }
            if (op instanceof NestOp.Read read) {
                read.at().forEach(index -> axes.addAll(index.symbols()));
            } else if (op instanceof NestOp.Index index) {
                axes.addAll(index.value().symbols());
            } else if (op instanceof NestOp.Sum || op instanceof NestOp.Reduce) {
                NestFacts.over(op).forEach(axes::remove);
            }
            Scalars.results(op).forEach(result -> free.put(result, axes));
        }
        return free;
    }

    /// Keeps what the end needs, and reads that can fail the run.
    private void sweep(NestOp.Yield end) {
        var used = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        used.addAll(Scalars.operands(end));
        var axes = new HashSet<String>();
        end.to().forEach(to -> to.forEach(index -> axes.addAll(index.symbols())));
        var left = new ArrayList<Op>();
        for (var op : kept.reversed()) {
            boolean fails = op instanceof NestOp.Read read && read.otherwise() == Otherwise.ERROR;
            if (!fails && Scalars.results(op).stream().noneMatch(used::contains)) {
                continue;
            }
            left.add(op);
            used.addAll(Scalars.operands(op));
            for (var body : Scalars.bodies(op)) {
                body.ops().forEach(inner -> used.addAll(Scalars.operands(inner)));
            }
            if (op instanceof NestOp.Read read) {
                read.at().forEach(index -> axes.addAll(index.symbols()));
            } else if (op instanceof NestOp.Index index) {
                axes.addAll(index.value().symbols());
            } else if (op instanceof NestOp.Sum || op instanceof NestOp.Reduce) {
                axes.addAll(NestFacts.over(op));
            }
        }
        nest.setBody(left.reversed(), end);
        if (!axes.containsAll(nest.axes().keySet())) {
            var needed = new LinkedHashMap<>(nest.axes());
            needed.keySet().retainAll(axes);
            nest.setAxes(needed);
        }
    }
}
