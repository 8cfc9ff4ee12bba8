package org.portolan.cli;

import picocli.CommandLine;

/// Starts the command line.
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /// Runs one command in this process.
    ///
    /// @return the exit code, see [ExitCode]
    public static int run(String... arguments) {
        return commandLine().execute(arguments);
    }

    /// The whole command line, for completion scripts and reference pages.
    public static CommandLine commandLine() {
        var line = new CommandLine(new PortolanCommand());
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setUsageHelpAutoWidth(true);
        line.setUsageHelpLongOptionsMaxWidth(36);
        line.setExecutionExceptionHandler(new ErrorReport());
        line.setParameterExceptionHandler(ErrorReport::wrongUsage);
        return line;
    }
}
