package org.portolan.ascend.emulator;

/// The emulator cannot be built here, or refuses a kernel's source. The message holds what the compiler said.
public final class EmulatorException extends RuntimeException {
    public EmulatorException(String message) {
        super(message);
    }

    public EmulatorException(String message, Throwable cause) {
        super(message, cause);
    }
}
