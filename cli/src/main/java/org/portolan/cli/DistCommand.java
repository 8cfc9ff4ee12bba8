package org.portolan.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.portolan.cli.image.RuntimeImage;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Sizes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Packs what another computer needs.
@Command(
        name = "dist",
        description = {
            "Packs what another computer needs to run program files: Java, the runtime and the drivers, and no compiler.",
            "There, unpack it and call portolan/bin/portolan: it knows 'targets' and 'selftest'."
        })
final class DistCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--runtime-image", required = true, description = "Write an image without the compiler.")
    private boolean runtimeImage;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "portolan-runtime.tar.gz",
            description = "The archive (default: ${DEFAULT-VALUE}).")
    private Path output;

    @Override
    public Integer call() throws Exception {
        Progress.during("linking", () -> {
            RuntimeImage.write(output);
            return output;
        });
        spec.commandLine().getOut().println(output + ": " + Sizes.bytes(Files.size(output)));
        spec.commandLine().getOut().flush();
        return ExitCode.FINE;
    }
}
