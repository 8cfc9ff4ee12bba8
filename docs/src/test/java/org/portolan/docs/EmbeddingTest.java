package org.portolan.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.Main;

/// The example of `docs/embedding.md`, compiled and run as a server would have it: with the runtime and one backend, and
/// neither LLVM nor ANTLR nor anything else of the compiler.
class EmbeddingTest {
    /// A model with the names and types of the example's, small enough to be written down.
    private static final String MODEL =
            """
            graph.function <name = main, symbols = [batch:1..8, length:1..512]> {
              (%input_ids: i64[batch,length], %attention_mask: i64[batch,length], %token_type_ids: i64[batch,length]) ->
              %last_hidden_state = graph.map [%input_ids, %attention_mask, %token_type_ids] { (%a: i64, %b: i64, %c: i64) ->
                %sum = arith.add %a, %b : i64
                %all = arith.add %sum, %c : i64
                %float = arith.cast %all : f32
                graph.yield [%float]
              } : f32[batch,length]
              graph.return [%last_hidden_state]
            }
            """;

    private static final List<String> MODULES = List.of("portolan-runtime", "portolan-backend-cpu");

    @TempDir
    Path folder;

    @Test
    void theExampleRunsOnAPlainClassPath() throws Exception {
        var classPath = runtimePath();
        classPath.add(compileExample(classPath));
        var java = Path.of(System.getProperty("java.home"), "bin", "java");
        assertEquals(
                "102.0",
                run(java, "--enable-native-access=ALL-UNNAMED", "-cp", joined(classPath), "Embed", program().toString()));
    }

    @Test
    void theExampleRunsInALinkedImage() throws Exception {
        var modules = runtimePath();
        var example = compileExample(modules);
        var image = folder.resolve("image");
        var names = moduleNames(modules);
        var linker = java.util.spi.ToolProvider.findFirst("jlink").orElseThrow();
        var log = new StringWriter();
        var writer = new PrintWriter(log);
        var status = linker.run(writer, writer, "--module-path", joined(modules), "--add-modules",
                names, "--output", image.toString());
        assertEquals(0, status, log::toString);
        assertEquals(
                "102.0",
                run(image.resolve("bin/java"), "--enable-native-access=" + names, "--add-modules", names,
                        "-cp", example, "Embed", program().toString()));
    }

    /// The jars (or class folders) of the two modules, out of the class path that this test runs on.
    private static ArrayList<String> runtimePath() {
        var entries = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> MODULES.stream().anyMatch(module -> entry.contains("/" + module + "-")
                        || entry.endsWith("/" + module.substring("portolan-".length()) + "/target/classes")))
                .toList();
        assumeTrue(entries.size() == MODULES.size(), "skipped: the class path does not hold the modules one by one");
        return new ArrayList<>(entries);
    }

    /// The folder of the example's classes.
    private String compileExample(List<String> classPath) throws IOException {
        var pages = Pages.find();
        var block = pages.blocks(pages.root().resolve("docs/embedding.md")).stream()
                .filter(candidate -> candidate.language().equals("java"))
                .findFirst()
                .orElseThrow();
        var source = Files.writeString(folder.resolve("Embed.java"), block.text());
        var classes = Files.createDirectories(folder.resolve("example"));
        var errors = new ByteArrayOutputStream();
        var status = ToolProvider.getSystemJavaCompiler()
                .run(null, errors, errors, "-d", classes.toString(), "-cp", joined(classPath), source.toString());
        assertEquals(0, status, errors::toString);
        return classes.toString();
    }

    private Path program() throws IOException {
        var model = Files.writeString(folder.resolve("model.ir"), MODEL);
        var program = folder.resolve("model.portolan");
        assertEquals(0, Main.run("compile", model.toString(), "-o", program.toString()));
        return program;
    }

    private static String moduleNames(List<String> path) {
        return ModuleFinder.of(path.stream().map(Path::of).toArray(Path[]::new)).findAll().stream()
                .map(module -> module.descriptor().name())
                .collect(Collectors.joining(","));
    }

    private static String joined(List<String> path) {
        return String.join(File.pathSeparator, path);
    }

    /// What the program prints.
    private static String run(Path java, String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(java.toString()));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        var printed = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), printed);
        return printed.strip();
    }
}
