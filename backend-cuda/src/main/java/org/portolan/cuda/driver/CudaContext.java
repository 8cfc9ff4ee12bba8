package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// A device's primary context: what its queues, kernels and memory have in common. An error after which the driver
/// refuses all further work marks it lost, and from then on everything on it fails at once with that error.
final class CudaContext {
    final DriverCalls calls;
    final DeviceProbe probe;
    private final long handle;
    private volatile String loss = "";
    private volatile boolean closed;

    /// @throws org.portolan.runtime.PortolanException if the driver refuses
    CudaContext(DriverCalls calls, DeviceProbe probe) {
        this.calls = calls;
        this.probe = probe;
        try (var arena = Arena.ofConfined()) {
            var context = arena.allocate(ValueLayout.JAVA_LONG);
            check(calls.primaryContextRetain(context, probe.handle()), "opening " + name());
            handle = context.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    String name() {
        return probe.description().name();
    }

    long handle() {
        return handle;
    }

    boolean isLost() {
        return !loss.isEmpty();
    }

    /// Makes this the context of the calling thread, as every call of the driver expects.
    ///
    /// @throws DeviceLost if it is lost
    /// @throws DeviceFailed if it was closed
    void enter() {
        requireWorking();
        check(calls.setCurrent(handle), "working on " + name());
    }

    /// The same without making it the thread's.
    void requireWorking() {
        if (closed) {
            throw new DeviceFailed(name() + " was closed; open it again", null);
        }
        if (isLost()) {
            throw new DeviceLost(name() + " is lost: " + loss, null);
        }
    }

    /// The same for what gives things back: does nothing where the device is lost.
    ///
    /// @return whether there is still anything to give back
    boolean enterToRelease() {
        return !isLost() && !closed && succeeded(calls.setCurrent(handle));
    }

    /// @throws org.portolan.runtime.PortolanException if the status is not success
    void check(int status, String doing) {
        if (status == CudaStatus.SUCCESS) {
            return;
        }
        var known = CudaStatus.of(status);
        if (status == CudaStatus.OUT_OF_MEMORY) {
            throw new LimitExceeded(known.message(doing) + "; " + memory());
        }
        note(known, doing);
        throw known.exception(doing);
    }

    /// Whether the driver refused what can be done without.
    ///
    /// @throws DeviceLost if the device is lost
    boolean isRefused(int status, String doing) {
        if (CudaStatus.of(status).lost()) {
            check(status, doing);
        }
        return status != CudaStatus.SUCCESS;
    }

    /// Whether a call succeeded that must not throw; a loss is remembered.
    boolean succeeded(int status) {
        if (status != CudaStatus.SUCCESS) {
            note(CudaStatus.of(status), "giving memory or handles of " + name() + " back");
        }
        return status == CudaStatus.SUCCESS;
    }

    private void note(CudaStatus status, String doing) {
        if (status.lost() && loss.isEmpty()) {
            loss = status.message(doing);
        }
    }

    /// How full the device is, for a message.
    String memory() {
        try (var arena = Arena.ofConfined()) {
            var free = arena.allocate(ValueLayout.JAVA_LONG);
            var total = arena.allocate(ValueLayout.JAVA_LONG);
            int status = calls.memoryInfo(free, total);
            var limit = "give the model smaller inputs, or let fewer runs work at once";
            return status == CudaStatus.SUCCESS
                    ? name() + " has " + free.get(ValueLayout.JAVA_LONG, 0) + " of " + total.get(ValueLayout.JAVA_LONG, 0)
                            + " bytes left; " + limit
                    : limit;
        }
    }

    /// Gives the context back; with the last of its users, all that is left in it goes.
    void close() {
        if (!isLost() && !closed) {
            succeeded(calls.primaryContextRelease(probe.handle()));
        }
        closed = true;
    }
}
