package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.runtime.type.ElementType;

/// The element types of what an instruction multiplies and sums.
///
/// @param left of what lies along its rows; on vector registers of the neighbours that every lane gets
/// @param right of what lies along its columns, on vector registers the lanes
/// @param sum of the sums
/// @param panels whether what lies along the columns has to be known when the model is compiled, to be laid out for it
public record FactorTypes(ElementType left, ElementType right, ElementType sum, boolean panels) {

    /// Those of all instructions of a machine that multiply integers, in the order of its file.
    public static List<FactorTypes> of(MachineOp.Chip machine) {
        var all = new ArrayList<FactorTypes>();
        for (var op : machine.intrinsics().ops()) {
            if (op instanceof MachineOp.Intrinsic intrinsic
                    && VectorInstructions.isThere(intrinsic, machine)
                    && FragmentScheduler.isAllowed(machine, intrinsic)
                    && intrinsic.body().ops().getFirst() instanceof NestOp.Compute nest) {
                of(new NestAnalysis(nest), all);
            }
        }
        return all.stream().distinct().toList();
    }

    private static void of(NestAnalysis analysis, List<FactorTypes> into) {
        int axes = analysis.nest().axes().size();
        if (axes != 2 && axes != 3
                || analysis.reductions().size() != 1
                || analysis.reductions().getFirst().over().size() != 1) {
            return;
        }
        boolean lanes = axes == 2;
        var sum = analysis.reductions().getFirst();
        var summed = sum.results().getFirst().type().elementType();
        var deep = sum.over().getFirst();
        var columns = analysis.nest().axes().get(lanes ? 0 : 1).name();
        ElementType left = null;
        ElementType right = null;
        for (var read : analysis.reads()) {
            var along = analysis.free(read.result());
            if (!along.contains(deep)) continue;
            var element = read.result().type().elementType();
            if (along.equals(Set.of(columns, deep))) {
                right = element;
            } else if (along.size() == axes - 1) {
                left = element;
            }
        }
        if (left != null && right != null && summed.isInteger()) into.add(new FactorTypes(left, right, summed, lanes));
    }
}
