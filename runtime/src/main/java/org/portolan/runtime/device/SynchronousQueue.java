package org.portolan.runtime.device;

/// An ability of queues that do their work before each call returns: the error word can be seen at once, so that a
/// run ends at the failing step and can name it.
public interface SynchronousQueue extends Queue {

    /// Whether a kernel has reported an error since the last {@link #takeError}; costs one read of memory.
    boolean failed();
}
