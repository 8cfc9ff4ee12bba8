package org.portolan.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/// The command that holds all others.
@Command(
        name = "portolan",
        mixinStandardHelpOptions = true,
        versionProvider = PortolanCommand.Version.class,
        scope = ScopeType.INHERIT,
        description = "Compiles ML models into program files and runs them.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:fine",
            "1:failure",
            "2:wrong usage",
            "3:numbers differ",
            "4:operator unsupported",
            "5:device missing",
            "69:no JDK"
        },
        subcommands = {
            CompileCommand.class,
            RunCommand.class,
            BenchCommand.class,
            CheckCommand.class,
            InspectCommand.class,
            OptCommand.class,
            ConformanceCommand.class,
            TargetsCommand.class,
            DoctorCommand.class,
            SelftestCommand.class,
            DistCommand.class,
            DemoCommand.class,
            CompletionCommand.class,
            HelpCommand.class
        })
final class PortolanCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--stack-trace", scope = ScopeType.INHERIT, description = "Show where in the program an error arose.")
    private boolean stackTrace;

    boolean wantsStackTrace() {
        return stackTrace;
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return ExitCode.WRONG_USAGE;
    }

    static final class Version implements IVersionProvider {
        /// The version in the module's descriptor; "development" where the classes do not come from a modular jar.
        @Override
        public String[] getVersion() {
            var descriptor = PortolanCommand.class.getModule().getDescriptor();
            var version = descriptor == null ? "development" : descriptor.rawVersion().orElse("development");
            return new String[] {"portolan " + version, "Java " + Runtime.version()};
        }
    }
}
