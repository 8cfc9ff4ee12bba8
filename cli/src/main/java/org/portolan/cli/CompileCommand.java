package org.portolan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.portolan.cli.argument.KeyFiles;
import org.portolan.cli.argument.ShapeArgument;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.Progress;
import org.portolan.cli.report.Sizes;
import org.portolan.cli.report.Table;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.pass.Narrow;
import org.portolan.ir.text.ModuleFile;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.CompileProgress;
import org.portolan.lowering.CompileReport;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.type.ElementType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Compiles a model.
@Command(name = "compile", description = "Compiles a model into one program file for all targets that are named.")
final class CompileCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "A model, .onnx or .ir.")
    private Path file;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE", description = "The program file, or where --emit writes; the weights of a level go to FILE.weights.")
    private Path output;

    @Option(
            names = "--target",
            split = ",",
            paramLabel = "TARGET",
            defaultValue = "cpu",
            description = "What to compile for, for example cpu,cpu:x86-64-v3; 'portolan targets' lists them (default: cpu, this machine).")
    private List<String> targets;

    @Option(
            names = "--shape",
            paramLabel = "NAME=1x128",
            converter = ShapeArgument.Converter.class,
            description = "Fix the extents of an input; inputs that are not named stay as dynamic as they are.")
    private List<ShapeArgument> shapes = List.of();

    @Option(names = "--dump-dir", paramLabel = "DIR", description = "Write the text of every level there.")
    private Path dumpFolder;

    @Option(
            names = "--emit",
            paramLabel = "LEVEL",
            description = "Print one level instead: graph, nest, tile, plan, schedules, or a form of the target (llvm, asm, ...).")
    private String level;

    @Option(
            names = "--tuning",
            paramLabel = "FILE",
            description = "Take the schedules of this log, in the form of --emit schedules, rather than choose them.")
    private Path tuning;

    @Option(
            names = "--narrow",
            paramLabel = "TYPE",
            description = "Multiply f32 in f16 or bf16; sums and all else stay f32.")
    private String narrow;

    @Option(
            names = "--keep-wide",
            split = ",",
            paramLabel = "OPERATION",
            description = "With --narrow: what stays f32, of mat-mul, convolution, convolution-transpose, gather.")
    private List<String> wide = List.of();

    @Option(names = "--sign", paramLabel = "KEY.pem", description = "Sign the program file with this Ed25519 key (PKCS#8).")
    private Path signingKey;

    @Option(names = "--json", description = "Print one JSON document.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (output == null && level == null) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "-o FILE is missing", "name the program file, or use --emit");
        }
        if (narrow == null && !wide.isEmpty()) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "--keep-wide means nothing without --narrow", "say --narrow f16");
        }
        if (ModelSource.isProgramFile(file)) {
            throw new CommandFailure(ExitCode.FAILURE, file + ": a program file is compiled already", "");
        }
        if (level != null) {
            if (output != null && Compiler.LEVELS.contains(level)) {
                ModuleFile.write(output, Progress.during("lowering " + file, this::lowered));
            } else {
                print(Progress.during("lowering " + file, this::emit));
            }
        } else {
            var start = System.nanoTime();
            var report = compile();
            print(report, (System.nanoTime() - start) / 1e6);
        }
        return ExitCode.FINE;
    }

    private CompileReport compile() throws IOException {
        try (var progress = Progress.start("reading " + file)) {
            var function = ModelSource.read(file, fixedShapes()).function();
            return Models.compile(function, targets, output, options(), progress);
        }
    }

    private List<Op> lowered() throws IOException {
        var function = ModelSource.read(file, fixedShapes()).function();
        var compiler = new Compiler(options());
        var ops = new ArrayList<Op>();
        for (var target : Targets.resolve(targets)) {
            ops.addAll(compiler.level(function, level, target));
            if (isForAll()) break;
        }
        return ops;
    }

    private boolean isForAll() {
        return level.equals("graph") || level.equals("nest");
    }

    private String emit() throws IOException {
        var function = ModelSource.read(file, fixedShapes()).function();
        var compiler = new Compiler(options());
        var text = new StringBuilder();
        for (var target : Targets.resolve(targets)) {
            text.append(compiler.emit(function, level, target).stripTrailing()).append('\n');
            if (isForAll()) break;
        }
        return text.toString();
    }

    private void print(String text) throws IOException {
        if (output != null) {
            Files.writeString(output, text);
        } else {
            spec.commandLine().getOut().print(text);
            spec.commandLine().getOut().flush();
        }
    }

    private Narrow narrowing() {
        try {
            return new Narrow(ElementType.parse(narrow), wide);
        } catch (IrException | IllegalArgumentException wrong) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "--narrow " + narrow + ": " + wrong.getMessage(), "say --narrow f16");
        }
    }

    private CompileOptions options() throws IOException {
        var options = new CompileOptions(Map.of(), Optional.ofNullable(dumpFolder), CompileProgress.SILENT);
        options = tuning == null ? options : options.withTuning(tuning);
        options = signingKey == null ? options : options.withSigningKey(KeyFiles.privateKey(signingKey));
        return narrow == null ? options : options.withNarrow(narrowing());
    }

    private Map<String, List<Long>> fixedShapes() {
        var fixed = new HashMap<String, List<Long>>();
        for (var shape : shapes) fixed.put(shape.input(), shape.extents());
        return fixed;
    }

    private void print(CompileReport report, double milliseconds) throws IOException {
        var out = spec.commandLine().getOut();
        if (json) {
            var members = report.targets().stream()
                    .map(target -> Document.of(
                            "name", target.name(),
                            "machine", target.machine(),
                            "launches", target.launches().size(),
                            "kernels", target.kernels(),
                            "weightBytes", target.weightBytes(),
                            "imageBytes", target.imageBytes(),
                            "arena", target.arena().toString(),
                            "codeMs", target.codeNanoseconds() / 1e6))
                    .toList();
            out.print(Json.of(Document.of(
                            "file", output.toString(),
                            "bytes", Files.size(output),
                            "compileMs", milliseconds,
                            "operations", report.graphOperations(),
                            "targets", members))
                    .printLines());
        } else {
            var table = new Table("target", "machine", "launches", "kernels", "weights", "image", "code");
            for (var target : report.targets()) {
                table.row(
                        target.name(),
                        target.machine(),
                        target.launches().size(),
                        target.kernels(),
                        Sizes.bytes(target.weightBytes()),
                        Sizes.bytes(target.imageBytes()),
                        Sizes.milliseconds(target.codeNanoseconds() / 1e6));
            }
            table.print(out);
            out.printf("%s: %s, compiled in %s%n", output, Sizes.bytes(Files.size(output)), Sizes.milliseconds(milliseconds));
        }
        out.flush();
    }
}
