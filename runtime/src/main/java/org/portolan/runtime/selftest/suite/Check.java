package org.portolan.runtime.selftest.suite;

/// One thing that a device must do.
///
/// @param name what it is, for people
public record Check(String name, Body body) {
    @FunctionalInterface
    interface Body {
        void run(Rig rig) throws Exception;
    }
}
