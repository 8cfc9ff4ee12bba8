package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.runtime.type.Dim;

/// Says a nest over other axes.
final class AxisRewrite {
    private AxisRewrite() {}

    /// @param axes the axes from now on
    /// @param index what an index expression is over them
    /// @param reduced the axes that take the place of one that is reduced over
    static void run(
            OpenNest nest, Map<String, Dim> axes, UnaryOperator<Dim> index, Function<String, List<String>> reduced) {
        UnaryOperator<List<Dim>> all = indices -> indices.stream().map(index).toList();
        UnaryOperator<List<String>> over = names ->
                names.stream().flatMap(name -> reduced.apply(name).stream()).toList();
        var ops = new ArrayList<Op>();
        for (var op : nest.ops()) {
            ops.add(
                    switch (op) {
                        case NestOp.Read read ->
                            new NestOp.Read(
                                    read.source(),
                                    read.indices(),
                                    read.other(),
                                    all.apply(read.at()),
                                    read.otherwise(),
                                    read.result());
                        case NestOp.Index number ->
                            new NestOp.Index(number.operands(), index.apply(number.value()), number.result());
                        case NestOp.Sum sum -> new NestOp.Sum(sum.value(), over.apply(sum.over()), sum.result());
                        case NestOp.Reduce reduce ->
                            new NestOp.Reduce(
                                    reduce.values(),
                                    reduce.initial(),
                                    over.apply(reduce.over()),
                                    reduce.body(),
                                    reduce.results());
                        case NestOp.Compute _, NestOp.Yield _ -> op;
                        case ArithOp _, GraphOp _, TileOp _, PlanOp _, MachineOp _ -> op;
                    });
        }
        var end = nest.end();
        var to = end.to().stream().map(all).toList();
        nest.setAxes(axes);
        nest.setBody(ops, new NestOp.Yield(end.values(), end.indices(), to));
    }

    /// @param renaming other names for some axes
    /// @param axes all axes in their order from now on, under their new names
    static void rename(OpenNest nest, Map<String, String> renaming, LinkedHashMap<String, Dim> axes) {
        run(
                nest,
                axes,
                index -> index.substitute(name -> {
                    var other = renaming.get(name);
                    return other == null ? null : Dim.symbol(other);
                }),
                name -> List.of(renaming.getOrDefault(name, name)));
    }
}
