package org.portolan.opencl.driver;

import org.portolan.runtime.device.Event;

/// A marker in a queue. Its handle is given back when it is known to be done.
final class OpenClEvent implements Event {
    private final OpenClQueue queue;
    private long handle;

    OpenClEvent(OpenClQueue queue, long handle) {
        this.queue = queue;
        this.handle = handle;
    }

    @Override
    public synchronized boolean done() {
        if (handle != 0 && queue.library().status(handle) <= 0) {
            release();
        }
        return handle == 0;
    }

    @Override
    public synchronized void await() {
        if (handle != 0) {
            int code = queue.library().await(handle);
            release();
            queue.check(code, "waiting for the device");
        }
    }

    synchronized void release() {
        if (handle != 0) {
            queue.library().releaseEvent(handle);
            handle = 0;
            queue.forget(this);
        }
    }
}
