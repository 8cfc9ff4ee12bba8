package org.portolan.runtime.device;

/// Asked by a queue between pieces of work, from any thread: should the run end early?
@FunctionalInterface
public interface StopSignal {
    StopSignal NEVER = () -> false;

    boolean stopped();
}
