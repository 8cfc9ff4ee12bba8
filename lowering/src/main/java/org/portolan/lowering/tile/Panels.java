package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.lowering.tile.Schedule.Packed;

/// The panels in which matrices should lie so that lanes along an axis are adjacent.
final class Panels {
    /// Fewer rows than these do not pay for a copy of the other side in memory.
    private static final long COPIED_ROWS = 64;

    private final RegisterNest nest;
    private final NestAnalysis analysis;

    Panels(RegisterNest nest) {
        this.nest = nest;
        analysis = nest.analysis;
    }

    List<Packed> along(String axis, long width) {
        var packed = new ArrayList<Packed>();
        for (var read : analysis.reads()) {
            packing(read, axis, width)
                    .filter(entry -> packed.stream().noneMatch(other -> other.input() == entry.input()))
                    .ifPresent(packed::add);
        }
        return packed;
    }

    /// The panels in which a constant should lie so that its lanes are adjacent.
    Optional<Packed> packing(NestOp.Read read, String axis, long width) {
        boolean known = nest.isConstant.test(read.source());
        if (read.at().size() < 2 || nest.weight(read) < 4 || !read.indices().isEmpty() || !known && !isWorthACopy(read)) {
            return Optional.empty();
        }
        int place = -1;
        for (int i = 0; i < read.at().size(); i++) {
            if (!read.at().get(i).symbols().contains(axis)) {
                continue;
            }
            if (place >= 0 || !read.at().get(i).symbolName().equals(Optional.of(axis))) {
                return Optional.empty();
            }
            place = i;
        }
        if (place < 0 || read.otherwise() != NestOp.Otherwise.PROVEN) {
            return Optional.empty();
        }
        var order = new ArrayList<Integer>();
        for (int i = 0; i < read.at().size(); i++) {
            if (i != place) {
                order.add(i);
            }
        }
        // In the order of the loops, so that they walk through memory.
        var loops = analysis.reductions().stream()
                .flatMap(reduction -> nest.loopOrder(reduction).stream())
                .toList();
        order.sort(Comparator.comparing(i -> read.at().get(i).symbols().stream()
                .mapToInt(loops::indexOf)
                .max()
                .orElse(-1)));
        return Optional.of(new Packed(analysis.nest().inputs().indexOf(read.source()), place, width, order));
    }

    /// Whether a tensor of the run is so large that walking down its columns misses the caches, and is read again so often that
    /// a copy in panels is the smaller cost.
    private boolean isWorthACopy(NestOp.Read read) {
        double bytes = read.source().tensor().element().bits() / 8.0;
        for (int i = 0; i < read.at().size(); i++) {
            var axis = read.at().get(i).symbolName().filter(analysis::isAxis);
            var extent = read.source().tensor().dim(i);
            if (axis.isEmpty() || !analysis.extent(axis.get()).equals(extent) || !extent.isConstant()) return false;
            bytes *= extent.constant().orElseThrow();
        }
        double readers = 1;
        for (var axis : nest.common) {
            if (!analysis.free(read.result()).contains(axis)) readers *= analysis.constantExtent(axis).orElse(1);
        }
        boolean alone = analysis.reads().stream().filter(other -> other.source() == read.source()).count() == 1;
        return alone
                && nest.machine.vectors() == MachineOp.Vectors.REGISTER
                && bytes > nest.machine.level2Bytes()
                && readers >= COPIED_ROWS;
    }
}
