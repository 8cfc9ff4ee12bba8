package org.portolan.opencl.driver;

import org.portolan.runtime.device.Event;

/// A marker in a queue. Its handle is given back when it is known to be done.
final class OpenClEvent implements Event {
    private final OpenClQueue queue;
    private final long work;
    private long handle;

    /// @param work how much had been given to the queue
    OpenClEvent(OpenClQueue queue, long handle, long work) {
        this.queue = queue;
        this.work = work;
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
            queue.waited(work);
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
