package org.portolan.lowering.tile;

import java.util.HashSet;
import java.util.Set;
import org.portolan.runtime.type.Dim;

/// What can be proven of index expressions from the extents of a nest's axes.
final class AxisBounds {
    private final NestAnalysis analysis;
    /// Symbols that are at least 1 wherever a body runs: an axis without points runs none.
    private final Set<String> positive = new HashSet<>();

    AxisBounds(NestAnalysis analysis) {
        this.analysis = analysis;
        for (var axis : analysis.nest().axes()) {
            if (axis.extent() instanceof Dim.Symbol(String name)) {
                positive.add(name);
            } else if (axis.extent() instanceof Dim.Product product) {
                product.factors().forEach(factor -> factor.symbolName().ifPresent(positive::add));
            }
        }
    }

    boolean isAtLeastZero(Dim index) {
        return isNotNegative(extreme(index, false));
    }

    boolean isBelow(Dim index, Dim extent) {
        return isNotNegative(extent.minus(1).minus(extreme(index, true)));
    }

    /// The largest or smallest value over all axes, for indices that are sums of axes; others stay as they are and prove
    /// nothing.
    private Dim extreme(Dim index, boolean largest) {
        var result = index;
        for (var symbol : index.symbols()) {
            if (!analysis.isAxis(symbol)) {
                continue;
            }
            var stride = NestAnalysis.stride(index, symbol);
            if (stride.isEmpty()) {
                return largest ? Dim.symbol("$unbounded") : Dim.symbol("$unbounded").times(-1);
            }
            var end = stride.getAsLong() > 0 == largest ? analysis.extent(symbol).minus(1) : Dim.ZERO;
            result = result.substitute(name -> name.equals(symbol) ? end : null);
        }
        return result;
    }

    private boolean isNotNegative(Dim value) {
        if (value instanceof Dim.Sum(var terms)) {
            long least = 0;
            for (var term : terms) {
                if (term instanceof Dim.Constant(long number)) {
                    least += number;
                } else if (isPositive(term)) {
                    least += term instanceof Dim.Product(long coefficient, _) ? coefficient : 1;
                } else {
                    return false;
                }
            }
            return least >= 0;
        }
        return value instanceof Dim.Constant(long number) ? number >= 0 : isPositive(value);
    }

    private boolean isPositive(Dim value) {
        return value instanceof Dim.Symbol(String name) && positive.contains(name)
                || value instanceof Dim.Product(long coefficient, var factors)
                        && coefficient > 0
                        && factors.stream().allMatch(this::isPositive);
    }
}
