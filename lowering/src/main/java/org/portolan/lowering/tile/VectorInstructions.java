package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.portolan.ir.ArithOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Packed;

/// Instructions on vector registers that sum a few neighbouring products in each lane, such as the dot products of four
/// bytes. In their bodies one parameter lies along the lanes and the neighbours, {@code b[j, k]}, the other one along the
/// neighbours alone, {@code a[k]}: every lane gets the same ones.
///
/// The first is a matrix that is known when the model is compiled, so that it can lie as the instruction reads it: the
/// neighbours of all lanes side by side, {@code (k, n) -> (n/32, k/4, n%32, k%4)}.
final class VectorInstructions {

    /// @param match what takes the place of the parameters
    /// @param across the axis of the nest along which the lanes lie
    /// @param deep the axis of the nest along which the neighbours lie
    /// @param panel the read that lies along both
    record Found(Tensorize.Match match, String across, String deep, NestOp.Read panel) {
        long lanes() {
            return match.extent(across);
        }

        long group() {
            return match.extent(deep);
        }

        Schedule.Instruction instruction() {
            return new Schedule.Instruction(match.intrinsic().name(), across, deep);
        }

        /// The layout of what the instruction reads, in panels of so many lanes.
        ///
        /// @param outer the reduced axes outside of the neighbours, outermost first
        Packed packed(NestAnalysis analysis, long width, List<String> outer) {
            int place = place(panel, across);
            int last = place(panel, deep);
            var order = new ArrayList<Integer>();
            for (int i = 0; i < panel.at().size(); i++) {
                if (i != place && i != last) order.add(i);
            }
            order.sort((i, j) -> Integer.compare(innermost(i, outer), innermost(j, outer)));
            order.add(last);
            return new Packed(analysis.nest().inputs().indexOf(panel.source()), place, width, order, group());
        }

        private int innermost(int index, List<String> outer) {
            return panel.at().get(index).symbols().stream().mapToInt(outer::indexOf).max().orElse(-1);
        }
    }

    private final NestAnalysis analysis;
    private final Predicate<Value> isConstant;

    private VectorInstructions(NestAnalysis analysis, Predicate<Value> isConstant) {
        this.analysis = analysis;
        this.isConstant = isConstant;
    }

    /// The first instruction of the machine that does what the only reduction of a nest does.
    ///
    /// @param common the axes along which lanes may lie
    /// @param lanes how many lanes the other vectors of the kernel have
    static Optional<Found> find(
            NestAnalysis analysis,
            MachineOp.Chip machine,
            List<String> common,
            long lanes,
            Predicate<Value> isConstant) {
        if (analysis.reductions().size() != 1) return Optional.empty();
        var search = new VectorInstructions(analysis, isConstant);
        for (var op : machine.intrinsics().ops()) {
            if (!(op instanceof MachineOp.Intrinsic intrinsic) || !isThere(intrinsic, machine)) continue;
            for (var across : common) {
                for (var deep : analysis.reductions().getFirst().over()) {
                    var found = search.match(intrinsic, across, deep).filter(each -> each.lanes() == lanes);
                    if (found.isPresent()) return found;
                }
            }
        }
        return Optional.empty();
    }

    /// The instruction that a schedule names.
    static Optional<Found> find(
            NestAnalysis analysis, MachineOp.Chip machine, Schedule.Instruction named, Predicate<Value> isConstant) {
        var search = new VectorInstructions(analysis, isConstant);
        return machine.intrinsics().ops().stream()
                .filter(op -> op instanceof MachineOp.Intrinsic own && own.name().equals(named.intrinsic()))
                .map(MachineOp.Intrinsic.class::cast)
                .flatMap(own -> search.match(own, named.across(), named.deep()).stream())
                .findFirst();
    }

    /// Whether this chip of the family that a machine file describes has the instruction.
    static boolean isThere(MachineOp.Intrinsic intrinsic, MachineOp.Chip machine) {
        return intrinsic.features().stream().allMatch(feature -> machine.features().contains("+" + feature));
    }

    private Optional<Found> match(MachineOp.Intrinsic intrinsic, String across, String deep) {
        return Tensorize.match(intrinsic, analysis, analysis.reductions().getFirst(), List.of(across), deep)
                .filter(match -> match.operands().size() == 2)
                .flatMap(match -> found(match, across, deep));
    }

    private Optional<Found> found(Tensorize.Match match, String across, String deep) {
        NestOp.Read panel = null;
        boolean shared = false;
        for (var parameter : match.operands().keySet()) {
            var order = match.order(parameter);
            if (order.equals(List.of(across, deep))) {
                panel = panel(match.operands().get(parameter), across, deep);
            } else if (order.equals(List.of(deep))) {
                shared = isAdjacent(match.operands().get(parameter), deep);
            }
        }
        return panel == null || !shared ? Optional.empty() : Optional.of(new Found(match, across, deep, panel));
    }

    /// The read of a known matrix behind a value; {@code null} if there is none, or more than conversions in between.
    private NestOp.Read panel(Value value, String across, String deep) {
        var definition = analysis.definition(value);
        if (definition instanceof ArithOp.Cast cast) return panel(cast.operand(), across, deep);
        return definition instanceof NestOp.Read read
                        && isConstant.test(read.source())
                        && read.otherwise() == NestOp.Otherwise.PROVEN
                        && read.indices().isEmpty()
                        && read.source().tensor().element().bits() >= 8
                        && place(read, across) >= 0
                        && place(read, deep) >= 0
                        && reads(read.source()) == 1
                ? read
                : null;
    }

    private long reads(Value source) {
        return analysis.reads().stream().filter(read -> read.source() == source).count();
    }

    /// The index that is an axis, which no other index mentions; -1 if there is none.
    private static int place(NestOp.Read read, String axis) {
        int place = -1;
        for (int i = 0; i < read.at().size(); i++) {
            if (read.at().get(i).symbols().contains(axis)) {
                if (place >= 0 || !read.at().get(i).symbolName().equals(Optional.of(axis))) return -1;
                place = i;
            }
        }
        return place;
    }

    /// Whether neighbours along an axis can be loaded together.
    private boolean isAdjacent(Value value, String axis) {
        if (!analysis.free(value).contains(axis)) return true;
        var definition = analysis.definition(value);
        if (definition instanceof NestOp.Read read) {
            return read.source().tensor().element().bits() >= 8
                    && read.indices().stream().noneMatch(index -> analysis.free(index).contains(axis))
                    && read.otherwise() != NestOp.Otherwise.CLAMP
                    && MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis);
        }
        return definition instanceof ArithOp arith
                && OpSchema.operands(arith).stream().allMatch(operand -> isAdjacent(operand, axis));
    }
}
