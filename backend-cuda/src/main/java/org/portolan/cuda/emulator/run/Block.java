package org.portolan.cuda.emulator.run;

import java.util.ArrayList;
import java.util.Arrays;

/// What a worker needs to run one block of a launch after the other.
final class Block {
    /// Branches that a warp may take before the others of its block get their turn.
    private static final int TURN = 20_000;
    /// The same of a warp whose lanes are in different places, and may wait for each other.
    private static final int TURN_APART = 250;
    /// Turns in which every warp waits in vain until it is said that they wait forever.
    private static final int PATIENCE = 100;
    private static final int NAMED_BARRIERS = 16;

    final Launch launch;
    final SharedMemory shared;
    /// The accounts of shared memory of kernels that need more than barriers of the whole block; null: others.
    final ClockAccounts clocks;
    final Mbarriers mbarriers;
    /// Races in global memory; null: nobody wants to know.
    final GlobalRaces races;
    /// How often each instruction was executed by a warp.
    final long[] counts;
    final MemoryCounters memoryCounters;
    /// Room for the addresses of one instruction.
    final long[] addresses = new long[Warp.LANES];

    int x;
    int y;
    int z;
    /// How often anything happened that a waiting thread may wait for.
    long moves;
    /// Whether threads at a named barrier have gone on in this turn.
    private boolean met;
    private final Warp[] warps;
    /// Threads that have come to a named barrier without waiting at it, and what they told.
    private final int[] arrivals = new int[NAMED_BARRIERS];
    private final int[][] toldAt = new int[NAMED_BARRIERS][];

    /// @param firstSerial number of the launch's first execution of a block
    Block(Launch launch, long firstSerial) {
        this.launch = launch;
        var program = launch.program();
        races = launch.checked() ? new GlobalRaces(this, firstSerial) : null;
        counts = new long[program.code().length];
        memoryCounters = launch.counted() ? new MemoryCounters(program.code().length) : null;
        var variables = program.shared().stream()
                .map(variable -> variable.dynamic() ? variable.withBytes(launch.dynamicShared()) : variable)
                .toList();
        clocks = launch.checked() && program.clocked()
                ? new ClockAccounts(variables, program.sharedGranule(), program.asynchronous(), launch.threads())
                : null;
        var accounts = !launch.checked() || program.clocked()
                ? clocks
                : new EpochAccounts(variables, program.sharedGranule(), program.asynchronous());
        shared = new SharedMemory(variables, accounts);
        mbarriers = new Mbarriers(clocks);
        warps = new Warp[(launch.threads() + Warp.LANES - 1) / Warp.LANES];
        for (int index = 0; index < warps.length; index++) {
            warps[index] = new Warp(this, index);
        }
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
        if (shared.accounts != null) {
            shared.accounts.begin();
        }
        mbarriers.begin();
        if (races != null) {
            races.begin();
        }
        Arrays.fill(arrivals, 0);
        for (int number = 0; number < NAMED_BARRIERS && clocks != null; number++) {
            toldAt[number] = clocks.nothingTold();
        }
        int threads = launch.threads();
        for (int index = 0; index < warps.length; index++) {
            int lanes = Math.min(Warp.LANES, threads - index * Warp.LANES);
            warps[index].begin(lanes == Warp.LANES ? -1 : (1 << lanes) - 1);
        }
        int idle = 0;
        while (true) {
            boolean running = false;
            boolean stalled = true;
            met = false;
            long before = moves;
            for (var warp : warps) {
                if (warp.state == Warp.State.RUNNING) {
                    warp.fuel = warp.isApart() ? TURN_APART : TURN;
                    warp.stalled = false;
                    run(warp);
                    stalled &= warp.stalled;
                    if (warp.state == Warp.State.BARRIER && warp.barrierThreads >= 0) {
                        meet(warp.barrierNumber, warp.barrierThreads);
                    }
                    if (warp.state == Warp.State.RUNNING) {
                        running = true;
                        warp.endTurn();
                        if (stop.stopped()) {
                            return false;
                        }
                    }
                }
            }
            if (!running && !met && !meet()) {
                checkEnd();
                return true;
            }
            idle = running && stalled && moves == before ? idle + 1 : 0;
            if (idle == PATIENCE) {
                throw deadlock();
            }
        }
    }

    /// What the warps must have done together.
    private void checkEnd() {
        if (!launch.program().products()) {
            return;
        }
        try {
            MatrixFlights.compare(this, warps.length);
        } catch (Fault fault) {
            throw located(warps[0], launch.program().code().length - 1, fault);
        }
    }

    Warp warp(int index) {
        return warps[index];
    }

    /// Nothing that a thread of the block waits for will come.
    private KernelFault deadlock() {
        var waits = new ArrayList<String>();
        Warp first = null;
        for (var warp : warps) {
            if (warp.state == Warp.State.RUNNING) {
                first = first == null ? warp : first;
                waits.add("warp " + warp.index + " for " + warp.waitsFor + " (line "
                        + launch.program().code()[warp.waitsAt].line + ")");
            } else if (warp.state == Warp.State.BARRIER) {
                waits.add("warp " + warp.index + " at the barrier of line "
                        + launch.program().code()[warp.counter - 1].line);
            }
        }
        return located(
                first,
                first.waitsAt,
                new Fault(
                        -1,
                        "a deadlock: no thread of the block can go on. It waits for " + first.waitsFor
                                + mbarriers.describe(first.waitsPlace) + ". Of the block wait "
                                + String.join(", ", waits)));
    }

    /// If a named barrier has as many threads as it waits for, they go on.
    private void meet(int number, int threads) {
        int present = arrivals[number];
        for (var warp : warps) {
            if (warp.state == Warp.State.BARRIER && warp.barrierNumber == number) {
                if (warp.barrierThreads != threads) {
                    throw located(
                            warp,
                            warp.counter - 1,
                            new Fault(-1, "is at barrier " + number + " of " + warp.barrierThreads
                                    + " threads, which is one of " + threads + " threads for another warp"));
                }
                present += Warp.LANES;
            }
        }
        if (present < threads) {
            return;
        }
        met = true;
        moves++;
        int[] told = clocks == null ? null : told(number);
        for (var warp : warps) {
            if (warp.state == Warp.State.BARRIER && warp.barrierNumber == number) {
                warp.state = Warp.State.RUNNING;
                if (clocks != null) {
                    clocks.hear(warp.index, told);
                }
            }
        }
        arrivals[number] = 0;
        if (clocks != null) {
            toldAt[number] = clocks.nothingTold();
        }
    }

    private int[] told(int number) {
        for (var warp : warps) {
            if (warp.state == Warp.State.BARRIER && warp.barrierNumber == number) {
                clocks.tell(warp.index, -1, toldAt[number]);
            }
        }
        return toldAt[number];
    }

    /// A warp comes to a named barrier and goes on at once.
    void arrive(Warp warp, int number, int threads) {
        arrivals[number] += Warp.LANES;
        if (clocks != null) {
            clocks.tell(warp.index, -1, toldAt[number]);
        }
        moves++;
        meet(number, threads);
    }

    /// All warps are at a barrier or have left: those at a barrier go on. Says whether there are any.
    private boolean meet() {
        Warp first = null;
        for (var warp : warps) {
            if (warp.state == Warp.State.DONE) {
                // Threads that have left are not waited for.
                continue;
            }
            if (warp.barrierThreads >= 0) {
                throw located(
                        warp,
                        warp.counter - 1,
                        new Fault(-1, "a deadlock: fewer than the " + warp.barrierThreads + " threads that barrier "
                                + warp.barrierNumber + " waits for can come to it"));
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
        if (shared.accounts != null) {
            shared.accounts.barrier();
            races.barrier();
        }
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
        int lane = fault.lane() >= 0 ? fault.lane() : Integer.numberOfTrailingZeros(warp.mask) % Warp.LANES;
        var thread = threadName(warp.firstThread + lane);
        var text = program.line(line);
        return new KernelFault("kernel '" + program.name() + "'" + program.origin() + program.madeFrom(line) + ", PTX line " + line + " '" + text
                + "', block "
                + new Extent(x, y, z) + ", thread " + thread + ": " + fault.getMessage());
    }

    /// Says whether a run should end early.
    @FunctionalInterface
    interface StopCheck {
        boolean stopped();
    }
}
