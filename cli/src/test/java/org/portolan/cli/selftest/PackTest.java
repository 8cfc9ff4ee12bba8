package org.portolan.cli.selftest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Targets;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.selftest.Pack;
import org.portolan.runtime.selftest.PackJson;
import org.portolan.runtime.selftest.Report;
import org.portolan.runtime.selftest.Selftest;
import org.portolan.runtime.selftest.suite.DeviceSuite;
import org.portolan.runtime.type.ElementType;

/// A small pack, written and run.
class PackTest {
    private static final String DENSE =
            """
            graph.function <name = "dense", symbols = [m:1..9]> { (%x: f32[m,96]) ->
              %w = graph.constant <data = random(11)> : f32[96,160]
              %c = graph.constant <data = dense([0.5, -0.5])> : f32[2]
              %p = graph.mat-mul %x, %w <accumulate = f32> : f32[m,160]
              graph.return [%p, %c]
            }
            """;

    private static final String FAR =
            """
            graph.function <name = "far", symbols = []> { (%x: f32[1], %ids: i64[5]) ->
              %far = graph.map [%ids] { (%i: i64) ->
                %c = arith.integer <value = 9> : i64
                %r = arith.add %i, %c : i64
                graph.yield [%r]
              } : i64[5]
              %y = graph.gather %x, %far <axis = 0> : f32[5]
              graph.return [%y]
            }
            """;

    @TempDir
    private static Path folder;

    private static Path pack;

    @BeforeAll
    static void write() throws IOException {
        pack = write("first.pack");
    }

    private static PackWriter product(int written, int claimed) throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        var work = new Pack.Work(Pack.Operation.PRODUCT, ElementType.F32, List.of(64L));
        writer.speed(
                SpeedModels.products(ElementType.F32, 64, written),
                1e-4,
                new Pack.Speed("product", "product 64", claimed, 2.0 * 64 * 64 * 64, SpeedModels.scale(64), work));
        return writer;
    }

    private static PackWriter attention(ElementType type, int written, int claimed) throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        var work = new Pack.Work(Pack.Operation.ATTENTION, type, List.of(2L, 48L, 16L));
        writer.speed(
                SpeedModels.attention(type, 2, 48, 16, written),
                type == ElementType.F32 ? 1e-4 : 2e-2,
                new Pack.Speed("attention", "attention 48", claimed, 4.0 * 2 * 48 * 48 * 16,
                        SpeedModels.attentionScale(48), work));
        return writer;
    }

    private static Report run(PackWriter writer, String name) throws IOException {
        writer.write(folder.resolve(name));
        return run(folder.resolve(name));
    }

    private static Path write(String name) throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.check("dense", Pack.Kind.CHECK, parse(DENSE), Map.of("m", 5L), 1e-4);
        writer.failure("far", parse(FAR), KernelError.INDEX_OUT_OF_RANGE);
        for (int links : new int[] {1, 3}) {
            writer.speed(
                    SpeedModels.products(ElementType.F32, 64, links),
                    1e-4,
                    new Pack.Speed(
                            "product", "product 64", links, 2.0 * 64 * 64 * 64, SpeedModels.scale(64),
                            new Pack.Work(Pack.Operation.PRODUCT, ElementType.F32, List.of(64L))));
        }
        var file = folder.resolve(name);
        writer.write(file);
        return file;
    }

    private static GraphOp.Function parse(String text) {
        return (GraphOp.Function) IrParser.parse(text, "test").getFirst();
    }

    private static Report run(Path file) throws IOException {
        try (var device = Devices.open("cpu", new DeviceOptions(2));
                var selftest = new Selftest(file, List.of(device), _ -> {})) {
            return selftest.run();
        }
    }

    @Test
    void everythingPassesOnTheProcessor() throws IOException {
        var report = run(pack);
        assertTrue(report.passed(), () -> String.join("\n", report.lines()));
        assertTrue(report.lines().stream().anyMatch(line -> line.startsWith("| product 64 | ")), report.lines().toString());
        assertEquals("cpu:0", report.json().asMembers().get("device").asText());
    }

    @Test
    void theSameCasesGiveTheSameBytes() throws IOException {
        assertArrayEquals(Files.readAllBytes(pack), Files.readAllBytes(write("second.pack")));
    }

    @Test
    void whatItSaysCanBeReadAgain() throws IOException {
        try (var zip = FileSystems.newFileSystem(pack)) {
            var text = Files.readString(zip.getPath(Pack.CONTENTS));
            assertEquals(text, PackJson.print(PackJson.parse(text)));
        }
    }

    /// The check must be able to fail.
    @Test
    void wrongNumbersAreFound() throws IOException {
        var wrong = folder.resolve("wrong.pack");
        Files.copy(pack, wrong);
        try (var zip = FileSystems.newFileSystem(wrong)) {
            var contents = zip.getPath(Pack.CONTENTS);
            var text = Files.readString(contents);
            Files.writeString(contents, text.replaceFirst("\"seed\": 11\\b", "\"seed\": 12"));
            assertFalse(text.equals(Files.readString(contents)));
        }
        var report = run(wrong);
        assertFalse(report.passed());
        assertTrue(
                report.lines().stream().anyMatch(line -> line.startsWith("| dense | FAILED: run 1: p[")), report.lines().toString());
    }

    @Test
    void modelsAreRunAsOftenAsOtherCases() throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.check("a model", Pack.Kind.MODEL, parse(DENSE), Map.of("m", 5L), 1e-4);
        assertTrue(run(writer, "model.pack").passed());
        var wrong = folder.resolve("model.pack");
        try (var zip = FileSystems.newFileSystem(wrong)) {
            var contents = zip.getPath(Pack.CONTENTS);
            Files.writeString(contents, Files.readString(contents).replaceFirst("\"seed\": 11\\b", "\"seed\": 12"));
        }
        var lines = run(wrong).lines();
        assertTrue(lines.stream().anyMatch(line -> line.startsWith("| a model | FAILED: run 1: p[")), lines.toString());
    }

    /// A device whose last copy of the third run gives zeros: a replay that is wrong is found.
    @Test
    void theThirdRunOfAModelIsCompared() throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.check("a model", Pack.Kind.MODEL, parse(DENSE), Map.of("m", 5L), 1e-4);
        var file = folder.resolve("third.pack");
        writer.write(file);
        try (var all = new ForgetfulDevice(Devices.open("cpu", new DeviceOptions(1)), Integer.MAX_VALUE);
                var selftest = new Selftest(file, List.of(all), _ -> {})) {
            assertTrue(selftest.run().passed());
            try (var forgetful = new ForgetfulDevice(Devices.open("cpu", new DeviceOptions(1)), all.copies() - 1);
                    var again = new Selftest(file, List.of(forgetful), _ -> {})) {
                var lines = again.run().lines();
                assertTrue(lines.stream().anyMatch(line -> line.startsWith("| a model | FAILED: run 3: ")), lines.toString());
            }
        }
    }

    @Test
    void theDeviceSuiteIsRunFromThePack() throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.suite();
        var report = run(writer, "suite.pack");
        var lines = report.lines();
        assertTrue(report.passed(), () -> String.join("\n", lines));
        assertTrue(lines.getFirst().startsWith("## Selftest of cpu:0: passed, "), lines.getFirst());
        for (var check : DeviceSuite.checks()) {
            assertTrue(lines.stream().anyMatch(line -> line.startsWith("| device: " + check.name() + " | ")), check.name());
        }
        // What a processor cannot do is left out with the reason, and is no failure.
        assertTrue(lines.stream().anyMatch(line -> line.contains("| skipped: the device does not capture |")), lines.toString());
    }

    /// A kernel of another image in the place of the suite's is noticed.
    @Test
    void aWrongKernelFailsTheDeviceSuite() throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.suite();
        var file = folder.resolve("wrong-suite.pack");
        writer.write(file);
        try (var zip = FileSystems.newFileSystem(file)) {
            var contents = zip.getPath(Pack.CONTENTS);
            var suite = PackJson.parse(Files.readString(contents)).suite();
            Files.delete(zip.getPath(suite.kernels()));
            Files.copy(zip.getPath(suite.others()), zip.getPath(suite.kernels()));
        }
        var report = run(file);
        assertFalse(report.passed());
        assertTrue(report.lines().stream().anyMatch(line -> line.startsWith("- **what to do** about 'device: ")));
        assertTrue(report.lines().stream().anyMatch(line -> line.contains("found 2.0, expected 8.0")), report.lines().toString());
    }

    @Test
    void theStructuresOfModelsPass() throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.check("squeezenet", Pack.Kind.MODEL, VisionModels.squeezenet(64), Map.of(), 1e-4);
        writer.check("direction", Pack.Kind.MODEL, VisionModels.textDirection(), Map.of(), 1e-4);
        var report = run(writer, "vision.pack");
        var lines = String.join("\n", report.lines());
        assertTrue(report.passed(), lines);
        assertTrue(lines.matches("(?s).*\\| squeezenet \\| passed \\| \\d\\.\\de-\\d\\d \\| 1\\.0e-04 \\|.*"), lines);
    }

    /// All links of a chain are checked: one link too many or too few is found.
    @Test
    void chainsAreChecked() throws IOException {
        for (int links : new int[] {1, 3}) {
            assertTrue(run(product(links, links), "right.pack").passed());
            assertTrue(run(attention(ElementType.F32, links, links), "right.pack").passed());
            assertFalse(run(product(links + 1, links), "wrong-chain.pack").passed());
            assertFalse(run(attention(ElementType.F32, links + 1, links), "wrong-chain.pack").passed());
        }
        assertTrue(run(attention(ElementType.BF16, 3, 3), "right.pack").passed());
        assertFalse(run(attention(ElementType.BF16, 2, 1), "wrong-chain.pack").passed());
    }

    /// By ONNX's rule a small element counts as much as a large one.
    @Test
    void casesOfOnnxAreComparedElementByElement() throws IOException {
        var twice = parse(
                """
                graph.function <name = "twice", symbols = []> { (%x: f32[2]) ->
                  %y = graph.map [%x] { (%v: f32) ->
                    %r = arith.add %v, %v : f32
                    graph.yield [%r]
                  } : f32[2]
                  graph.return [%y]
                }
                """);
        var inputs = Map.of("x", Tensor.of(new float[] {500, 0.25f}, 2));
        for (float small : new float[] {0.5f, 0.50049f, 0.502f, Float.NaN}) {
            var writer = new PackWriter(Targets.resolve("cpu"));
            writer.conformance("test_twice", twice, inputs, Map.of("y", Tensor.of(new float[] {1000, small}, 2)));
            assertEquals(Math.abs(small - 0.5) <= 0.0005, run(writer, "case.pack").passed(), "expected " + small);
        }
    }

    @Test
    void anotherLibrarysTimesStandBesideOurs() throws IOException {
        Assumptions.assumeTrue(hasPython(), "skipped: there is no python3 here");
        var writer = new PackWriter(Targets.resolve("cpu"));
        var work = new Pack.Work(Pack.Operation.PRODUCT, ElementType.F32, List.of(64L));
        writer.time(
                "a product", SpeedModels.products(ElementType.F32, 64, 1), Map.of(), 1e-4,
                new Pack.Speed("", "a product", 0, 0, 0, work));
        writer.peer(
                """
                import json, sys
                request = json.loads(sys.argv[1])
                for item in request["work"]:
                    n = item["work"]["shape"][0]
                    print(json.dumps({"name": item["name"], "way": request["driver"] + ".matmul", "milliseconds": n / 2}))
                print(json.dumps({"note": "a note of the script"}))
                print("no JSON")
                sys.exit(3)
                """
                        .getBytes(StandardCharsets.UTF_8));
        var report = run(writer, "peer.pack");
        assertTrue(report.passed());
        var lines = String.join("\n", report.lines());
        assertTrue(lines.contains("cpu.matmul 32.0000"), lines);
        assertTrue(report.json().print().contains("cpu.matmul"), lines);
        assertTrue(lines.contains("a note of the script"), lines);
        assertTrue(lines.contains("no JSON") && lines.contains("ended with the status 3"), lines);
    }

    /// The other library's script is damaged: what was measured is reported all the same.
    @Test
    void withoutTheOtherLibrarysScriptTheReportStands() throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.time(
                "a product", SpeedModels.products(ElementType.F32, 64, 1), Map.of(), 1e-4,
                new Pack.Speed("", "a product", 0, 0, 0, new Pack.Work(Pack.Operation.PRODUCT, ElementType.F32, List.of(64L))));
        writer.peer("print()".getBytes(StandardCharsets.UTF_8));
        var file = folder.resolve("no-script.pack");
        writer.write(file);
        try (var zip = FileSystems.newFileSystem(file)) {
            Files.delete(zip.getPath(PackJson.parse(Files.readString(zip.getPath(Pack.CONTENTS))).peer()));
        }
        var report = run(file);
        var lines = String.join("\n", report.lines());
        assertTrue(report.passed(), lines);
        assertTrue(lines.contains("nothing was measured beside ours") && lines.contains("a product"), lines);
    }

    private static boolean hasPython() {
        try {
            var process = new ProcessBuilder("python3", "--version").redirectErrorStream(true).start();
            process.getInputStream().readAllBytes();
            return process.waitFor() == 0;
        } catch (IOException | InterruptedException e) {
            return false;
        }
    }

    @Test
    void whatIsNoPackIsRefused() throws IOException {
        var text = Files.write(folder.resolve("text.pack"), "no archive".getBytes(StandardCharsets.UTF_8));
        assertThrows(BadDataFile.class, () -> run(text));
        var empty = folder.resolve("empty.pack");
        Files.copy(pack, empty);
        try (var zip = FileSystems.newFileSystem(empty)) {
            Files.delete(zip.getPath(Pack.CONTENTS));
        }
        var error = assertThrows(BadDataFile.class, () -> run(empty));
        assertTrue(error.getMessage().contains(Pack.CONTENTS), error.getMessage());
    }
}
