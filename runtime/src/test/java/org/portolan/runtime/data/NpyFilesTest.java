package org.portolan.runtime.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

final class NpyFilesTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"STRING", "INDEX"})
    void everyTypeReadsBack(ElementType type) throws IOException {
        var path = folder.resolve("x.npy");
        for (var shape : List.of(new long[] {}, new long[] {5}, new long[] {2, 3, 4}, new long[] {0, 3})) {
            var tensor = RandomTensors.random(type, 7, shape);
            NpyFiles.write(path, tensor);
            var read = TensorConversion.convert(NpyFiles.read(path), type);
            assertArrayEquals(shape, read.shape());
            assertEquals(-1, tensor.data().mismatch(read.data()), type.text());
        }
    }

    @Test
    void stringsReadBack() throws IOException {
        var path = folder.resolve("x.npy");
        var strings = List.of("", "Größe", "\uD83D\uDE00!", "a longer one");
        NpyFiles.write(path, Tensor.ofStrings(strings, 2, 2));
        assertEquals(strings, NpyFiles.read(path).strings());
    }

    private static Tensor read(String header, byte... data) throws IOException {
        var text = header.getBytes(StandardCharsets.ISO_8859_1);
        var file = new byte[10 + text.length + data.length];
        System.arraycopy(NpyHeader.MAGIC, 0, file, 0, 6);
        file[6] = 1;
        file[8] = (byte) text.length;
        file[9] = (byte) (text.length >> 8);
        System.arraycopy(text, 0, file, 10, text.length);
        System.arraycopy(data, 0, file, 10 + text.length, data.length);
        return NpyFiles.read(new ByteArrayInputStream(file), 1000);
    }

    @Test
    void readsWhatNumPyWrites() throws IOException {
        // numpy.save of numpy.array([[1, 2, 3], [4, 5, 6]], dtype='>i2', order='F')
        var tensor = read("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }          \n",
                new byte[] {0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6});
        assertArrayEquals(new long[] {1, 2, 3, 4, 5, 6}, tensor.toLongArray());
        assertArrayEquals(new long[] {2, 3}, tensor.shape());
        assertEquals(List.of("ab", "c"),
                read("{'shape': (2,), 'descr': '|S2', 'fortran_order': False}\n", new byte[] {97, 98, 99, 0})
                        .strings());
        assertEquals(List.of("ä"),
                read("{'descr': '>U1', 'fortran_order': False, 'shape': (1,)}", new byte[] {0, 0, 0, (byte) 0xE4})
                        .strings());
        assertEquals(1, read("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", (byte) 1).getLong(0));
    }

    @Test
    void saysWhatIsWrong() {
        refuses("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "'|O' are not read");
        refuses("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", "'<f16' are not read");
        refuses("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "structured");
        refuses("{'descr': '<f4', 'fortran_order': False}", "the header must be");
        refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "ends before");
        refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1000,)}", "at most 1000");
        refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", "2^63");
        refuses("__import__('os')", "the header must be");
        assertThrows(BadDataFile.class, () -> NpyFiles.read(new ByteArrayInputStream(new byte[3]), 10));
    }

    private static void refuses(String header, String message) {
        var error = assertThrows(BadDataFile.class, () -> read(header, new byte[4]));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void mutatedFilesAreReadOrRefused() throws IOException {
        var random = new Random(1);
        var path = folder.resolve("x.npy");
        NpyFiles.write(path, RandomTensors.random(ElementType.F32, 1, 3, 4));
        var good = Files.readAllBytes(path);
        for (int round = 0; round < 3000; round++) {
            var bad = good.clone();
            for (int change = 0; change < 1 + round % 3; change++) {
                bad[random.nextInt(80)] = (byte) random.nextInt(256);
            }
            try {
                NpyFiles.read(new ByteArrayInputStream(bad), bad.length);
            } catch (BadDataFile e) {
                assertTrue(e.getMessage().startsWith("npy: "), e.getMessage());
            }
        }
    }

    @Test
    void archivesReadBackAndAreTheSameEachTime() throws IOException {
        var tensors = new LinkedHashMap<String, Tensor>();
        tensors.put("last_hidden_state", RandomTensors.random(ElementType.F32, 1, 2, 3));
        tensors.put("/model/out:0", RandomTensors.random(ElementType.I64, 2, 4));
        tensors.put("names", Tensor.ofStrings(List.of("a", "b"), 2));
        var path = folder.resolve("x.npz");
        NpzFiles.write(path, tensors);
        var read = NpzFiles.read(path);
        assertEquals(List.copyOf(tensors.keySet()), List.copyOf(read.keySet()));
        assertEquals(-1, tensors.get("/model/out:0").data().mismatch(read.get("/model/out:0").data()));
        assertEquals(0, read.get("last_hidden_state").data().address() % 64);
        var first = Files.readAllBytes(path);
        NpzFiles.write(path, tensors);
        assertArrayEquals(first, Files.readAllBytes(path));
    }

    private Path archive(Map<String, byte[]> entries) throws IOException {
        var path = folder.resolve("bad.npz");
        try (var stream = new ZipOutputStream(Files.newOutputStream(path))) {
            for (var entry : entries.entrySet()) {
                stream.putNextEntry(new ZipEntry(entry.getKey()));
                stream.write(entry.getValue());
                stream.closeEntry();
            }
        }
        return path;
    }

    @Test
    void archivesWithTricksAreRefused() throws IOException {
        for (var name : List.of("../../etc/x.npy", "a/../../x.npy", "..\\x.npy", "x.txt", "x.npy/")) {
            var path = archive(Map.of(name, new byte[0]));
            assertThrows(BadDataFile.class, () -> NpzFiles.read(path), name);
        }
        var zeros = Tensor.of(new float[1 << 20], 1 << 20);
        var path = folder.resolve("zeros.npy");
        NpyFiles.write(path, zeros);
        var bomb = archive(Map.of("x.npy", Files.readAllBytes(path)));
        assertEquals(1 << 20, NpzFiles.read(bomb).get("x").elements());
        var error = assertThrows(LimitExceeded.class, () -> NpzFiles.read(bomb, 1 << 20));
        assertTrue(error.getMessage().contains("may take 1048576"), error.getMessage());
        Files.write(path, "no archive".getBytes());
        assertThrows(BadDataFile.class, () -> NpzFiles.read(path));
    }

    @Test
    void randomTensorsAreTheDocumentedOnes() {
        // SplitMix64 from seed 7, worked out by hand from the published constants.
        long z = 7 + 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        z ^= z >>> 31;
        assertEquals(-1 + (z >>> 11) * 0x1p-53 * 2, RandomTensors.random(ElementType.F64, 7, 3).getDouble(0));
        var integers = RandomTensors.integers(ElementType.I64, 7, -5, 5, 1000).toLongArray();
        for (long integer : integers) {
            assertTrue(integer >= -5 && integer < 5);
        }
        assertEquals(10, Arrays.stream(integers).distinct().count());
        var halves = RandomTensors.random(ElementType.F32, 1, 10_000).toFloatArray();
        double sum = 0;
        for (float half : halves) {
            assertTrue(half >= -1 && half <= 1);
            sum += half;
        }
        assertEquals(0, sum / halves.length, 0.03);
        assertEquals(RandomTensors.random(ElementType.U8, 1, 9).data().get(ValueLayout.JAVA_BYTE, 3),
                RandomTensors.random(ElementType.U8, 1, 4).data().get(ValueLayout.JAVA_BYTE, 3));
    }
}
