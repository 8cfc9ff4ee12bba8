package org.portolan.ir.analysis;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The symbols of a function: their names, which axes must not have, and what is known about them.
///
/// What is read from data may be any number, negative ones too. It is known to be at least 0 only where the function says
/// so: by a check that stands right behind the operation that reads it, or because {@code graph.dims} wrote what is read.
public record FunctionSymbols(Set<String> names, DimBounds bounds) {

    public static FunctionSymbols of(GraphOp.Function function) {
        var collector = new Collector(function);
        collector.collect(function.body().ops());
        return new FunctionSymbols(collector.names, collector.bounds());
    }

    /// What {@code graph.check} says that a number which was read from data is at least 0.
    public static GraphOp.Check natural(String symbol) {
        return new GraphOp.Check(
                Dim.symbol(symbol),
                Relation.GREATER_OR_EQUAL,
                Dim.ZERO,
                "the extent " + symbol + ", which is read from data, must not be negative");
    }

    private static final class Collector {
        private final Set<String> names = new HashSet<>();
        private final Map<String, SymbolRange> ranges = new HashMap<>();
        private final Map<Value, GraphOp.Dims> written = new IdentityHashMap<>();

        Collector(GraphOp.Function function) {
            function.symbols().forEach(symbol -> {
                names.add(symbol.name());
                ranges.put(symbol.name(), symbol);
            });
        }

        DimBounds bounds() {
            return DimBounds.of(ranges.values());
        }

        void collect(List<Op> ops) {
            for (int place = 0; place < ops.size(); place++) {
                var op = ops.get(place);
                if (op instanceof GraphOp.Dims dims && dims.result().type().elementType() == ElementType.I64) {
                    written.put(dims.result(), dims);
                } else if (op instanceof GraphOp.Bind bind) {
                    bind(bind, checksBehind(ops, place));
                } else if (op instanceof GraphOp.Loop loop) {
                    names.add(loop.trips());
                }
                OpSchema.bodies(op).forEach(body -> collect(body.ops()));
            }
        }

        private void bind(GraphOp.Bind bind, List<GraphOp.Check> checks) {
            var numbers = Optional.ofNullable(written.get(bind.input()));
            var known = bounds();
            for (int index = 0; index < bind.symbols().size(); index++) {
                var name = bind.symbols().get(index);
                int element = index;
                boolean natural = checks.stream().anyMatch(check -> saysNatural(check, name))
                        || numbers.filter(dims -> known.isNonNegative(dims.values().get(element))).isPresent();
                var range = new SymbolRange(name, natural ? 0 : Long.MIN_VALUE, Long.MAX_VALUE);
                // Bodies beside each other may use one name, and then mean what holds in both.
                ranges.merge(name, range, (one, other) -> one.minimum() <= other.minimum() ? one : other);
                names.add(name);
            }
        }

        private static boolean saysNatural(GraphOp.Check check, String name) {
            return check.left().equals(Dim.symbol(name))
                    && check.relation() == Relation.GREATER_OR_EQUAL
                    && check.right().isConstant(0);
        }

        /// Before anything can use what was read.
        private static List<GraphOp.Check> checksBehind(List<Op> ops, int place) {
            var checks = new ArrayList<GraphOp.Check>();
            for (var op : ops.subList(place + 1, ops.size())) {
                if (!(op instanceof GraphOp.Check check)) {
                    break;
                }
                checks.add(check);
            }
            return checks;
        }
    }
}
