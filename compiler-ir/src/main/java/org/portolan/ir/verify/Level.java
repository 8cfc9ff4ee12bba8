package org.portolan.ir.verify;

import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;

/// Where an operation stands: which dialects may stand there, and what is visible from around.
enum Level {
    /// Nothing around.
    MODULE,
    /// The body of a graph.function, and of branches and loops in it.
    FUNCTION,
    /// The scalar body of a graph.map or a tile.map.
    MAP,
    /// The body of a nest.compute.
    NEST,
    /// The combiner of a nest.reduce.
    REDUCTION,
    /// The body of a tile.kernel, and of loops and branches in it.
    KERNEL,
    /// The body of a plan.program, and of branches and loops in it.
    PROGRAM,
    /// The body of a machine.chip.
    CHIP,
    /// The body of a machine.intrinsic.
    INTRINSIC;

    /// The level of an operation's bodies.
    static Level inside(Op op) {
        return switch (op) {
            case GraphOp.Map _ -> MAP;
            case GraphOp _ -> FUNCTION;
            case NestOp.Reduce _ -> REDUCTION;
            case NestOp _ -> NEST;
            case TileOp.Map _ -> MAP;
            case TileOp _ -> KERNEL;
            case PlanOp _ -> PROGRAM;
            case MachineOp.Chip _ -> CHIP;
            case MachineOp _ -> INTRINSIC;
            case ArithOp _ -> MAP;
        };
    }

    /// Whether values that are defined around such a body are hidden in it.
    boolean isIsolated() {
        return this == MAP || this == CHIP || this == INTRINSIC;
    }

    boolean allows(Op op) {
        return switch (this) {
            case MODULE ->
                op instanceof GraphOp.Function
                        || op instanceof TileOp.Kernel
                        || op instanceof PlanOp.Program
                        || op instanceof MachineOp.Chip
                        || op instanceof MachineOp.Intrinsic;
            case FUNCTION -> op instanceof GraphOp && !(op instanceof GraphOp.Function) || op instanceof NestOp.Compute;
            case MAP -> op instanceof ArithOp || op instanceof GraphOp.Yield || op instanceof TileOp.Yield;
            case NEST -> op instanceof ArithOp || op instanceof NestOp && !(op instanceof NestOp.Compute);
            case REDUCTION ->
                op instanceof ArithOp
                        || op instanceof NestOp.Yield
                        || op instanceof NestOp.Index
                        || op instanceof NestOp.Read;
            case KERNEL ->
                op instanceof ArithOp
                        || op instanceof TileOp && !(op instanceof TileOp.Kernel)
                        || op instanceof NestOp.Compute;
            case PROGRAM -> op instanceof PlanOp && !(op instanceof PlanOp.Program);
            case CHIP ->
                op instanceof MachineOp.Intrinsic
                        || op instanceof MachineOp.Vector
                        || op instanceof MachineOp.Processors;
            case INTRINSIC ->
                op instanceof NestOp.Compute || op instanceof ArithOp || op instanceof MachineOp.Yield;
        };
    }
}
