package org.portolan.lowering.nest;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.NestOp;
import org.portolan.runtime.type.Dim;

/// Makes two axes of one that is only used in parts: where an index says {@code i / 32} and {@code i % 32} and 32
/// divides the extent of {@code i}, the axis becomes {@code i = 32 * i_1 + i_2}, and the quotients vanish.
final class AxisSplit {
    /// An axis and the extent of its inner part.
    private record Split(String axis, Dim inner) {}

    private static final int LIMIT = 8;
    /// A shorter run of neighbours is not worth losing a long one: there the quotient stays. Sums of products take it
    /// nevertheless, since it makes their operands plain.
    private static final long SHORTEST_RUN = 16;

    private AxisSplit() {}

    static void run(OpenNest nest) {
        for (int i = 0; i < LIMIT; i++) {
            var split = find(nest);
            if (split.isEmpty()) {
                return;
            }
            apply(nest, split.get());
        }
    }

    /// Whether an index expression has a quotient or remainder of an axis.
    static boolean divides(Dim index, OpenNest nest) {
        return switch (index) {
            case Dim.Constant _, Dim.Symbol _ -> false;
            case Dim.Product(_, List<Dim> factors) -> factors.stream().anyMatch(factor -> divides(factor, nest));
            case Dim.Sum(List<Dim> terms) -> terms.stream().anyMatch(term -> divides(term, nest));
            case Dim.Binary(Dim.Operator operator, Dim left, Dim right) ->
                switch (operator) {
                            case FLOOR_DIVIDE, CEIL_DIVIDE, MODULO ->
                                left.symbols().stream().anyMatch(nest.axes()::containsKey);
                            case MINIMUM, MAXIMUM, EXCLUSIVE_OR -> false;
                        }
                        || divides(left, nest)
                        || divides(right, nest);
        };
    }

    private static Optional<Split> find(OpenNest nest) {
        for (var op : nest.ops()) {
            var indices = op instanceof NestOp.Read read
                    ? read.at()
                    : op instanceof NestOp.Index index ? List.of(index.value()) : List.<Dim>of();
            for (var index : indices) {
                var split = find(index, nest);
                if (split.isPresent()) {
                    return split;
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<Split> find(Dim index, OpenNest nest) {
        return switch (index) {
            case Dim.Constant _, Dim.Symbol _ -> Optional.empty();
            case Dim.Product(_, List<Dim> factors) -> findIn(factors, nest);
            case Dim.Sum(List<Dim> terms) -> findIn(terms, nest);
            case Dim.Binary(Dim.Operator operator, Dim.Symbol(String name), Dim by)
            when (operator == Dim.Operator.FLOOR_DIVIDE || operator == Dim.Operator.MODULO) && isPart(name, by, nest) ->
                Optional.of(new Split(name, by));
            case Dim.Binary(_, Dim left, Dim right) -> findIn(List.of(left, right), nest);
        };
    }

    private static Optional<Split> findIn(List<Dim> parts, OpenNest nest) {
        return parts.stream().flatMap(part -> find(part, nest).stream()).findFirst();
    }

    private static boolean isPart(String axis, Dim by, OpenNest nest) {
        var extent = nest.axes().get(axis);
        return extent != null
                && !extent.isConstant(0)
                && !by.isConstant(0)
                && by.symbols().stream().noneMatch(name -> nest.axes().containsKey(name) || name.startsWith("$"))
                && (by.constant().orElse(SHORTEST_RUN) >= SHORTEST_RUN || nest.facts().isContraction())
                && extent.modulo(by).isConstant(0)
                && !extent.floorDivide(by).isConstant(1);
    }

    private static void apply(OpenNest nest, Split split) {
        var extent = nest.axes().get(split.axis());
        var outer = nest.addAxis(split.axis(), extent.floorDivide(split.inner()));
        var inner = nest.addAxis(split.axis(), split.inner());
        var axes = new LinkedHashMap<String, Dim>();
        nest.axes().forEach((name, size) -> {
            if (name.equals(split.axis())) {
                axes.put(outer, nest.axes().get(outer));
                axes.put(inner, nest.axes().get(inner));
            } else if (!name.equals(outer) && !name.equals(inner)) {
                axes.put(name, size);
            }
        });
        var whole = Dim.symbol(outer).times(split.inner()).plus(Dim.symbol(inner));
        var bounds = nest.symbols().bounds().withAxes(OpenNest.list(axes));
        AxisRewrite.run(
                nest,
                axes,
                index -> index.symbols().contains(split.axis())
                        ? bounds.simplify(index.substitute(name -> name.equals(split.axis()) ? whole : null))
                        : index,
                name -> name.equals(split.axis()) ? List.of(outer, inner) : List.of(name));
    }
}
