package org.portolan.tests.device;

/// One thing that a device must do.
///
/// @param name what it is, for people
record Check(String name, Body body) {
    @FunctionalInterface
    interface Body {
        void run(Rig rig) throws Exception;
    }
}
