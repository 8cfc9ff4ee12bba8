package org.portolan.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.portolan.runtime.ModelCompiler;
import org.portolan.runtime.PortolanException;

/// Compiles for programs that load source models: runs `portolan compile` in a Java virtual machine of its own, so that
/// nothing that goes wrong in a compiler, native code included, takes the program along.
public final class ChildCompiler implements ModelCompiler {

    @Override
    public boolean accepts(Path model) {
        var name = model.getFileName().toString();
        return name.endsWith(".onnx") || name.endsWith(".ir");
    }

    @Override
    public void compile(Request request) throws IOException {
        var command = virtualMachine();
        command.addAll(List.of(
                "compile", request.model().toString(), "-o", request.programFile().toString(), "--target",
                String.join(",", request.targets())));
        request.shapes().entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(shape -> {
            command.add("--shape");
            command.add(shape.getKey() + "="
                    + shape.getValue().stream().map(String::valueOf).collect(Collectors.joining("x")));
        });
        var child = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        try (var output = child.getInputStream()) {
            var said = new String(output.readAllBytes(), StandardCharsets.UTF_8).lines().filter(line -> !line.isBlank()).toList();
            int exit = child.waitFor();
            if (exit != ExitCode.FINE) {
                throw failed(request.model(), exit, said);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new PortolanException.CompilationFailed(
                    "compiling " + request.model() + " was interrupted", List.of(), interrupted);
        } finally {
            child.destroy();
        }
    }

    private static PortolanException.CompilationFailed failed(Path model, int exit, List<String> said) {
        var reasons = said.stream()
                .map(line -> line.startsWith("error: ") ? line.substring("error: ".length()) : line)
                .toList();
        return new PortolanException.CompilationFailed(
                model + " does not compile: " + (reasons.isEmpty() ? "the compiler ended with " + exit : reasons.getFirst()),
                reasons,
                null);
    }

    /// This virtual machine's own program, modules and classes once more. Native access is the point of the child.
    private static List<String> virtualMachine() {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--illegal-native-access=allow");
        var modules = System.getProperty("jdk.module.path");
        if (modules != null) {
            command.addAll(List.of("--module-path", modules, "--add-modules", "ALL-MODULE-PATH"));
        }
        var classes = System.getProperty("java.class.path");
        if (!classes.isEmpty()) {
            command.addAll(List.of("--class-path", classes));
        }
        var main = Main.class.getName();
        var module = Main.class.getModule();
        if (module.isNamed()) {
            command.addAll(List.of("--module", module.getName() + "/" + main));
        } else {
            command.add(main);
        }
        return command;
    }
}
