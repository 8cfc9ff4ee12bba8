package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.lowering.nest.RowAxis;

/// Finds what walks along a row: for each point of the common axes, reductions over one axis and results along one.
final class Rows {
    /// Rows shorter than this are not worth a team of threads.
    static final long SHORT = 16;

    private Rows() {}

    /// The nest with one axis for all that walks along a row, if its values allow that.
    static NestOp.Compute unite(NestOp.Compute nest) {
        var analysis = new NestAnalysis(nest);
        var axes = axes(analysis);
        return axes.map(row -> RowAxis.unite(nest, row, SymbolBounds.of(nest))).orElse(nest);
    }

    private static Optional<List<String>> axes(NestAnalysis analysis) {
        var common = analysis.commonAxes();
        var axes = new LinkedHashSet<String>();
        for (var reduction : analysis.reductions()) {
            if (reduction.over().size() != 1 || !common.containsAll(analysis.free(reduction.results().getFirst()))) {
                return Optional.empty();
            }
            axes.addAll(reduction.over());
        }
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var inner = inner(analysis, common, i);
            if (inner.size() > 1) {
                return Optional.empty();
            }
            axes.addAll(inner);
        }
        boolean equal = axes.stream().map(analysis::extent).distinct().count() == 1;
        if (axes.size() < 2 || !equal) {
            return Optional.empty();
        }
        for (var op : analysis.nest().body().ops()) {
            for (var result : OpSchema.results(op)) {
                if (analysis.free(result).stream().filter(axes::contains).count() > 1) {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(new ArrayList<>(axes));
    }

    private static List<String> inner(NestAnalysis analysis, Set<String> common, int result) {
        return analysis.storeAxes(result).stream().filter(axis -> !common.contains(axis)).toList();
    }
}
