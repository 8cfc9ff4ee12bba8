package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.portolan.ir.ArithOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.BoxEmitter.Box;
import org.portolan.lowering.tile.BoxEmitter.Side;
import org.portolan.lowering.tile.Schedule.Warps;
import org.portolan.lowering.tile.Tensorize.Match;

/// The two products of a nest whose rows are gone along once, where the lanes that hold the sums of the first go on with them: scores,
/// weights and sums stay in registers, and only what the rows are multiplied with lies in shared memory.
final class HeldProducts extends RowProducts {
    private final RowLanes lanes;

    HeldProducts(
            OnlineEmitter emitter,
            MachineOp.Chip machine,
            OnlineRows rows,
            List<Match> matches,
            Warps warps,
            long deepSize,
            long columnSize,
            RowLanes lanes) {
        super(emitter, machine, rows, matches, warps, deepSize, columnSize);
        this.lanes = lanes;
    }

    @Override
    void begin(Scope scope, Box box, long rowSize) {
        load(scope, box, rowSize);
    }

    /// The scores of a block of keys, each lane its own.
    @Override
    void scores(Scope scope, Box right, Side row, Side key) {
        var fragments = new ArrayList<Value>();
        scores(scope, right, key, (column, sums) -> fragments.add(sums.getFirst()));
        remember(scope, fragments, rows.scores().results().getFirst(), key.axis());
    }

    /// From now on a sum is what this lane holds of it in fragments beside each other.
    private void remember(Scope scope, List<Value> fragments, Value result, String across) {
        for (int row = 0; row < lanes.rows().size(); row++) {
            for (int fragment = 0; fragment < fragments.size(); fragment++) {
                for (int column = 0; column < lanes.columns().size(); column++) {
                    var own = Value.of(Type.scalar(result.type().elementType()), result.hint());
                    scope.ops.add(new TileOp.Part(fragments.get(fragment), lanes.sums()[row][column], own));
                    scope.remember(result, place(row, across, fragment * lanes.columns().size() + column), own);
                }
            }
        }
    }

    private Map<String, Integer> place(int row, String across, int coordinate) {
        var place = new TreeMap<String, Integer>();
        if (lanes.rows().size() > 1) {
            place.put(rows.row(), row);
        }
        place.put(across, coordinate);
        return place;
    }

    /// Adds the products of a block of keys to the sums.
    ///
    /// @param weights of this lane, by coordinates of row and key
    List<Value> add(
            Scope scope,
            List<Value> sums,
            Map<Map<String, Integer>, Value> weights,
            List<Value> shrinks,
            Box factor,
            long keys) {
        var shrink = shrink(scope, shrinks);
        var scaled = new ArrayList<Value>();
        for (var sum : sums) {
            var less = sum.copy();
            scope.ops.add(new ArithOp.Mul(sum, shrink, less));
            scaled.add(less);
        }
        return products(scope, scaled, factor, keys, (_, key) -> weight(scope, weights, key));
    }

    private Value shrink(Scope scope, List<Value> shrinks) {
        var parts = new ArrayList<Value>();
        int registers = lanes.rows().size() * lanes.columns().size();
        for (int register = 0; register < registers; register++) {
            for (int row = 0; row < lanes.rows().size(); row++) {
                for (int own : lanes.sums()[row]) {
                    if (own == register) {
                        parts.add(emitter.cast(scope, shrinks.get(row), sum(product).element()));
                    }
                }
            }
        }
        var fragment = Value.of(sum(product), "shrink");
        scope.ops.add(new TileOp.Assemble(parts, fragment));
        return fragment;
    }

    private Value weight(Scope scope, Map<Map<String, Integer>, Value> weights, long key) {
        var parts = new ArrayList<Value>();
        for (var from : lanes.operand()) {
            parts.add(weights.get(place(from.row(), rows.key(), lanes.coordinate(key + from.column()))));
        }
        var parameter = parameter(product, rows.weight());
        var fragment = Value.of(FragmentEmitter.fragment(product, parameter), "weights");
        scope.ops.add(new TileOp.Assemble(parts, fragment));
        return fragment;
    }

    @Override
    void finish(Scope scope, List<Value> sums, Side row) {
        remember(scope, sums, rows.product().results().getFirst(), rows.column());
    }
}
