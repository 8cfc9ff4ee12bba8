package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Hand-written kernels for machines whose cores write whole blocks of memory: a point of the grid becomes as many neighbouring
/// rows of every result as end where a block does. Where results are not written row by row, one core does all.
final class WholeBlocks {
    private final long blockBits;

    private WholeBlocks(long blockBits) {
        this.blockBits = blockBits;
    }

    /// @param blockBytes the bytes that only one core may write to
    static LoweredKernel apply(LoweredKernel lowered, long blockBytes) {
        var kernel = lowered.kernel();
        if (kernel.grid().isEmpty()) {
            return lowered;
        }
        var pass = new WholeBlocks(8 * blockBytes);
        long rows = kernel.body().ops().stream()
                .mapToLong(op -> op instanceof TileOp.For loop && loop.bind() == TileOp.Bind.GRID ? pass.rows(loop) : 1)
                .max()
                .orElse(1);
        boolean apart = rows > 0;
        var ops = new ArrayList<Op>();
        for (var op : kernel.body().ops()) {
            if (op instanceof TileOp.For loop && loop.bind() == TileOp.Bind.GRID && apart) {
                pass.cut(loop, kernel.grid().getFirst(), rows, ops);
            } else {
                ops.add(serial(op));
            }
        }
        var grid = apart ? List.of(kernel.grid().getFirst().ceilDivide(rows)) : List.<Dim>of();
        var launched = apart ? List.of(lowered.grid().getFirst().ceilDivide(rows)) : List.<Dim>of();
        var points = lowered.grid().subList(apart ? 1 : 0, lowered.grid().size());
        return new LoweredKernel(
                new TileOp.Kernel(
                        kernel.name(), kernel.symbols(), grid, kernel.origin(), new Body(kernel.body().params(), ops)),
                lowered.arguments(),
                lowered.extents(),
                launched,
                lowered.cost().times(Dim.product(points)).times(rows > 0 ? rows : 1));
    }

    /// How many rows end where a block does, whatever they are long; 0 if results are not written row by row.
    private long rows(TileOp.For loop) {
        return rows(loop.body(), loop.body().params().getFirst());
    }

    private long rows(Body body, Value row) {
        long most = 1;
        for (var op : body.ops()) {
            if (op instanceof TileOp.Atomic || op instanceof TileOp.Copy) {
                return 0;
            }
            if (op instanceof TileOp.Store store && store.buffer().buffer().space() == Type.Space.GLOBAL) {
                var type = store.buffer().buffer();
                if (type.layout().isPresent() || store.indices().getFirst() != row) {
                    return 0;
                }
                most = Math.max(most, blockBits / Math.min(blockBits, type.element().bits()));
            }
            for (var inner : OpSchema.bodies(op)) {
                long own = rows(inner, row);
                if (own == 0) {
                    return 0;
                }
                most = Math.max(most, own);
            }
        }
        return most;
    }

    private void cut(TileOp.For loop, Dim count, long rows, List<Op> ops) {
        var point = Value.of(Type.INDEX, "point");
        var first = Value.of(Type.INDEX, "first");
        var end = Value.of(Type.INDEX, "end");
        var points = Value.of(Type.INDEX, "points");
        ops.add(new TileOp.Expression(List.of(loop.upper()), Dim.symbol("$0").ceilDivide(rows), points));
        var own = new TileOp.For(
                first, end, loop.step(), List.of(), TileOp.Bind.SERIAL, serial(loop.body()), List.of());
        ops.add(new TileOp.For(
                loop.lower(),
                points,
                loop.step(),
                List.of(),
                TileOp.Bind.GRID,
                new Body(List.of(point), List.of(
                        new TileOp.Expression(List.of(point), Dim.symbol("$0").times(rows), first),
                        new TileOp.Expression(
                                List.of(first, loop.upper()),
                                Dim.symbol("$0").plus(rows).minimum(Dim.symbol("$1")),
                                end),
                        own,
                        new TileOp.Yield(List.of()))),
                List.of()));
    }

    private static Body serial(Body body) {
        return new Body(body.params(), body.ops().stream().map(WholeBlocks::serial).toList());
    }

    private static Op serial(Op op) {
        return op instanceof TileOp.For loop
                ? new TileOp.For(
                        loop.lower(),
                        loop.upper(),
                        loop.step(),
                        loop.initial(),
                        loop.bind() == TileOp.Bind.GRID ? TileOp.Bind.SERIAL : loop.bind(),
                        serial(loop.body()),
                        loop.results())
                : OpSchema.rebuild(op, value -> value, value -> value, WholeBlocks::serial);
    }
}
