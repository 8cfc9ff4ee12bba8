package org.portolan.ascend.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.portolan.runtime.device.Event;

/// A recorded event of AscendCL; given back when it is known to be done.
final class AscendEvent implements Event {
    private static final int COMPLETE = 1;

    private final AscendQueue queue;
    private final long count;
    private long handle;

    /// @param count how much was given to the queue before
    AscendEvent(AscendQueue queue, long count, long handle) {
        this.queue = queue;
        this.count = count;
        this.handle = handle;
    }

    AscendEvent recorded(long stream) {
        var device = queue.device();
        device.check(
                device.call("aclrtRecordEvent", AscendDevice.pointer(handle), AscendDevice.pointer(stream)),
                "recording an event");
        return this;
    }

    @Override
    public synchronized boolean done() {
        if (handle == 0) {
            return true;
        }
        try (var arena = Arena.ofConfined()) {
            var status = arena.allocate(ValueLayout.JAVA_INT);
            var device = queue.device();
            device.choose();
            device.check(device.call("aclrtQueryEventStatus", AscendDevice.pointer(handle), status), "asking for an event");
            if (status.get(ValueLayout.JAVA_INT, 0) == COMPLETE) {
                release();
                queue.finished(count);
            }
        }
        return handle == 0;
    }

    @Override
    public synchronized void await() {
        if (handle != 0) {
            var device = queue.device();
            device.choose();
            int code = device.call("aclrtSynchronizeEvent", AscendDevice.pointer(handle));
            release();
            device.check(code, "waiting for the device");
            queue.finished(count);
        }
    }

    synchronized void release() {
        if (handle != 0) {
            queue.device().call("aclrtDestroyEvent", AscendDevice.pointer(handle));
            handle = 0;
            queue.forget(this);
        }
    }
}
