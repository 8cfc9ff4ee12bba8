package org.portolan.tests.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;

/// A new backend is sources, a machine file and three service files, and changes nothing elsewhere.
class SampleBackendTest {
    private static final String MODEL =
            """
            graph.function <name = main, symbols = [rows:1..64]> { (%x: f32[rows,5], %w: f32[5,3]) ->
              %product = graph.mat-mul %x, %w : f32[rows,3]
              %y = graph.map [%product] { (%v: f32) ->
                %zero = arith.const <value = 0.0> : f32
                %clipped = arith.max %v, %zero : f32
                graph.yield [%clipped]
              } : f32[rows,3]
              graph.return [%y]
            }
            """;

    /// The second half is of a type that the machine does not list.
    private static final String MIXED =
            """
            graph.function <name = main, symbols = [n:1..64]> { (%x: f32[n]) ->
              %y = graph.map [%x] { (%v: f32) ->
                %square = arith.mul %v, %v : f32
                graph.yield [%square]
              } : f32[n]
              %half = graph.map [%x] { (%v: f32) ->
                %narrow = arith.cast %v : f16
                %twice = arith.add %narrow, %narrow : f16
                graph.yield [%twice]
              } : f16[n]
              graph.return [%y, %half]
            }
            """;

    @TempDir
    private static Path folder;

    private static String classPath;
    private static Path model;

    @BeforeAll
    static void build() throws IOException {
        var sources = checkout().resolve("tests/sample-backend/src/main");
        var classes = Files.createDirectories(folder.resolve("classes"));
        var arguments = new ArrayList<>(List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path")));
        for (var file : files(sources.resolve("java"))) {
            if (!file.endsWith("module-info.java")) arguments.add(file.toString());
        }
        var errors = new ByteArrayOutputStream();
        var status = ToolProvider.getSystemJavaCompiler().run(null, errors, errors, arguments.toArray(String[]::new));
        assertEquals(0, status, errors::toString);
        for (var file : files(sources.resolve("resources"))) {
            var copy = classes.resolve(sources.resolve("resources").relativize(file).toString());
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy);
        }
        classPath = System.getProperty("java.class.path") + File.pathSeparator + classes;
        model = Files.writeString(folder.resolve("model.ir"), MODEL);
    }

    @Test
    void itsTargetAndDeviceAreListed() throws Exception {
        var targets = shell(ExitCode.FINE, "targets");
        assertTrue(targets.contains("abacus:wood") && targets.contains("abacus:0"), targets);
    }

    @Test
    void itSharesAProgramFileWithAnotherBackend() throws Exception {
        var program = folder.resolve("model.portolan").toString();
        shell(ExitCode.FINE, "compile", model.toString(), "-o", program, "--target", "cpu,abacus");
        for (var device : List.of("cpu", "abacus")) {
            var result = shell(
                    ExitCode.FINE, "run", program, "--device", device, "--json",
                    "--input", "x=1x5xf32=[1 2 3 4 5]", "--input", "w=5x3xf32=[1 -1 0 1 -1 0 1 -1 0 1 -1 0 1 -1 1]");
            assertTrue(result.replaceAll("\\s", "").contains("\"first\":[15.0,0.0,5.0]"), result);
        }
    }

    @Test
    void itAgreesWithTheInterpreterAtAnotherSize() throws Exception {
        var report = shell(ExitCode.FINE, "check", model.toString(), "--device", "abacus", "--shape", "x=7x5");
        assertTrue(report.contains("abacus  y       equal"), report);
    }

    @Test
    void theHostTakesWhatItLacksTypesFor() throws Exception {
        var mixed = Files.writeString(folder.resolve("mixed.ir"), MIXED);
        var program = folder.resolve("mixed.portolan").toString();
        shell(ExitCode.FINE, "compile", mixed.toString(), "-o", program, "--target", "abacus");
        var kernels = shell(ExitCode.FINE, "inspect", program);
        assertTrue(kernels.contains("1 kernels on the device, 1 on the host"), kernels);
        var report = shell(ExitCode.FINE, "check", mixed.toString(), "--device", "abacus:0,abacus:1", "--shape", "x=33");
        for (var device : List.of("abacus:0", "abacus:1")) {
            assertTrue(report.contains(device + "  y       equal"), report);
            assertTrue(report.contains(device + "  half    equal"), report);
            var result = shell(ExitCode.FINE, "run", program, "--device", device, "--json", "--input", "x=3xf32=[1 2 4]");
            assertTrue(result.replaceAll("\\s", "").contains("\"first\":[1.0,4.0,16.0]"), result);
        }
    }

    @Test
    void itsMemoryNeedNotBeTheHosts() throws Exception {
        var report = shell(ExitCode.FINE, "check", model.toString(), "--device", "abacus:1", "--shape", "x=7x5");
        assertTrue(report.contains("abacus:1  y       equal"), report);
    }

    @Test
    void itPassesTheDeviceSuite() throws Exception {
        var report = java(0, "org.portolan.tests.device.SuiteRun", "abacus");
        assertTrue(report.contains("abacus:0 passed: a lost device says so"), report);
        assertTrue(report.contains("abacus:1 passed: large copies"), report);
    }

    /// One call of the command line in a JVM that has the backend on its class path.
    private static String shell(int exitCode, String... arguments) throws Exception {
        return java(exitCode, "org.portolan.cli.Main", arguments);
    }

    private static String java(int exitCode, String main, String... arguments) throws Exception {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-cp", classPath, main));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(exitCode, process.waitFor(), output);
        return output;
    }

    private static List<Path> files(Path folder) throws IOException {
        try (var walk = Files.walk(folder)) {
            return walk.filter(Files::isRegularFile).toList();
        }
    }

    private static Path checkout() {
        var here = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(here.resolve("portolan"))) here = here.getParent();
        return here;
    }
}
