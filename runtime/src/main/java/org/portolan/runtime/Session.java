package org.portolan.runtime;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.program.Manifest;
import org.portolan.runtime.program.ProgramFile;

/// A model loaded onto devices. The devices and the program file belong to the caller and are closed after it.
public final class Session implements Model {
    /// How long a waiting run sleeps before it looks at its token and at the session again.
    private static final long WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final LoadedTarget target;
    private final SessionOptions options;
    private final Binder binder;
    private final OutputMemory outputMemory;
    private final Semaphore permits;
    private final AtomicInteger waiting = new AtomicInteger();
    private final ConcurrentLinkedDeque<RunState> idle = new ConcurrentLinkedDeque<>();
    private final RunGate gate = new RunGate();

    private Session(LoadedTarget target, SessionOptions options) {
        this.target = target;
        this.options = options;
        binder = new Binder(target.plan, options);
        outputMemory = new OutputMemory(options.concurrentRuns());
        permits = new Semaphore(options.concurrentRuns());
    }

    /// Loads the best target of a program file for these devices.
    ///
    /// @param devices an accelerator and then the host, or one device
    /// @throws PortolanException.DeviceMissing if the file has no target for them
    public static Session open(ProgramFile file, List<Device> devices, SessionOptions options) {
        var descriptions = devices.stream().map(Device::description).toList();
        var chosen = file.select(descriptions).orElseThrow(() -> TargetChoice.none(file, descriptions));
        return open(file, chosen, devices, options);
    }

    /// Loads a given target of a program file.
    public static Session open(
            ProgramFile file, Manifest.Target target, List<Device> devices, SessionOptions options) {
        var images = target.images().stream().map(image -> file.entry(image.entry())).toList();
        return open(file.plan(target), devices.subList(0, images.size()), images, file::entry, options);
    }

    /// Loads a plan that is not in a program file.
    ///
    /// @param images the kernels for each of the devices
    /// @param weights the bytes of an entry that the plan's weights name; they must stay until the session is closed
    public static Session open(Plan plan, List<Device> devices, List<MemorySegment> images, WeightSource weights,
            SessionOptions options) {
        return new Session(new LoadedTarget(plan, devices, images, weights), options);
    }

    /// Where the weights of a plan are.
    @FunctionalInterface
    public interface WeightSource {
        /// The bytes of the entry of that name.
        MemorySegment entry(String name);
    }

    @Override
    public List<Port> inputs() {
        return target.plan.plan.inputs();
    }

    @Override
    public List<Port> outputs() {
        return target.plan.plan.outputs();
    }

    @Override
    public Outputs run(Map<String, Tensor> inputs, RunOptions runOptions) {
        var control = RunControl.of(runOptions);
        gate.enter();
        try {
            acquire(control);
            try {
                gate.check();
                target.checkHealth();
                var state = idle.pollFirst();
                if (state == null) {
                    state = new RunState(target, binder, outputMemory, options, this::releaseIdle);
                }
                try {
                    return state.run(inputs, runOptions, control);
                } finally {
                    idle.addFirst(state);
                }
            } finally {
                permits.release();
            }
        } finally {
            gate.leave();
        }
    }

    /// Gives back the memory of all run states that are idle.
    ///
    /// @return whether there were any
    private boolean releaseIdle() {
        boolean released = false;
        for (var state = idle.pollLast(); state != null; state = idle.pollLast()) {
            state.close();
            released = true;
        }
        return released;
    }

    private void acquire(RunControl control) {
        if (permits.tryAcquire()) {
            return;
        }
        if (waiting.incrementAndGet() > options.waitingRuns()) {
            waiting.decrementAndGet();
            throw new PortolanException.Overloaded(options.concurrentRuns() + " runs are at work and "
                    + options.waitingRuns() + " are waiting; try later, or raise SessionOptions.waitingRuns");
        }
        try {
            while (!permits.tryAcquire(Math.clamp(control.remainingNanos(), 0, WAIT_NANOS), TimeUnit.NANOSECONDS)) {
                control.check();
                gate.check();
                target.checkHealth();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PortolanException.Cancelled("the thread was interrupted while the run waited for its turn");
        } finally {
            waiting.decrementAndGet();
        }
    }

    @Override
    public void close() {
        if (gate.close()) {
            try {
                idle.forEach(RunState::close);
                target.close();
            } finally {
                gate.closed();
            }
        } else {
            gate.awaitClosed();
        }
    }
}
