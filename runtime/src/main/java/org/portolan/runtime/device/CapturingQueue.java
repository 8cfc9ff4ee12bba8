package org.portolan.runtime.device;

import java.util.Optional;

/// An ability of queues that take a row of launches and copies once and then do it as often as they are told to, at the cost
/// of one launch. Found on a {@link Queue} with {@code instanceof}.
public interface CapturingQueue extends Queue {

    /// Takes a row of work without doing it.
    ///
    /// @param steps gives this queue the work, on the calling thread, by {@link Queue#launch} and {@link Queue#copy} only.
    ///     Parameters and grids are read then; addresses and kernels must be valid whenever the work is done
    /// @return empty where the device or its driver cannot take this row: nothing was done, and the queue works on as before
    /// @throws org.portolan.runtime.PortolanException.DeviceLost if the device is lost
    Optional<Captured> capture(Runnable steps);

    /// A row of work that a queue has taken.
    interface Captured extends AutoCloseable {

        /// Gives the queue the whole row again, behind all work so far.
        void replay();

        /// Forgets the row; its work must be done. Closing twice does nothing, and so does closing where the device is lost.
        @Override
        void close();
    }
}
