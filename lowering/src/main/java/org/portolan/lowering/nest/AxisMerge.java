package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.NestOp;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// Makes one axis of those that count through one index of the result together: `32 * i_1 + i_2` becomes `i`, and what
/// else the nest says of them becomes `i / 32` and `i % 32`. Then each index of the result is an axis, and the nest can
/// go into its readers. The opposite of {@link AxisSplit}.
final class AxisMerge {
    private AxisMerge() {}

    /// The nest with whole axes where its only result has parts; itself where there are none, or they are no digits.
    static NestOp.Compute whole(NestOp.Compute nest, FunctionSymbols symbols) {
        if (nest.results().size() != 1) {
            return nest;
        }
        var open = new OpenNest(nest, 0, symbols);
        var dims = nest.results().getFirst().tensor().dims();
        boolean changed = false;
        for (int i = 0; i < dims.size(); i++) {
            var index = open.end().to().getFirst().get(i);
            if (index instanceof Dim.Sum) {
                var digits = digits(index, dims.get(i), open);
                digits.ifPresent(found -> merge(open, found));
                changed |= digits.isPresent();
            }
        }
        return changed ? open.close() : nest;
    }

    /// The axes that an index counts with, the fastest first, if they count through the whole extent.
    private static Optional<List<String>> digits(Dim index, Dim extent, OpenNest nest) {
        var digits = new ArrayList<String>();
        var rest = index;
        Dim unit = Dim.ONE;
        while (!rest.isConstant(0)) {
            var digit = digit(rest, unit, nest);
            if (digit.isEmpty()) {
                return Optional.empty();
            }
            digits.add(digit.get());
            rest = rest.minus(Dim.symbol(digit.get()).times(unit));
            unit = unit.times(nest.axes().get(digit.get()));
        }
        return unit.equals(extent) ? Optional.of(digits) : Optional.empty();
    }

    private static Optional<String> digit(Dim index, Dim unit, OpenNest nest) {
        return index.symbols().stream()
                .filter(nest.axes()::containsKey)
                .filter(name -> index.substitute(own -> own.equals(name) ? Dim.symbol(name).plus(1) : null)
                        .minus(index)
                        .equals(unit))
                .findFirst();
    }

    private static void merge(OpenNest nest, List<String> digits) {
        var extents = new HashMap<>(nest.axes());
        var slowest = digits.getLast();
        var whole = nest.addAxis(slowest, Dim.product(digits.stream().map(extents::get).toList()));
        Map<String, Dim> parts = new HashMap<>();
        Dim unit = Dim.ONE;
        for (var digit : digits) {
            var quotient = Dim.symbol(whole).floorDivide(unit);
            parts.put(digit, digit.equals(slowest) ? quotient : quotient.modulo(extents.get(digit)));
            unit = unit.times(extents.get(digit));
        }
        var axes = new LinkedHashMap<String, Dim>();
        nest.axes().forEach((name, extent) -> {
            if (name.equals(slowest)) {
                axes.put(whole, nest.axes().get(whole));
            } else if (!digits.contains(name) && !name.equals(whole)) {
                axes.put(name, extent);
            }
        });
        var bounds = nest.symbols().bounds().withAxes(OpenNest.list(axes));
        AxisRewrite.run(nest, axes, index -> bounds.simplify(index.substitute(parts::get)), List::of);
    }
}
