package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.plan.Plan;

/// Everything that one run changes: queues, the arena, addresses and values. It serves one run after the other and
/// keeps its memory in between.
final class RunState implements AutoCloseable, StopSignal {
    final LoadedTarget target;
    final FlatPlan plan;
    final Queue[] queues;
    final SlotMemory slots;
    final MemorySegment words;
    final long[] symbols;
    final long[] stack;
    final long[] loopCounts;
    final long[] loopLimits;
    /// For each launch a grid to fill, if it is not early.
    final long[][] lateGrids;
    Binding binding;
    private volatile RunControl control = RunControl.NONE;
    private final Arena arena = Arena.ofShared();
    private final Tensor[] tensors;
    private final long[] wanted;
    private final Binder binder;
    private final Executor executor;
    private final BooleanSupplier idle;
    /// What kernels on the host work on; null where there are none, or where they share the device's memory.
    final HostArguments hostArguments;

    /// @param idle gives back the memory of run states that are idle, and says whether there were any
    RunState(
            LoadedTarget target, Binder binder, OutputMemory outputMemory, SessionOptions options, BooleanSupplier idle) {
        this.target = target;
        this.binder = binder;
        this.idle = idle;
        plan = target.plan;
        queues = openQueues();
        slots = new SlotMemory(this, outputMemory, options.lateLimit());
        words = arena.allocate(Math.max(1, plan.mostWords) * 8L, Plan.ALIGNMENT);
        symbols = new long[plan.symbols()];
        wanted = new long[plan.symbols()];
        stack = new long[plan.expressions.stackSize()];
        loopCounts = new long[plan.loops];
        loopLimits = new long[plan.loops];
        tensors = new Tensor[plan.inputs.length];
        lateGrids = new long[plan.launchGrids.length][];
        for (int launch = 0; launch < lateGrids.length; launch++) {
            lateGrids[launch] = new long[plan.launchGrids[launch].length];
        }
        hostArguments =
                queues.length > 1 && !target.sharesHostMemory ? new HostArguments(this, target.devices.get(1)) : null;
        try {
            executor = new Executor(this);
        } catch (RuntimeException | Error e) {
            for (var queue : queues) {
                queue.close();
            }
            arena.close();
            throw e;
        }
    }

    /// Makes others give back memory that they do not use now.
    boolean reclaim() {
        return idle.getAsBoolean();
    }

    private Queue[] openQueues() {
        var opened = new Queue[target.devices.size()];
        int count = 0;
        try {
            while (count < opened.length) {
                opened[count] = target.devices.get(count).openQueue(this);
                count++;
            }
            return opened;
        } finally {
            if (count < opened.length) {
                for (int number = 0; number < count; number++) {
                    opened[number].close();
                }
            }
        }
    }

    Device device() {
        return target.devices.getFirst();
    }

    /// The queue of the device that holds the slots.
    Queue queue() {
        return queues[0];
    }

    @Override
    public boolean stopped() {
        return control.stopped();
    }

    RunControl control() {
        return control;
    }

    /// The value of an expression in this run.
    long value(int expression) {
        return plan.early[expression]
                ? binding.values[expression]
                : plan.expressions.evaluate(expression, symbols, stack);
    }

    Outputs run(Map<String, Tensor> inputs, RunOptions options, RunControl runControl) {
        control = runControl;
        try {
            binder.collect(inputs, tensors);
            var found = binder.bind(tensors, wanted);
            System.arraycopy(found.symbols, 0, symbols, 0, symbols.length);
            boolean rebound = found != binding;
            if (rebound) {
                target.checkFits(found);
            }
            binding = found;
            slots.begin(tensors, options.outputs(), rebound);
            if (hostArguments != null) {
                hostArguments.begin();
            }
            executor.execute();
            slots.copyOut(tensors);
            executor.await();
            return slots.finish(tensors);
        } catch (RuntimeException e) {
            drain(e);
            throw target.explained(e);
        } catch (Error e) {
            drain(e);
            throw e;
        } finally {
            slots.end();
            Arrays.fill(tensors, null);
            control = RunControl.NONE;
        }
    }

    /// Waits for the work that a failed run has left behind: it may still use the caller's memory.
    private void drain(Throwable failure) {
        for (var queue : queues) {
            try {
                queue.takeError();
            } catch (PortolanException e) {
                // A device that is lost does nothing any more; the run has failed for that or another reason.
                if (e != failure) {
                    failure.addSuppressed(e);
                }
            }
        }
        settled();
    }

    /// All queues have done what they were given.
    void settled() {
        slots.settled();
        executor.settled();
        if (hostArguments != null) {
            hostArguments.settled();
        }
    }

    @Override
    public void close() {
        executor.close();
        for (var queue : queues) {
            queue.close();
        }
        slots.close();
        if (hostArguments != null) {
            hostArguments.close();
        }
        arena.close();
    }
}
