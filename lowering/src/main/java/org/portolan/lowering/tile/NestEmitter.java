package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.runtime.type.Dim;
/// Writes the loops of one nest as its schedule says: those of the grid, those within its blocks and those of the results.
final class NestEmitter extends BodyEmitter {
    /// How many axes a grid can have.
    private static final int GRID_AXES = 3;

    private final List<Dim> grid = new ArrayList<>();
    /// The grid's index along each axis, in the scopes of the grid loops.
    private final Map<Split, Value> gridPoints = new HashMap<>();

    NestEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
    }

    /// The kernel's operations.
    List<Op> emit() {
        var root = new Scope(null);
        gridLoops(root, 0, new ArrayList<>());
        return root.ops;
    }

    /// The trip counts of the grid loops, outermost first.
    List<Dim> grid() {
        return grid;
    }

    private record Block(Split split, Value start, Dim length, Value end) {}

    /// One loop for each common axis over its blocks, then the loops within the blocks.
    private void gridLoops(Scope scope, int index, List<Block> blocks) {
        if (index == schedule.common().size()) {
            enterGrid(scope);
            if (schedule.block().isPresent()) {
                threadLoop(scope, inner -> threadBody(inner, blocks));
            } else {
                blockLoops(scope, blocks, 0);
            }
            return;
        }
        var split = schedule.common().get(index);
        var extent = analysis.extent(split.axis());
        long block = split.block();
        if (block == 0) {
            blocks.add(new Block(split, number(scope, Dim.ZERO), extent, number(scope, extent)));
            gridLoops(scope, index + 1, blocks);
            return;
        }
        if (gridPoints.containsKey(split)) {
            bindBlock(scope, split, gridPoints.get(split), blocks);
            gridLoops(scope, index + 1, blocks);
            return;
        }
        long group = schedule.block().map(Schedule.Block::group).orElse(0L);
        if (group > 0 && index == schedule.common().size() - 2) {
            groups(scope, index, group, blocks);
            return;
        }
        var together = together(index);
        var count = Dim.product(together.stream().map(this::blocks).toList());
        grid.add(count);
        var point = Value.of(Type.INDEX, split.axis() + "_block");
        var inner = new Scope(scope);
        Dim inside = Dim.ONE;
        for (var each : together.reversed()) {
            gridPoints.put(
                    each,
                    together.size() == 1
                            ? point
                            : expression(inner, Dim.symbol("$0").floorDivide(inside).modulo(blocks(each)), point));
            inside = inside.times(blocks(each));
        }
        gridLoops(inner, index, blocks);
        gridLoop(scope, count, point, inner);
    }

    private void gridLoop(Scope scope, Dim count, Value point, Scope inner) {
        scope.ops.add(new TileOp.For(
                number(scope, Dim.ZERO),
                number(scope, count),
                number(scope, Dim.ONE),
                List.of(),
                TileOp.Bind.GRID,
                new Body(List.of(point), terminated(inner.ops, List.of())),
                List.of()));
    }

    /// One loop over the blocks of the last two axes: down a group of the first of these, then to the next of the second.
    private void groups(Scope scope, int index, long group, List<Block> blocks) {
        var row = schedule.common().get(index);
        var column = schedule.common().get(index + 1);
        var rows = blocks(row);
        var columns = blocks(column);
        var count = rows.times(columns);
        grid.add(count);
        var point = Value.of(Type.INDEX, row.axis() + column.axis() + "_block");
        var inner = new Scope(scope);
        var each = columns.times(group);
        var own = Dim.symbol("$0");
        var first = expression(inner, own.floorDivide(each).times(group), point);
        var within = expression(inner, own.modulo(each), point);
        if (rows.modulo(group).isConstant(0)) {
            gridPoints.put(row, expression(inner, own.plus(Dim.symbol("$1").modulo(group)), first, within));
            gridPoints.put(column, expression(inner, own.floorDivide(group), within));
        } else {
            // The last group may be lower.
            var height = expression(inner, rows.minus(own).minimum(Dim.of(group)), first);
            gridPoints.put(
                    row, expression(inner, own.plus(Dim.symbol("$1").modulo(Dim.symbol("$2"))), first, within, height));
            gridPoints.put(column, expression(inner, own.floorDivide(Dim.symbol("$1")), within, height));
        }
        gridLoops(inner, index, blocks);
        gridLoop(scope, count, point, inner);
    }

    /// The axes that share the next grid loop: one, or where a grid has too few the outermost ones.
    private List<Split> together(int index) {
        var left = schedule.common().subList(index, schedule.common().size()).stream()
                .filter(split -> split.block() != 0)
                .toList();
        int excess = left.size() + grid.size() - GRID_AXES;
        return left.subList(0, 1 + Math.max(0, excess));
    }

    private Dim blocks(Split split) {
        return analysis.extent(split.axis()).ceilDivide(split.block());
    }

    /// Makes a point of the grid the start of a block.
    private void bindBlock(Scope scope, Split split, Value point, List<Block> blocks) {
        long block = split.block();
        if (block == 1) {
            scope.bind(split.axis(), new Scope.Position(point, 1, 1, 1, null));
            return;
        }
        // The loops within bind the axis; until then it has no position.
        var extent = analysis.extent(split.axis());
        var start = expression(scope, Dim.symbol("$0").times(block), point);
        boolean whole = extent.modulo(block).isConstant(0);
        var end = whole
                ? null
                : expression(
                        scope,
                        Dim.symbol("$0").plus(block).minimum(Dim.symbol("$1")),
                        start,
                        number(scope, extent));
        blocks.add(new Block(split, start, whole ? Dim.of(block) : null, end));
    }

    /// What one thread of a block does.
    private void threadBody(Scope scope, List<Block> blocks) {
        enterGrid(scope);
        blocks.forEach(block -> bindThreads(scope, block.split(), block.start()));
        if (schedule.block().orElseThrow().form() == Schedule.Form.ONLINE) {
            rowsOnce(scope);
        }
        if (schedule.block().orElseThrow().form() == Schedule.Form.RESIDENT) {
            var rows = new LinkedHashSet<Split>();
            schedule.reductions().forEach(rows::addAll);
            schedule.stages().forEach(rows::addAll);
            rows.forEach(split -> bindRow(scope, split));
        }
        stages(scope);
    }

    private void blockLoops(Scope scope, List<Block> blocks, int index) {
        if (index == blocks.size()) {
            stages(scope);
            return;
        }
        var block = blocks.get(index);
        tiles(scope, block.split(), block.start(), block.length(), block.end(), inner -> blockLoops(inner, blocks, index + 1));
    }

    /// Results with the same inner axes share their loops.
    private void stages(Scope scope) {
        int count = analysis.terminator().values().size();
        var done = new boolean[count];
        for (int first = 0; first < count; first++) {
            if (done[first]) {
                continue;
            }
            var axes = analysis.storeAxes(first);
            var members = new ArrayList<Integer>();
            for (int i = first; i < count; i++) {
                if (!done[i] && analysis.storeAxes(i).equals(axes)) {
                    done[i] = true;
                    members.add(i);
                }
            }
            var splits = schedule.stages().get(first);
            boolean divided = splits.stream().anyMatch(split -> split.threads() > 1);
            innerLoops(scope, splits, 0, inner -> store(inner, members, axes, divided));
        }
    }

    private void innerLoops(Scope scope, List<Split> splits, int index, Continuation body) {
        if (index == splits.size()) {
            body.emit(scope);
            return;
        }
        var split = splits.get(index);
        var extent = analysis.extent(split.axis());
        if (scope.position(split.axis()) != null) {
            innerLoops(scope, splits, index + 1, body);
            return;
        }
        if (split.threads() > 1) {
            teamTiles(scope, split, extent, inner -> innerLoops(inner, splits, index + 1, body));
            return;
        }
        tiles(scope, split, number(scope, Dim.ZERO), extent, number(scope, extent), inner ->
                innerLoops(inner, splits, index + 1, body));
    }

    /// @param divided whether each thread of a team stores elements of its own
    private void store(Scope scope, List<Integer> members, Set<String> axes, boolean divided) {
        boolean once = !divided && schedule.block().map(Schedule.Block::team).orElse(1L) > 1;
        for (var coordinates : coordinates(scope, axes)) {
            for (int member : members) {
                var yield = analysis.terminator();
                var value = evaluate(scope, yield.values().get(member), coordinates);
                var dollars = yield.indices().stream()
                        .map(index -> evaluate(scope, index, coordinates))
                        .toList();
                store(
                        scope,
                        analysis.nest().results().get(member),
                        value,
                        yield.to().get(member),
                        dollars,
                        axes,
                        coordinates,
                        once ? isFirstMember(scope) : null);
            }
        }
    }
}
