package org.portolan.ir.analysis;

import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// The axes of a nest that each value of its body depends on: it has one value for each point of them. An axis comes in
/// through an index expression and goes out where it is reduced over.
public final class FreeAxes {
    private final Set<String> axes;
    private final Map<Value, Set<String>> free = new IdentityHashMap<>();

    private FreeAxes(Collection<Axis> axes) {
        this.axes = axes.stream().map(Axis::name).collect(Collectors.toUnmodifiableSet());
    }

    public static FreeAxes of(NestOp.Compute nest) {
        var analysis = new FreeAxes(nest.axes());
        analysis.ops(nest.body().ops());
        return analysis;
    }

    /// The free axes of a value, in order of their appearance; none for what is defined around the nest.
    public Set<String> of(Value value) {
        return free.getOrDefault(value, Set.of());
    }

    /// The free axes of an index expression whose {@code $i} are the operands.
    public Set<String> of(Dim expression, List<Value> operands) {
        var names = new LinkedHashSet<String>();
        add(names, expression, operands);
        return names;
    }

    private void ops(List<Op> ops) {
        for (var op : ops) {
            switch (op) {
                case NestOp.Read read -> {
                    var names = new LinkedHashSet<String>();
                    read.at().forEach(index -> add(names, index, read.indices()));
                    read.other().ifPresent(other -> names.addAll(of(other)));
                    define(read.result(), names);
                }
                case NestOp.Index index -> define(index.result(), of(index.value(), index.operands()));
                case NestOp.Sum sum -> define(sum.result(), without(of(sum.value()), sum.over()));
                case NestOp.Reduce reduce -> reduce(reduce);
                case NestOp.Compute _,
                        NestOp.Yield _,
                        ArithOp _,
                        GraphOp _,
                        TileOp _,
                        PlanOp _,
                        MachineOp _ -> {
                    var names = new LinkedHashSet<String>();
                    OpSchema.operands(op).forEach(operand -> names.addAll(of(operand)));
                    for (var body : OpSchema.bodies(op)) {
                        ops(body.ops());
                        names.addAll(captured(body));
                    }
                    OpSchema.results(op).forEach(result -> define(result, names));
                }
            }
        }
    }

    private void reduce(NestOp.Reduce reduce) {
        var names = new LinkedHashSet<String>();
        reduce.initial().forEach(value -> names.addAll(of(value)));
        reduce.values().forEach(value -> names.addAll(of(value)));
        reduce.body().params().forEach(param -> define(param, names));
        ops(reduce.body().ops());
        names.addAll(captured(reduce.body()));
        var left = without(names, reduce.over());
        reduce.results().forEach(result -> define(result, left));
    }

    private Set<String> captured(Body body) {
        var names = new LinkedHashSet<String>();
        for (var op : body.ops()) {
            OpSchema.operands(op).forEach(operand -> names.addAll(of(operand)));
        }
        return names;
    }

    private void add(Set<String> names, Dim expression, List<Value> operands) {
        for (var symbol : expression.symbols()) {
            if (axes.contains(symbol)) {
                names.add(symbol);
            } else if (symbol.startsWith("$")) {
                names.addAll(of(operands.get(Integer.parseInt(symbol.substring(1)))));
            }
        }
    }

    private void define(Value value, Set<String> names) {
        free.put(value, Collections.unmodifiableSet(names));
    }

    private static Set<String> without(Set<String> names, List<String> removed) {
        var left = new LinkedHashSet<>(names);
        left.removeAll(removed);
        return left;
    }
}
