package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Executes {@link NestOp.Compute}: every operation of the body for all points of a block before the next one.
/// Reductions combine one point after the other, in ascending row-major order.
final class NestInterpreter {
    private final Symbols symbols;
    private final Memory memory;

    NestInterpreter(Symbols symbols, Memory memory) {
        this.symbols = symbols;
        this.memory = memory;
    }

    /// What is known of a scalar of the body: its free axes, and its values in the current block.
    private static final class Column {
        final long mask;
        Elements elements;

        Column(long mask) {
            this.mask = mask;
        }
    }

    /// One operation, and where the block stood when it was evaluated last.
    private static final class Step {
        final Op op;
        final long mask;
        final List<NestIndex> indices;
        long[] seen;

        Step(Op op, long mask, List<NestIndex> indices) {
            this.op = op;
            this.mask = mask;
            this.indices = indices;
        }
    }

    /// The nest being executed.
    private NestSpace space;

    private Map<Value, Column> columns;
    private Map<Value, NdArray> sources;
    private NestOp.Compute compute;

    List<NdArray> run(NestOp.Compute nest, List<NdArray> inputs, List<NdArray> into) {
        compute = nest;
        columns = new IdentityHashMap<>();
        sources = new IdentityHashMap<>();
        for (int i = 0; i < inputs.size(); i++) {
            sources.put(nest.inputs().get(i), inputs.get(i));
        }
        var results = new ArrayList<NdArray>();
        for (int i = 0; i < nest.results().size(); i++) {
            var result = nest.results().get(i);
            var array = memory.allocate(result.tensor().element(), symbols.shape(result), result.toString());
            if (!into.isEmpty()) {
                var old = into.get(i);
                if (!Arrays.equals(old.shape(), array.shape())) {
                    throw new IrException("nest.compute updates " + old + " as " + result);
                }
                old.elements().copyTo(0, array.elements(), 0, old.size());
                sources.putIfAbsent(nest.into().get(i), old);
            }
            results.add(array);
        }
        space = new NestSpace(nest.axes(), 0, symbols);
        space = new NestSpace(nest.axes(), reduced(nest.body()), symbols);
        var steps = new ArrayList<Step>();
        for (var op : nest.body().ops()) {
            steps.add(prepare(op));
        }
        space.cut(steps.stream().map(step -> step.mask | inner(step.op)).toList());
        var writers = new ArrayList<NestAccess.Writer>();
        for (var result : results) {
            writers.add(new NestAccess.Writer(result));
        }
        space.forEachBlock(() -> {
            for (var step : steps) {
                if (space.moved(step.mask, step.seen)) {
                    execute(step, writers);
                    step.seen = space.position();
                }
            }
        });
        if (into.isEmpty()) {
            for (int i = 0; i < writers.size(); i++) {
                writers.get(i).checkCovered(nest.results().get(i));
            }
        }
        return results;
    }

    private long reduced(Body body) {
        long mask = 0;
        for (var op : body.ops()) {
            if (op instanceof NestOp.Reduce reduce) {
                mask |= axes(reduce.over());
            } else if (op instanceof NestOp.Sum sum) {
                mask |= axes(sum.over());
            }
        }
        return mask;
    }

    private long axes(List<String> names) {
        long mask = 0;
        for (var name : names) {
            int axis = space.axis(name);
            if (axis < 0) {
                throw new IrException("a reduction runs over " + name + ", which is no axis of its nest");
            }
            mask |= 1L << axis;
        }
        return mask;
    }

    /// The axes that only the inside of an operation has.
    private long inner(Op op) {
        if (op instanceof NestOp.Reduce reduce) {
            return free(reduce.values());
        }
        return op instanceof NestOp.Sum sum ? column(sum.value()).mask : 0;
    }

    private Step prepare(Op op) {
        var indices = new ArrayList<NestIndex>();
        long mask = switch (op) {
            case ArithOp arith -> free(OpSchema.operands(arith));
            case NestOp.Read read -> free(read.indices()) | read.other().map(this::column).map(c -> c.mask).orElse(0L)
                    | index(read.at(), indices);
            case NestOp.Index index -> free(index.operands()) | index(List.of(index.value()), indices);
            case NestOp.Reduce reduce ->
                (free(reduce.values()) | free(reduce.initial()) | free(captures(reduce.body()))) & ~axes(reduce.over());
            case NestOp.Sum sum -> column(sum.value()).mask & ~axes(sum.over());
            case NestOp.Yield yield -> {
                long all = free(yield.values()) | free(yield.indices());
                for (var to : yield.to()) {
                    all |= index(to, indices);
                }
                yield all;
            }
            case NestOp.Compute _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> throw misplaced(op);
        };
        for (var result : OpSchema.results(op)) {
            columns.put(result, new Column(mask));
        }
        return new Step(op, mask, indices);
    }

    private static IrException misplaced(Op op) {
        return new IrException(OpSchema.of(op).name() + " does not stand in a nest");
    }

    private long index(List<Dim> expressions, List<NestIndex> into) {
        long mask = 0;
        for (var expression : expressions) {
            into.add(new NestIndex(space, expression));
            mask |= space.mask(expression);
        }
        return mask;
    }

    private Column column(Value value) {
        var column = columns.get(value);
        if (column == null) {
            throw new IrException("a nest uses the scalar " + value + ", which is not defined before it");
        }
        return column;
    }

    private long free(List<Value> values) {
        long mask = 0;
        for (var value : values) {
            mask |= column(value).mask;
        }
        return mask;
    }

    /// The scalars of the nest that the body of a reduction uses beside its parameters.
    private static List<Value> captures(Body body) {
        var own = Collections.newSetFromMap(new IdentityHashMap<Value, Boolean>());
        own.addAll(body.params());
        var captures = new ArrayList<Value>();
        for (var op : body.ops()) {
            for (var operand : OpSchema.operands(op)) {
                if (own.add(operand)) {
                    captures.add(operand);
                }
            }
            own.addAll(OpSchema.results(op));
        }
        return captures;
    }

    private void execute(Step step, List<NestAccess.Writer> writers) {
        int[] layout = space.layout(step.mask);
        int size = space.size(step.mask);
        switch (step.op) {
            case ArithOp arith -> {
                var operands = OpSchema.operands(arith).stream()
                        .map(value -> new ArithInterpreter.Lanes(arrange(value, layout), 0))
                        .toArray(ArithInterpreter.Lanes[]::new);
                ArithInterpreter.apply(arith, operands, scratch(arith.result(), size), 0, size);
            }
            case NestOp.Read read -> {
                var target = scratch(read.result(), size);
                var other = read.other().map(value -> arrange(value, layout));
                new NestAccess(space, step.indices, operands(read.indices(), layout), layout, size)
                        .read(read, source(read.source()), other, target);
            }
            case NestOp.Index index -> {
                var values = step.indices.getFirst().values(layout, operands(index.operands(), layout), size);
                var target = scratch(index.result(), size);
                for (int i = 0; i < size; i++) {
                    target.setLong(i, values[i]);
                }
            }
            case NestOp.Sum sum -> {
                var over = layout(sum.over());
                var values = arrange(sum.value(), join(over, layout));
                var total = Elements.allocate(sum.result().type().elementType(), size);
                NestReductions.sum(values, total, points(over));
                column(sum.result()).elements = total;
            }
            case NestOp.Reduce reduce -> reduce(reduce, layout, size);
            case NestOp.Yield yield -> {
                int next = 0;
                for (int i = 0; i < yield.values().size(); i++) {
                    var to = step.indices.subList(next, next + yield.to().get(i).size());
                    next += to.size();
                    long mask = column(yield.values().get(i)).mask | free(yield.indices());
                    for (var expression : yield.to().get(i)) {
                        mask |= space.mask(expression);
                    }
                    if (!space.moved(mask, step.seen)) {
                        continue;
                    }
                    int[] own = space.layout(mask);
                    var access = new NestAccess(space, to, operands(yield.indices(), own), own, space.size(mask));
                    writers.get(i).write(access, arrange(yield.values().get(i), own));
                }
            }
            case NestOp.Compute _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> throw misplaced(step.op);
        }
    }

    private void reduce(NestOp.Reduce reduce, int[] layout, int size) {
        var over = layout(reduce.over());
        var whole = join(over, layout);
        var captures = captures(reduce.body());
        var initial = new ArrayList<Elements>();
        for (var value : reduce.initial()) {
            // A fresh row: the accumulators are overwritten.
            var row = Elements.allocate(value.type().elementType(), size);
            arrange(value, layout).copyTo(0, row, 0, size);
            initial.add(row);
        }
        var rows = new ArrayList<Elements>();
        reduce.values().forEach(value -> rows.add(arrange(value, whole)));
        captures.forEach(value -> rows.add(arrange(value, whole)));
        var params = new ArrayList<>(reduce.body().params());
        params.addAll(captures);
        var yield = (NestOp.Yield) reduce.body().terminator();
        var program = new LaneProgram(params, reduce.body().ops(), yield.values());
        var totals = NestReductions.reduce(program, initial, rows, points(over), size);
        for (int i = 0; i < totals.size(); i++) {
            column(reduce.results().get(i)).elements = totals.get(i);
        }
    }

    /// The axes of a reduction in the order that it names them.
    private int[] layout(List<String> names) {
        return names.stream().mapToInt(space::axis).toArray();
    }

    private int points(int[] layout) {
        return NdArray.product(space.lengths(layout), 0, layout.length);
    }

    private static int[] join(int[] outer, int[] inner) {
        var joined = Arrays.copyOf(outer, outer.length + inner.length);
        System.arraycopy(inner, 0, joined, outer.length, inner.length);
        return joined;
    }

    private NdArray source(Value value) {
        var source = sources.get(value);
        if (source == null) {
            throw new IrException("a nest reads " + value + ", which is none of its inputs");
        }
        return source;
    }

    private Elements[] operands(List<Value> values, int[] layout) {
        return values.stream().map(value -> arrange(value, layout)).toArray(Elements[]::new);
    }

    /// The values of a scalar, repeated along axes that it is not free in and in the order of a layout.
    private Elements arrange(Value value, int[] layout) {
        var column = column(value);
        int[] own = space.layout(column.mask);
        if (Arrays.equals(own, layout)) {
            return column.elements;
        }
        var lengths = space.lengths(layout);
        int size = NdArray.product(lengths, 0, lengths.length);
        var arranged = Elements.allocate(value.type().elementType(), size);
        Strided.copy(
                column.elements, 0, space.strides(layout, own), arranged, 0, NdArray.strides(lengths), lengths);
        return arranged;
    }

    /// Memory for the values of a scalar, that of the block before where it fits.
    private Elements scratch(Value value, int size) {
        var column = column(value);
        if (column.elements == null || column.elements.size() != size) {
            memory.check(value.type().elementType(), new long[] {size}, "a block of " + value);
            column.elements = Elements.allocate(value.type().elementType(), size);
        }
        return column.elements;
    }
}
