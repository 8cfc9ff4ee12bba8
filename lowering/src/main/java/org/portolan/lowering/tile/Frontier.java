package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;

/// What a block of threads keeps in shared memory while it reduces: the largest expressions that depend on one of the axes
/// that the block tiles and not on the others, so that many threads need them; narrow as they come from memory.
final class Frontier {
    private final NestAnalysis analysis;
    private final String deep;
    private final Set<String> tiled;
    private final Set<Value> found = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Value> values = new ArrayList<>();
    private final Map<Value, Boolean> reduces = new IdentityHashMap<>();
    private final Set<Value> seen = Collections.newSetFromMap(new IdentityHashMap<>());

    private Frontier(NestAnalysis analysis, String deep, Set<String> tiled) {
        this.analysis = analysis;
        this.deep = deep;
        this.tiled = tiled;
    }

    /// @param deep the reduced axis that is cut into blocks
    static List<Value> of(NestAnalysis analysis, Reduction reduction, String deep, Set<String> tiled) {
        var frontier = new Frontier(analysis, deep, tiled);
        reduction.values().forEach(frontier::visit);
        return frontier.values;
    }

    /// The axis of the block that a value depends on.
    static String axis(NestAnalysis analysis, Value value, Set<String> tiled) {
        return analysis.free(value).stream().filter(tiled::contains).findFirst().orElseThrow();
    }

    private void visit(Value value) {
        var free = analysis.free(value);
        long axes = free.stream().filter(tiled::contains).count();
        if (!free.contains(deep) || axes == 0 || !seen.add(value)) {
            return;
        }
        if (axes == 1 && !reduces(value)) {
            var narrow = value;
            while (analysis.definition(narrow) instanceof ArithOp.Cast cast
                    && cast.operand().type().elementType().bits() <= narrow.type().elementType().bits()) {
                narrow = cast.operand();
            }
            if (found.add(narrow)) {
                values.add(narrow);
            }
            return;
        }
        if (analysis.definition(value) instanceof ArithOp arith) {
            OpSchema.operands(arith).forEach(this::visit);
        }
    }

    private boolean reduces(Value value) {
        var known = reduces.get(value);
        if (known == null) {
            var definition = analysis.definition(value);
            known = definition != null
                    && (analysis.reduction(definition) != null
                            || OpSchema.operands(definition).stream().anyMatch(this::reduces));
            reduces.put(value, known);
        }
        return known;
    }
}
