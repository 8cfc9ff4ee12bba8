package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.Resource;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Functions of nests, branches and loops over tensors of whole blocks of 64 bytes.
final class RandomFunction {
    private final Random random;
    private int names;

    private RandomFunction(long seed) {
        random = new Random(seed);
    }

    static GraphOp.Function of(long seed) {
        return new RandomFunction(seed).function();
    }

    private GraphOp.Function function() {
        var params = List.of(
                tensor(Dim.of(16)),
                Value.of(Type.tensor(ElementType.F32, List.of(Dim.symbol("n"), Dim.of(16))), name()),
                condition("p"), condition("q"));
        var visible = new ArrayList<>(params);
        var ops = new ArrayList<Op>();
        fill(ops, visible, 5 + random.nextInt(25), 2);
        var returned = new ArrayList<Value>();
        for (int i = 0; i < 4; i++) {
            returned.add(visible.get(random.nextInt(visible.size())));
        }
        returned.add(visible.getLast());
        ops.add(new GraphOp.Return(returned));
        return new GraphOp.Function("f", List.of(new SymbolRange("n", 1, 100)), new Body(params, ops));
    }

    private void fill(List<Op> ops, List<Value> visible, int count, int depth) {
        for (int i = 0; i < count; i++) {
            int choice = random.nextInt(depth > 0 ? 12 : 8);
            switch (choice) {
                case 0 -> {
                    var constant = tensor(Dim.of(16));
                    ops.add(new GraphOp.Constant(new Resource.SplatInteger(random.nextInt(3)), constant));
                    visible.add(constant);
                }
                case 1 -> {
                    var input = pick(visible, ElementType.F32);
                    var view = Value.of(
                            input.tensor().withDims(List.of(input.tensor().elements(), Dim.ONE)), name());
                    ops.add(new GraphOp.Reshape(input, view));
                    visible.add(view);
                }
                case 2, 3 -> {
                    var old = pick(visible, ElementType.F32);
                    visible.add(nest(ops, List.of(pick(visible, ElementType.F32)), List.of(old), old.type()));
                }
                case 8, 9 -> branch(ops, visible, depth);
                case 10, 11 -> loop(ops, visible, depth);
                default -> {
                    var inputs = List.of(pick(visible, ElementType.F32), pick(visible, ElementType.F32));
                    boolean truth = random.nextInt(5) == 0;
                    var type = truth ? condition("c").type() : tensor(extent()).type();
                    visible.add(nest(ops, inputs, List.of(), type));
                }
            }
        }
    }

    private Dim extent() {
        return Dim.of(16L << random.nextInt(3)).times(random.nextBoolean() ? Dim.symbol("n") : Dim.ONE);
    }

    private String name() {
        return "v" + names++;
    }

    private Value tensor(Dim extent) {
        return Value.of(Type.tensor(ElementType.F32, List.of(extent)), name());
    }

    private Value condition(String hint) {
        return Value.of(Type.tensor(ElementType.BOOL, List.of()), hint + name());
    }

    private Value pick(List<Value> visible, ElementType type) {
        var fitting = visible.stream().filter(value -> value.type().elementType() == type).toList();
        return fitting.get(fitting.size() - 1 - Math.min(fitting.size() - 1, random.nextInt(6)));
    }

    private Value nest(List<Op> ops, List<Value> inputs, List<Value> into, Type type) {
        var result = Value.of(type, name());
        var axis = new Axis("i", result.tensor().elements());
        var read = Value.of(Type.scalar(ElementType.INDEX));
        var body = Body.of(
                new NestOp.Index(List.of(), axis.index(), read),
                new NestOp.Yield(List.of(read), List.of(), List.of(List.of(axis.index()))));
        ops.add(new NestOp.Compute(inputs, into, List.of(axis), List.of(result.hint()), body, List.of(result)));
        return result;
    }

    private void branch(List<Op> ops, List<Value> visible, int depth) {
        var types = List.of(tensor(extent()).type(), tensor(extent()).type());
        var yes = branchBody(visible, types, depth);
        var no = branchBody(visible, types, depth);
        var results = types.stream().map(type -> Value.of(type, name())).toList();
        ops.add(new GraphOp.If(pick(visible, ElementType.BOOL), yes, no, results));
        visible.addAll(results);
    }

    private Body branchBody(List<Value> visible, List<Type> types, int depth) {
        var inside = new ArrayList<>(visible);
        var ops = new ArrayList<Op>();
        fill(ops, inside, random.nextInt(4), depth - 1);
        ops.add(new GraphOp.Yield(yielded(ops, inside, types)));
        return new Body(List.of(), ops);
    }

    /// A value of each type: one that is there already, now and then, else a new one.
    private List<Value> yielded(List<Op> ops, List<Value> inside, List<Type> types) {
        var values = new ArrayList<Value>();
        for (var type : types) {
            var there = inside.stream().filter(value -> value.type().equals(type)).toList();
            values.add(
                    !there.isEmpty() && random.nextBoolean()
                            ? there.get(random.nextInt(there.size()))
                            : nest(ops, List.of(pick(inside, ElementType.F32)), List.of(), type));
        }
        return values;
    }

    private void loop(List<Op> ops, List<Value> visible, int depth) {
        Optional<Value> trips = Optional.empty();
        if (random.nextInt(4) > 0) {
            trips = Optional.of(Value.of(Type.tensor(ElementType.I64, List.of()), name()));
            ops.add(new GraphOp.Constant(new Resource.SplatInteger(random.nextInt(4)), trips.get()));
        }
        var initial = List.of(pick(visible, ElementType.F32), pick(visible, ElementType.F32));
        var params = new ArrayList<Value>();
        params.add(Value.of(Type.tensor(ElementType.I64, List.of()), name()));
        params.add(condition("go"));
        initial.forEach(value -> params.add(value.copy()));
        var inside = new ArrayList<>(visible);
        inside.addAll(params.subList(1, params.size()));
        var body = new ArrayList<Op>();
        fill(body, inside, random.nextInt(5), depth - 1);
        body.add(new GraphOp.Constant(new Resource.SplatInteger(1), params.getFirst().copy()));
        var scanned = tensor(extent()).type();
        var types = new ArrayList<Type>();
        types.add(params.get(1).type());
        initial.forEach(value -> types.add(value.type()));
        types.add(scanned);
        var values = new ArrayList<>(yielded(body, inside, types));
        if (trips.isEmpty()) {
            values.set(0, nest(body, List.of(params.getFirst()), List.of(), types.getFirst()));
        }
        body.add(new GraphOp.Yield(values));
        var symbol = "trips" + name();
        var results = new ArrayList<Value>();
        initial.forEach(value -> results.add(Value.of(value.type(), name())));
        var dims = new ArrayList<>(((Type.Tensor) scanned).dims());
        dims.addFirst(Dim.symbol(symbol));
        var stacked = Value.of(Type.tensor(ElementType.F32, dims), name());
        results.add(stacked);
        ops.add(new GraphOp.Loop(
                trips,
                random.nextBoolean() ? Optional.of(pick(visible, ElementType.BOOL)) : Optional.empty(),
                initial,
                symbol,
                new Body(params, body),
                results));
        visible.addAll(results.subList(0, initial.size()));
        if (depth == 2) {
            visible.add(nest(ops, List.of(stacked), List.of(), tensor(Dim.of(16)).type()));
        }
    }
}
