package org.portolan.cuda.emulator.run;

import java.util.Arrays;
import java.util.List;

/// What a worker needs to run one block of a launch after the other.
final class Block {
    /// Branches that a warp may take before the others of its block get their turn.
    private static final int TURN = 20_000;

    final Launch launch;
    final SharedMemory shared;
    /// How often each instruction was executed by a warp.
    final long[] counts;
    final MemoryCounters memoryCounters;
    /// Room for the addresses of one instruction.
    final long[] addresses = new long[Warp.LANES];

    int x;
    int y;
    int z;
    private final Warp[] warps;

    Block(Launch launch) {
        this.launch = launch;
        var program = launch.program();
        counts = new long[program.code().length];
        memoryCounters = launch.counted() ? new MemoryCounters(program.code().length) : null;
        var variables = program.shared().stream()
                .map(variable -> variable.dynamic() ? variable.withBytes(launch.dynamicShared()) : variable)
                .toList();
        shared = new SharedMemory(
                variables, end(variables), program.sharedGranule(), launch.checked(), program.asynchronous());
        warps = new Warp[(launch.threads() + Warp.LANES - 1) / Warp.LANES];
        for (int index = 0; index < warps.length; index++) {
            warps[index] = new Warp(this, index);
        }
    }

    private static int end(List<SharedVariable> variables) {
        return variables.stream()
                .mapToInt(variable -> variable.offset() + variable.bytes())
                .max()
                .orElse(0);
    }

    /// Instructions that the worker's warps have executed.
    long executed() {
        return Arrays.stream(counts).sum();
    }

    /// The thread's place in the block, for messages.
    String threadName(int thread) {
        var extent = launch.block();
        return new Extent(
                        thread % extent.x(), thread / extent.x() % extent.y(), thread / (extent.x() * extent.y()))
                .toString();
    }

    /// Runs a block to its end.
    ///
    /// @param stop asked now and then whether to give up
    /// @return false if it was given up
    boolean run(int blockX, int blockY, int blockZ, StopCheck stop) {
        x = blockX;
        y = blockY;
        z = blockZ;
        shared.begin();
        int threads = launch.threads();
        for (int index = 0; index < warps.length; index++) {
            int lanes = Math.min(Warp.LANES, threads - index * Warp.LANES);
            warps[index].begin(lanes == Warp.LANES ? -1 : (1 << lanes) - 1);
        }
        while (true) {
            boolean running = false;
            for (var warp : warps) {
                if (warp.state == Warp.State.RUNNING) {
                    warp.fuel = TURN;
                    run(warp);
                    if (warp.state == Warp.State.RUNNING) {
                        running = true;
                        if (stop.stopped()) {
                            return false;
                        }
                    }
                }
            }
            if (!running && !meet()) {
                return true;
            }
        }
    }

    /// All warps are at a barrier or have left: those at a barrier go on. Says whether there are any.
    private boolean meet() {
        Warp first = null;
        for (var warp : warps) {
            if (warp.state == Warp.State.DONE) {
                // Threads that have left are not waited for.
                continue;
            }
            if (first == null) {
                first = warp;
            } else if (warp.counter != first.counter) {
                var other = launch.program().code()[first.counter - 1];
                throw located(
                        warp,
                        warp.counter - 1,
                        new Fault(
                                Integer.numberOfTrailingZeros(warp.mask),
                                "a divergent barrier: warp " + first.index + " is at that of line " + other.line));
            }
        }
        if (first == null) {
            return false;
        }
        shared.barrier();
        for (var warp : warps) {
            if (warp.state == Warp.State.BARRIER) {
                warp.state = Warp.State.RUNNING;
            }
        }
        return true;
    }

    private void run(Warp warp) {
        try {
            warp.run();
        } catch (Fault fault) {
            throw located(warp, warp.counter, fault);
        }
    }

    private KernelFault located(Warp warp, int counter, Fault fault) {
        var program = launch.program();
        int line = program.code()[counter].line;
        int lane = fault.lane() >= 0 ? fault.lane() : Integer.numberOfTrailingZeros(warp.mask);
        var thread = threadName(warp.firstThread + lane);
        var text = program.line(line);
        return new KernelFault("kernel '" + program.name() + "'" + program.origin() + ", PTX line " + line + " '" + text
                + "', block "
                + new Extent(x, y, z) + ", thread " + thread + ": " + fault.getMessage());
    }

    /// Says whether a run should end early.
    @FunctionalInterface
    interface StopCheck {
        boolean stopped();
    }
}
