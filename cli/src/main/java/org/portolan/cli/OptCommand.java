package org.portolan.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.portolan.ir.Op;
import org.portolan.ir.pass.PassDumps;
import org.portolan.ir.pass.PassListener;
import org.portolan.ir.pass.PassTiming;
import org.portolan.ir.pass.PassVerification;
import org.portolan.ir.pass.Pipeline;
import org.portolan.ir.pass.Reproducer;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.text.ModuleFile;
import org.portolan.ir.text.ResourceStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Runs passes over a text.
@Command(name = "opt", description = "Runs passes over a text of the IR (or an ONNX model) and prints what comes out.")
final class OptCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "FILE", description = "A text, an .onnx model, or - for standard input.")
    private Path file;

    @Option(
            names = "--pipeline",
            paramLabel = "PASSES",
            defaultValue = "",
            description = "Passes in order, for example 'canonicalize, nest-to-tile{machine=znver5}'.")
    private String pipeline;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE", description = "Write the text there, and the weights beside it to FILE.weights.")
    private Path output;

    @Option(names = "--list", description = "List the passes instead.")
    private boolean list;

    @Option(names = "--timing", description = "Say how long each pass took, on the error stream.")
    private boolean timing;

    @Option(names = "--dump-dir", paramLabel = "DIR", description = "Write the text after every pass there.")
    private Path dumpFolder;

    @Option(names = "--reproducer", paramLabel = "DIR", description = "Where a pass fails, write what runs it again.")
    private Path reproducer;

    @Option(names = "--strip-weights", description = "Put noise in place of the weights of a reproducer.")
    private boolean stripWeights;

    @Override
    public Integer call() throws IOException {
        var out = spec.commandLine().getOut();
        if (list) {
            Pipeline.known().keySet().stream().sorted().forEach(out::println);
            out.flush();
            return ExitCode.FINE;
        }
        if (file == null) throw new CommandFailure(ExitCode.WRONG_USAGE, "FILE is missing", "name a file, or - for standard input");
        var passes = Pipeline.parse(pipeline);
        var listeners = new ArrayList<PassListener>();
        var timings = new PassTiming();
        listeners.add(new PassVerification());
        if (timing) listeners.add(timings);
        if (dumpFolder != null) listeners.add(new PassDumps(dumpFolder));
        var reproduced = Optional.ofNullable(reproducer).map(folder -> new Reproducer(folder, stripWeights));
        var module = passes.run(read(), listeners, reproduced);
        if (timing) spec.commandLine().getErr().print(timings.report());
        spec.commandLine().getErr().flush();
        if (output != null) {
            ModuleFile.write(output, module);
        } else {
            out.print(IrPrinter.print(module));
            out.flush();
        }
        return ExitCode.FINE;
    }

    private List<Op> read() throws IOException {
        if (file.toString().equals("-")) {
            var text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
            return IrParser.parse(text, "standard input", ResourceStore.folder(Path.of("")));
        }
        if (!Files.isRegularFile(file)) throw new NoSuchFileException(file.toString());
        if (file.toString().endsWith(".onnx")) return List.of(ModelSource.read(file, Map.of()).function());
        return IrParser.parse(
                Files.readString(file), file.toString(), ResourceStore.folder(file.toAbsolutePath().getParent()));
    }
}
