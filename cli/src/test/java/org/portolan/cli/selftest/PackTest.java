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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Targets;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.selftest.Pack;
import org.portolan.runtime.selftest.PackJson;
import org.portolan.runtime.selftest.Report;
import org.portolan.runtime.selftest.Selftest;
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

    private static Path write(String name) throws IOException {
        var writer = new PackWriter(Targets.resolve("cpu"));
        writer.check("dense", Pack.Kind.CHECK, parse(DENSE), Map.of("m", 5L), 1e-4);
        writer.failure("far", parse(FAR), KernelError.INDEX_OUT_OF_RANGE);
        for (int links : new int[] {1, 3}) {
            writer.speed(
                    SpeedModels.products(ElementType.F32, 64, links),
                    1e-4,
                    new Pack.Speed("product", "product 64", links, 2.0 * 64 * 64 * 64, SpeedModels.scale(64)));
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
                report.lines().stream().anyMatch(line -> line.startsWith("| dense | FAILED: p[")), report.lines().toString());
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
