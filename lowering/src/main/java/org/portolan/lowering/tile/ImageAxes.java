package org.portolan.lowering.tile;

import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.runtime.type.Dim;

/// Makes one axis of the rows and columns of an image that a convolution computes, so that tiles of it have no remainders
/// at the end of each row.
final class ImageAxes {
    private ImageAxes() {}

    static AxisCollapse.Collapsed join(AxisCollapse.Collapsed collapsed, MachineOp.Chip machine) {
        var current = collapsed;
        while (true) {
            var next = joinOne(current, machine);
            if (next == current) {
                return current;
            }
            current = next;
        }
    }

    private static AxisCollapse.Collapsed joinOne(AxisCollapse.Collapsed collapsed, MachineOp.Chip machine) {
        var nest = collapsed.nest();
        if (!nest.into().isEmpty()) {
            return collapsed;
        }
        var analysis = new NestAnalysis(nest);
        if (analysis.reductions().isEmpty()) {
            return collapsed;
        }
        var common = analysis.commonAxes();
        for (var outer : common) {
            for (var inner : common) {
                if (!outer.equals(inner)
                        && analysis.constantExtent(inner).isPresent()
                        && areSideBySide(analysis, outer, inner)) {
                    var joined = AxisCollapse.join(collapsed, outer, inner);
                    if (isTiledAlong(joined.nest(), outer, machine)) {
                        return joined;
                    }
                }
            }
        }
        return collapsed;
    }

    private static boolean isTiledAlong(NestOp.Compute nest, String axis, MachineOp.Chip machine) {
        var analysis = new NestAnalysis(nest);
        var common = List.copyOf(analysis.commonAxes());
        return new BlockScheduler(analysis, machine, common, _ -> false)
                .contraction()
                .filter(axes -> axes.row().equals(axis) || axes.column().equals(axis))
                .isPresent();
    }

    /// Whether every result has the axes as neighbours, and what is read along the one is read along the other.
    private static boolean areSideBySide(NestAnalysis analysis, String outer, String inner) {
        var results = analysis.nest().results();
        for (int i = 0; i < results.size(); i++) {
            var to = analysis.terminator().to().get(i);
            int place = to.indexOf(Dim.symbol(outer));
            if (place < 0
                    || place + 1 >= to.size()
                    || !to.get(place + 1).equals(Dim.symbol(inner))
                    || !results.get(i).tensor().dim(place + 1).equals(analysis.extent(inner))) {
                return false;
            }
        }
        return analysis.reads().stream()
                .filter(read -> analysis.free(read.result()).contains(outer)
                        != analysis.free(read.result()).contains(inner))
                .findAny()
                .isEmpty();
    }
}
