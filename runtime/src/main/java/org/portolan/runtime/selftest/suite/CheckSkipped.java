package org.portolan.runtime.selftest.suite;

/// A check that a device need not pass, since it lacks the ability; the message says which.
public final class CheckSkipped extends RuntimeException {
    private static final long serialVersionUID = 1;

    CheckSkipped(String message) {
        super(message);
    }
}
