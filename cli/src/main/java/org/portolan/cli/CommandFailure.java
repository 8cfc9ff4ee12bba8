package org.portolan.cli;

/// Ends a command with a sentence for the user and an exit code.
public final class CommandFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    /// @param problem what was wrong, beginning with what it was wrong with
    /// @param help what to do; empty where the problem says it all
    public CommandFailure(int exitCode, String problem, String help) {
        super(help.isEmpty() ? problem : problem + "; help: " + help);
        this.exitCode = exitCode;
    }

    public int exitCode() {
        return exitCode;
    }
}
