package org.portolan.ir.verify;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Attributes;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.Uses;
import org.portolan.runtime.type.Dim;

/// The rules of a kernel: as many nested grid loops as the grid has axes, around everything that has an effect; wider
/// bindings around narrower ones; numbers as the bounds of unrolled loops and as the extents of what is allocated.
final class TileRules {
    private final TileOp.Kernel kernel;
    private final Uses uses;

    TileRules(TileOp.Kernel kernel) {
        this.kernel = kernel;
        uses = Uses.of(kernel.body());
    }

    void check() {
        VerifierException.check(
                new HashSet<>(kernel.symbols()).size() == kernel.symbols().size(),
                kernel,
                "the symbols of a kernel need different names, found " + kernel.symbols());
        grid(kernel.body(), 0);
        body(kernel.body(), List.of());
    }

    /// The body at a depth of grid loops; where another one belongs, nothing beside it has an effect.
    private void grid(Body body, int depth) {
        var loops = body.ops().stream().filter(TileRules::isGridLoop).toList();
        if (depth == kernel.grid().size()) {
            VerifierException.check(
                    loops.isEmpty(), kernel, "the grid has " + depth + " axes, but more nested grid loops");
            return;
        }
        VerifierException.check(
                loops.size() == 1,
                kernel,
                "the grid has " + kernel.grid().size() + " axes; expected one grid loop at depth " + depth + ", found "
                        + loops.size());
        for (var op : body.ops()) {
            boolean harmless = op instanceof Op.Pure
                    || op instanceof TileOp.Load
                    || op instanceof TileOp.Assume
                    || op instanceof TileOp.Yield
                    || op == loops.getFirst()
                    || isNear(op);
            VerifierException.check(harmless, op, "an operation with an effect stands outside of a grid loop");
        }
        var loop = (TileOp.For) loops.getFirst();
        VerifierException.check(loop.results().isEmpty(), loop, "a grid loop carries nothing");
        grid(loop.body(), depth + 1);
    }

    /// Whether an operation changes nothing but near memory, which each core has for itself.
    private static boolean isNear(Op op) {
        if (op instanceof TileOp.Alloc alloc) {
            return alloc.result().buffer().space() != Type.Space.GLOBAL;
        } else if (op instanceof TileOp.Ring ring) {
            return ((Type.Ring) ring.result().type()).slot().space() != Type.Space.GLOBAL;
        } else if (op instanceof TileOp.Map map) {
            return map.to().buffer().space() != Type.Space.GLOBAL;
        } else if (op instanceof TileOp.Store store) {
            return store.buffer().buffer().space() != Type.Space.GLOBAL;
        } else if (op instanceof TileOp.For loop) {
            return loop.bind() == Bind.SERIAL
                    && loop.body().ops().stream()
                            .allMatch(inner -> inner instanceof Op.Pure || inner instanceof TileOp.Yield || isNear(inner));
        }
        return op instanceof TileOp.Order;
    }

    private void body(Body body, List<Bind> around) {
        for (var op : body.ops()) {
            var inside = around;
            if (op instanceof TileOp.For loop) {
                binding(loop, around);
                inside = new ArrayList<>(around);
                inside.add(loop.bind());
            } else if (op instanceof TileOp.Alloc alloc) {
                VerifierException.check(
                        alloc.result().buffer().storage().stream().allMatch(Dim::isConstant),
                        op,
                        "the storage of an allocation has numbers as extents");
            }
            for (var nested : OpSchema.bodies(op)) {
                body(nested, inside);
            }
        }
    }

    private void binding(TileOp.For loop, List<Bind> around) {
        switch (loop.bind()) {
            case GRID ->
                VerifierException.check(
                        around.stream().allMatch(bind -> bind == Bind.GRID),
                        loop,
                        "only grid loops stand around a grid loop");
            case BLOCK, WARP, LANE ->
                VerifierException.check(
                        around.stream().noneMatch(bind -> bind.compareTo(loop.bind()) > 0),
                        loop,
                        "a narrower binding stands around a wider one: "
                                + around.stream().map(Attributes::word).toList());
            case UNROLL -> {
                for (var bound : List.of(loop.lower(), loop.upper(), loop.step())) {
                    VerifierException.check(isNumber(bound), loop, "an unrolled loop needs numbers as bounds");
                }
            }
            case SERIAL -> {}
        }
    }

    private boolean isNumber(Value value) {
        var definition = uses.definition(value);
        return definition.isPresent()
                && (definition.get() instanceof ArithOp.Integer
                        || definition.get() instanceof TileOp.Expression expression
                                && expression.expression().isConstant());
    }

    private static boolean isGridLoop(Op op) {
        return op instanceof TileOp.For loop && loop.bind() == Bind.GRID;
    }
}
