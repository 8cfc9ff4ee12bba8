package org.portolan.runtime.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Session;
import org.portolan.runtime.SessionOptions;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.JavaDevice;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.program.ProgramFileWriter.KernelBytes;

final class ProgramFileTest {
    @TempDir
    Path folder;

    private static byte[] bytes(int size, int seed) {
        var bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static Plan plan(ProgramFileWriter writer) throws IOException {
        var weight = writer.addWeight(MemorySegment.ofArray(new float[] {10, 20, 30}));
        return Plan.parse("""
                plan 1
                symbol n 1 100
                input "x" f32 [n, 3] slot 0
                output "y" f32 [n, 3] slot 1
                slot input 0
                slot output 0
                slot weight "%s" %d %d
                kernel "add"
                arena 0
                steps {
                  launch 0 [0, 2, 1] [] grid [n, 3] cost 1 device 0 "Add_0"
                }
                """.formatted(weight.entry(), weight.offset(), weight.bytes()));
    }

    private void write(Path path, ZipLayout layout) throws Exception {
        try (var writer = new ProgramFileWriter(path, layout)) {
            writer.addWeight(MemorySegment.ofArray(bytes(1000, 1)));
            writer.addTarget("java", plan(writer), List.of(new KernelBytes("java", List.of(), bytes(100, 2))));
            writer.addTarget("java:one", plan(writer), List.of(new KernelBytes("java", List.of("one"), bytes(90, 3))));
            writer.addTarget(
                    "java:x", plan(writer), List.of(new KernelBytes("java", List.of("one", "x"), bytes(9, 4))));
            writer.property("model", "größe\u0001");
            writer.addExtra("report.txt", "hello".getBytes());
            writer.finish();
        }
    }

    private Path write() throws Exception {
        var path = folder.resolve("model.portolan");
        write(path, ZipLayout.STANDARD);
        return path;
    }

    @Test
    void aModelGoesThroughAFile() throws Exception {
        var device = new JavaDevice(
                Map.of("add", (words, begin, end) -> {
                    for (long i = begin; i < end; i++) {
                        words.f32(2, i, words.f32(0, i) + words.f32(1, i % 3));
                    }
                }),
                false,
                1);
        try (var file = ProgramFile.open(write());
                var session = Session.open(file, List.of(device), SessionOptions.defaults());
                var outputs = session.run(Map.of("x", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3)))) {
            assertArrayEquals(new float[] {11, 22, 33, 14, 25, 36}, outputs.get("y").toFloatArray());
            assertEquals("größe\u0001", file.manifest().properties().get("model"));
        }
        try (var files = Files.list(folder)) {
            assertEquals(1, files.count(), "no temporary file is left");
        }
    }

    @Test
    void weightsAreAlignedAndEqualOnesAreStoredOnce() throws Exception {
        var path = folder.resolve("weights.portolan");
        try (var writer = new ProgramFileWriter(path)) {
            var first = writer.addWeight(MemorySegment.ofArray(bytes(3_000_001, 1)));
            var second = writer.addWeight(MemorySegment.ofArray(bytes(77, 2)));
            assertEquals(first, writer.addWeight(MemorySegment.ofArray(bytes(3_000_001, 1))));
            assertEquals(second, writer.addWeight(MemorySegment.ofArray(bytes(77, 2))));
            assertEquals(0, second.offset() % 64);
            writer.addTarget("java", plan(writer), List.of());
            writer.finish();
            try (var file = ProgramFile.open(path)) {
                var weights = file.entry(second.entry());
                assertEquals(0, weights.address() % 64);
                assertArrayEquals(bytes(77, 2),
                        weights.asSlice(second.offset(), second.bytes()).toArray(ValueLayout.JAVA_BYTE));
                assertTrue(weights.byteSize() < 3_001_000);
            }
        }
    }

    @Test
    void theSameCallsGiveTheSameBytes() throws Exception {
        var first = Files.readAllBytes(write());
        var second = folder.resolve("second.portolan");
        write(second, ZipLayout.STANDARD);
        assertArrayEquals(first, Files.readAllBytes(second));
    }

    @Test
    void otherToolsCanLookInside() throws Exception {
        try (var zip = new ZipFile(write().toFile())) {
            assertEquals(
                    List.of("weights.bin", "extra/report.txt", "targets/java-one/kernels0.java",
                            "targets/java-one/plan.txt", "targets/java-x/kernels0.java", "targets/java-x/plan.txt",
                            "targets/java/kernels0.java", "targets/java/plan.txt", "manifest.json"),
                    zip.stream().map(entry -> entry.getName()).toList());
            for (var entry : zip.stream().toList()) {
                // Reading checks the CRC.
                assertEquals(entry.getSize(), zip.getInputStream(entry).readAllBytes().length);
            }
        }
    }

    @Test
    void everyChangedByteIsRefused() throws Exception {
        var path = write();
        var good = Files.readAllBytes(path);
        var bad = folder.resolve("bad.portolan");
        for (int at = 0; at < good.length; at++) {
            var changed = good.clone();
            changed[at] ^= (byte) (1 << at % 8);
            var verifier = new ProgramFileVerifier(MemorySegment.ofArray(changed), ZipLayout.STANDARD);
            int position = at;
            assertThrows(BadProgramFile.class, () -> verifier.verify(List.of()), () -> "byte " + position);
            if (at % 499 == 0) {
                Files.write(bad, changed);
                assertThrows(BadProgramFile.class, () -> ProgramFile.open(bad).close());
            }
        }
        for (int length = 0; length < good.length; length += 311) {
            Files.write(bad, Arrays.copyOf(good, length));
            assertThrows(BadProgramFile.class, () -> ProgramFile.open(bad).close());
        }
        Files.write(bad, Arrays.copyOf(good, good.length + 1));
        assertThrows(BadProgramFile.class, () -> ProgramFile.open(bad).close());
        var prefixed = new byte[good.length + 64];
        System.arraycopy(good, 0, prefixed, 64, good.length);
        Files.write(bad, prefixed);
        assertThrows(BadProgramFile.class, () -> ProgramFile.open(bad).close());
    }

    @Test
    void aMixOfTwoGoodFilesIsRefused() throws Exception {
        var good = Files.readAllBytes(write());
        var other = folder.resolve("other.portolan");
        try (var writer = new ProgramFileWriter(other)) {
            writer.addWeight(MemorySegment.ofArray(bytes(1000, 99)));
            writer.addTarget("java", plan(writer), List.of(new KernelBytes("java", List.of(), bytes(100, 2))));
            writer.finish();
        }
        var mixed = good.clone();
        System.arraycopy(Files.readAllBytes(other), 4096, mixed, 4096, 1000);
        Files.write(other, mixed);
        assertThrows(BadProgramFile.class, () -> ProgramFile.open(other).close());
    }

    @Test
    void largeFilesHave64BitFields() throws Exception {
        // With the limit at 5000 bytes the entries behind the weights have large offsets, and the weights a large size.
        var layout = new ZipLayout(5000);
        var path = folder.resolve("large.portolan");
        try (var writer = new ProgramFileWriter(path, layout)) {
            writer.addWeight(MemorySegment.ofArray(bytes(6000, 1)));
            writer.addTarget("java", plan(writer), List.of());
            writer.finish();
        }
        try (var file = ProgramFile.open(path, List.of(), layout); var zip = new ZipFile(path.toFile())) {
            assertEquals("java", file.manifest().targets().getFirst().name());
            assertEquals(file.entry("weights.bin").byteSize(), zip.getEntry("weights.bin").getSize());
            for (var entry : zip.stream().toList()) {
                assertArrayEquals(file.entry(entry.getName()).toArray(ValueLayout.JAVA_BYTE),
                        zip.getInputStream(entry).readAllBytes());
            }
        }
        assertThrows(BadProgramFile.class, () -> ProgramFile.open(path).close());
    }

    @Test
    void signaturesAreCheckedWhereTheyAreDemanded() throws Exception {
        var keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        var strangers = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        var path = folder.resolve("signed.portolan");
        try (var writer = new ProgramFileWriter(path)) {
            writer.addTarget("java", plan(writer), List.of());
            writer.signWith(keys.getPrivate());
            writer.finish();
        }
        ProgramFile.open(path, keys.getPublic()).close();
        ProgramFile.open(path).close();
        var stranger = assertThrows(BadProgramFile.class, () -> ProgramFile.open(path, strangers.getPublic()));
        assertTrue(stranger.getMessage().contains("not signed by the demanded key"), stranger.getMessage());
        var unsigned = write();
        var error = assertThrows(BadProgramFile.class, () -> ProgramFile.open(unsigned, keys.getPublic()));
        assertTrue(error.getMessage().contains("not signed, and"), error.getMessage());

        var either = List.of(strangers.getPublic(), keys.getPublic());
        ProgramFile.open(path, either).close();
        assertThrows(BadProgramFile.class, () -> ProgramFile.open(unsigned, either));
        var options = SessionOptions.defaults().withTrustedKeys(keys.getPublic());
        var loaded = assertThrows(BadProgramFile.class, () -> Portolan.load(unsigned, options));
        assertTrue(loaded.getMessage().contains("not signed, and"), loaded.getMessage());
    }

    @Test
    void theTargetWithTheMostFittingFeaturesIsChosen() throws Exception {
        try (var file = ProgramFile.open(write())) {
            assertEquals("java:one", file.select(List.of(device("java", "one", "two"))).orElseThrow().name());
            assertEquals("java:x", file.select(List.of(device("java", "one", "x"))).orElseThrow().name());
            assertEquals("java", file.select(List.of(device("java"))).orElseThrow().name());
            assertFalse(file.select(List.of(device("cuda"))).isPresent());
        }
    }

    @Test
    void aMissingTargetIsSaid() throws Exception {
        var path = folder.resolve("narrow.portolan");
        try (var writer = new ProgramFileWriter(path)) {
            writer.addTarget(
                    "java:x", plan(writer), List.of(new KernelBytes("java", List.of("one", "x"), bytes(9, 4))));
            writer.finish();
        }
        try (var file = ProgramFile.open(path)) {
            var device = new JavaDevice(Map.of(), false, 1);
            var error = assertThrows(
                    DeviceMissing.class, () -> Session.open(file, List.of(device), SessionOptions.defaults()));
            assertTrue(error.getMessage().contains("java:x (needs x)"), error.getMessage());
        }
    }

    private static DeviceDescription device(String driver, String... features) {
        return new DeviceDescription(driver, 0, driver, false, true, 0, Set.of(features));
    }
}
