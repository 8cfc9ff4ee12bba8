package org.portolan.lowering.vectors;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.runtime.type.Dim;

/// What is known of a kernel's loops and pieces whatever its extents are: which loops turn at most once, and which pieces are
/// never full. Loops over the rest of a row are such, and the pieces in them.
final class PieceBounds {
    private final Map<Value, Dim> expressions = new IdentityHashMap<>();
    /// Where each loop begins, by the symbol that stands for its counter.
    private final Map<String, Dim> begins = new HashMap<>();

    PieceBounds(Body body) {
        collect(body);
    }

    private void collect(Body body) {
        for (var op : body.ops()) {
            switch (op) {
                case ArithOp.Integer(long value, Value result) -> expressions.put(result, Dim.of(value));
                case TileOp.Expression(List<Value> operands, Dim expression, Value result) -> {
                    var own = new HashMap<String, Dim>();
                    for (int i = 0; i < operands.size(); i++) {
                        own.put("$" + i, of(operands.get(i)));
                    }
                    expressions.put(result, expression.substitute(own::get));
                }
                case TileOp.For loop -> {
                    var counter = of(loop.body().params().getFirst());
                    begins.put(counter.symbolName().orElseThrow(), of(loop.lower()));
                }
                case Op _ -> {}
            }
            OpSchema.bodies(op).forEach(this::collect);
        }
    }

    /// Symbols of this form may be any number.
    private Dim of(Value value) {
        return expressions.computeIfAbsent(value, _ -> Dim.symbol("$9" + expressions.size()));
    }

    /// Whether a loop's body runs once or not at all.
    boolean runsAtMostOnce(TileOp.For loop) {
        return DimBounds.none().isAtMost(of(loop.upper()), of(loop.lower()).plus(of(loop.step())));
    }

    /// Whether a piece of {@code count} elements ends before its last, so that the rest of it is filled.
    boolean endsBefore(Optional<Value> limit, long count) {
        if (limit.isEmpty()) {
            return false;
        }
        var greatest = of(limit.get());
        for (boolean changed = true; changed; ) {
            changed = false;
            for (var symbol : greatest.symbols()) {
                if (begins.containsKey(symbol)) {
                    var counter = Dim.symbol(symbol);
                    var next = greatest.substitute(name -> name.equals(symbol) ? counter.plus(1) : null);
                    if (next.minus(greatest).constant().orElse(1) > 0) {
                        return false;
                    }
                    greatest = greatest.substitute(name -> name.equals(symbol) ? begins.get(symbol) : null);
                    changed = true;
                    break;
                }
            }
        }
        return DimBounds.none().isLess(greatest, Dim.of(count));
    }
}
