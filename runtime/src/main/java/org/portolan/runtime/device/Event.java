package org.portolan.runtime.device;

/// A point in a queue's work.
public interface Event {
    /// An event in the past.
    Event PAST = new Event() {
        @Override
        public boolean done() {
            return true;
        }

        @Override
        public void await() {}
    };

    boolean done();

    /// Waits until all work before this point is done, or until the queue's stop signal has ended it.
    ///
    /// @throws org.portolan.runtime.PortolanException.DeviceLost if the device is lost
    void await();
}
