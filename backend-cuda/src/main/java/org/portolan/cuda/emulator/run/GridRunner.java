package org.portolan.cuda.emulator.run;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.parallel.ParallelJob;
import org.portolan.runtime.parallel.RangeTask;

/// Runs the blocks of a launch, several at once.
public final class GridRunner implements RangeTask {
    /// Blocks are claimed in so many parts for each thread that works.
    private static final int PARTS = 64;

    private final Launch launch;
    private final StopSignal stop;
    private final ConcurrentLinkedQueue<Block> idle = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Block> all = new ConcurrentLinkedQueue<>();
    private final long firstSerial;
    private volatile KernelFault fault;

    private GridRunner(Launch launch, StopSignal stop) {
        this.launch = launch;
        this.stop = stop;
        firstSerial = launch.memory().serial();
    }

    /// Runs a launch to its end, or until the signal.
    ///
    /// @throws KernelFault if a check has found something
    public static void run(Launch launch, ParallelJob job, StopSignal stop, LaunchCounts counts) {
        var runner = new GridRunner(launch, stop);
        long blocks = launch.grid().total();
        job.run(runner, blocks, Math.min(blocks, PARTS));
        if (runner.fault != null) {
            throw runner.fault;
        }
        if (counts != null) {
            runner.all.forEach(block -> counts.add(launch.program(), block));
        }
    }

    @Override
    public void run(long begin, long end) {
        var block = idle.poll();
        if (block == null) {
            block = new Block(launch, firstSerial);
            all.add(block);
        }
        var grid = launch.grid();
        try {
            for (long index = begin; index < end && fault == null && !stop.stopped(); index++) {
                int x = (int) (index % grid.x());
                int y = (int) (index / grid.x() % grid.y());
                int z = (int) (index / grid.x() / grid.y());
                if (!block.run(x, y, z, () -> fault != null || stop.stopped())) {
                    return;
                }
            }
        } catch (KernelFault found) {
            fault = found;
        } catch (RuntimeException unexpected) {
            fault = new KernelFault(
                    "kernel '" + launch.program().name() + "': the emulator itself failed: " + unexpected);
        }
        idle.add(block);
    }
}
