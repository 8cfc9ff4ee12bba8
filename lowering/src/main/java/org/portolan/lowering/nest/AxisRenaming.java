package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.runtime.type.Dim;

/// Gives axes of a nest other names and another order.
final class AxisRenaming {
    private AxisRenaming() {}

    /// @param axes all axes, under their new names
    static void run(OpenNest nest, Map<String, String> renaming, LinkedHashMap<String, Dim> axes) {
        var ops = new ArrayList<Op>();
        for (var op : nest.ops()) {
            ops.add(
                    switch (op) {
                        case NestOp.Read read ->
                            new NestOp.Read(
                                    read.source(),
                                    read.indices(),
                                    read.other(),
                                    renamed(read.at(), renaming),
                                    read.otherwise(),
                                    read.result());
                        case NestOp.Index index ->
                            new NestOp.Index(index.operands(), renamed(index.value(), renaming), index.result());
                        case NestOp.Sum sum -> new NestOp.Sum(sum.value(), names(sum.over(), renaming), sum.result());
                        case NestOp.Reduce reduce ->
                            new NestOp.Reduce(
                                    reduce.values(),
                                    reduce.initial(),
                                    names(reduce.over(), renaming),
                                    reduce.body(),
                                    reduce.results());
                        case Op _ -> op;
                    });
        }
        var end = nest.end();
        var to = end.to().stream().map(place -> renamed(place, renaming)).toList();
        nest.setAxes(axes);
        nest.setBody(ops, new NestOp.Yield(end.values(), end.indices(), to));
    }

    private static List<Dim> renamed(List<Dim> indices, Map<String, String> renaming) {
        return indices.stream().map(index -> renamed(index, renaming)).toList();
    }

    private static Dim renamed(Dim index, Map<String, String> renaming) {
        return index.substitute(name -> {
            var other = renaming.get(name);
            return other == null ? null : Dim.symbol(other);
        });
    }

    private static List<String> names(List<String> names, Map<String, String> renaming) {
        return names.stream().map(name -> renaming.getOrDefault(name, name)).toList();
    }
}
