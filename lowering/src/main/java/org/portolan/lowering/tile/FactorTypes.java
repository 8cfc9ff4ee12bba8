package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.runtime.type.ElementType;

/// The element types of what an instruction on vector registers multiplies and sums.
///
/// @param shared of the neighbours that every lane gets
/// @param panel of the matrix of lanes and neighbours, which is known when the model is compiled
/// @param sum of the sums
public record FactorTypes(ElementType shared, ElementType panel, ElementType sum) {

    /// Those of all instructions of a machine, in the order of its file.
    public static List<FactorTypes> of(MachineOp.Chip machine) {
        var all = new ArrayList<FactorTypes>();
        for (var op : machine.intrinsics().ops()) {
            if (op instanceof MachineOp.Intrinsic intrinsic
                    && VectorInstructions.isThere(intrinsic, machine)
                    && intrinsic.body().ops().getFirst() instanceof NestOp.Compute nest
                    && nest.axes().size() == 2) {
                of(new NestAnalysis(nest), all);
            }
        }
        return all;
    }

    private static void of(NestAnalysis analysis, List<FactorTypes> into) {
        if (analysis.reductions().size() != 1 || analysis.reductions().getFirst().over().size() != 1) return;
        var sum = analysis.reductions().getFirst();
        var deep = sum.over().getFirst();
        ElementType shared = null;
        ElementType panel = null;
        for (var read : analysis.reads()) {
            var along = analysis.free(read.result());
            if (!along.contains(deep)) continue;
            var element = read.result().type().elementType();
            if (along.size() == 1) shared = element;
            if (along.size() == 2) panel = element;
        }
        if (shared != null && panel != null) {
            into.add(new FactorTypes(shared, panel, sum.results().getFirst().type().elementType()));
        }
    }
}
