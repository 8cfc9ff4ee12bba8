package org.portolan.ir.pass;

import java.nio.file.Path;
import java.util.Optional;
import org.portolan.ir.IrException;

/// A pass that failed, or what a listener found wrong after it.
public final class PassException extends IrException {
    private static final long serialVersionUID = 1;

    private final String pass;
    private final transient Path reproducer;

    PassException(String pass, Path reproducer, Throwable cause) {
        super(
                "pass " + pass + " failed: " + cause.getMessage()
                        + (reproducer == null ? "" : "; it can be run again from " + reproducer),
                cause);
        this.pass = pass;
        this.reproducer = reproducer;
    }

    /// The pass with its options.
    public String pass() {
        return pass;
    }

    /// The folder with all that is needed to run it again.
    public Optional<Path> reproducer() {
        return Optional.ofNullable(reproducer);
    }
}
