package org.portolan.ascend.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// A correct kernel for each class of operators passes all checks, and its numbers are those of plain Java.
class OperatorsTest {
    private static Acl acl;
    private static long vector;
    private static long cube;
    private final Random random = new Random(5);

    @BeforeAll
    static void open() throws Exception {
        acl = Emulated.acl();
        vector = acl.binary(AscendEmulator.compile(Emulated.source("operators.cpp"), 2201));
        cube = acl.binary(AscendEmulator.compile(Emulated.source("products.cpp"), 2201));
    }

    private float[] values(int count) {
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (float) random.nextGaussian();
        return values;
    }

    private static long upload(float[] values) {
        return acl.upload(copy(MemorySegment.ofArray(values)));
    }

    private static MemorySegment copy(MemorySegment of) {
        return acl.arena.allocate(of.byteSize(), 64).copyFrom(of);
    }

    private static MemorySegment words(long... words) {
        return copy(MemorySegment.ofArray(words));
    }

    private static float[] run(String kernel, int blocks, MemorySegment tiling, int results, long... buffers) {
        long binary = kernel.startsWith("*") ? cube : vector;
        run(binary, kernel.replace("*", ""), blocks, tiling, buffers);
        return floats(buffers[buffers.length - 1], results);
    }

    private static void run(long binary, String kernel, int blocks, MemorySegment tiling, long... buffers) {
        long stream = acl.stream();
        assertEquals(0, acl.launch(acl.function(binary, kernel), blocks, stream, buffers, tiling));
        acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
    }

    private static float[] floats(long device, int count) {
        return acl.download(device, count * 4L).toArray(ValueLayout.JAVA_FLOAT);
    }

    private static void near(float[] got, double tolerance, IntToDoubleFunction wanted) {
        for (int i = 0; i < got.length; i++) {
            double want = wanted.applyAsDouble(i);
            assertEquals(want, got[i], tolerance * (1 + Math.abs(want)), "element " + i);
        }
    }

    @Test
    void elementwise() {
        var x = values(10007);
        var y = run("elementwise", 7, words(1, x.length), x.length, upload(x), acl.allocate(x.length * 4L));
        near(y, 5e-7, i -> Math.sqrt(Math.abs(x[i])) / (1 + Math.exp(-x[i])));
    }

    @Test
    void withoutChecksTheNumbersAreTheSame() {
        var x = values(100_003);
        var a = values(64 * 120);
        var b = values(96 * 120);
        long input = upload(x);
        long left = upload(a);
        long right = upload(b);
        var followed = run("elementwise", 48, words(1, x.length), x.length, input, acl.allocate(x.length * 4L));
        var product = run("*floats", 4, sizes(64, 96, 120, 1, false), 64 * 96, left, right, acl.allocate(64 * 96 * 4L));
        acl.callVoid("portolan_emulator_checks", 0);
        try {
            var plain = run("elementwise", 48, words(1, x.length), x.length, input, acl.allocate(x.length * 4L));
            assertArrayEquals(followed, plain);
            assertArrayEquals(product, run("*floats", 4, sizes(64, 96, 120, 1, false), 64 * 96, left, right, acl.allocate(64 * 96 * 4L)));
        } finally {
            acl.callVoid("portolan_emulator_checks", 1);
        }
    }

    @Test
    void broadcast() {
        var x = values(1024);
        var row = values(64);
        var column = values(16);
        var y = run("broadcast", 1, MemorySegment.NULL, 1024, upload(x), upload(row), upload(column), acl.allocate(4096));
        near(y, 0, i -> (float) (x[i] * row[i % 64]) + column[i / 64]);
    }

    @Test
    void reductions() {
        var x = values(1280);
        x[77] = x[1000] = 9;
        x[5] = x[901] = -9;
        var y = run("reductions", 1, words(1, x.length), 128, upload(x), acl.allocate(512));
        double sum = 0;
        for (float value : x) sum += value;
        assertEquals(sum, y[0], 1e-3);
        assertEquals(9, y[8]);
        assertEquals(77, Float.floatToRawIntBits(y[9]), "of equal ones the first");
        assertEquals(-9, y[16]);
        assertEquals(5, Float.floatToRawIntBits(y[17]));
        assertEquals(sum, y[24], 1e-3);
        assertEquals(9, y[32]);
        for (int block = 0; block < 8; block++) {
            double part = 0;
            for (int i = 0; i < 8; i++) part += x[block * 8 + i];
            assertEquals(part, y[64 + block], 1e-5);
        }
    }

    @Test
    void softmax() {
        int columns = 1003;
        var x = values(9 * columns);
        // Rows of 1,003 floats do not start at blocks of 32 bytes: one block of the grid takes them all.
        var y = run("softmax", 1, words(9, columns), x.length, upload(x), acl.allocate(x.length * 4L));
        near(y, 1e-6, i -> {
            int start = i / columns * columns;
            double sum = 0;
            for (int j = 0; j < columns; j++) sum += Math.exp(x[start + j]);
            return Math.exp(x[i]) / sum;
        });
    }

    @Test
    void layerNorm() {
        int columns = 384;
        var x = values(16 * columns);
        var weight = values(columns);
        var bias = values(columns);
        var y = run("layernorm", 4, words(16, columns), x.length, upload(x), upload(weight), upload(bias), acl.allocate(x.length * 4L));
        near(y, 2e-6, i -> {
            int start = i / columns * columns;
            double mean = 0;
            double variance = 0;
            for (int j = 0; j < columns; j++) mean += x[start + j] / (double) columns;
            for (int j = 0; j < columns; j++) variance += Math.pow(x[start + j] - mean, 2) / columns;
            return (x[i] - mean) / Math.sqrt(variance + 1e-5) * weight[i % columns] + bias[i % columns];
        });
    }

    @Test
    void transpose() {
        var x = values(17 * 30);
        var y = run("transpose", 1, words(17, 30), x.length, upload(x), acl.allocate(x.length * 4L));
        near(y, 0, i -> x[i % 17 * 30 + i / 17]);
    }

    @Test
    void embedding() {
        var x = values(100 * 48);
        var ids = random.longs(33, 0, 100).toArray();
        long numbers = acl.upload(words(ids));
        var y = run("embedding", 5, words(33, 48), 33 * 48, upload(x), numbers, acl.allocate(33 * 48 * 4L));
        near(y, 0, i -> x[(int) ids[i / 48] * 48 + i % 48]);
    }

    @Test
    void padAndSlice() {
        var x = values(15);
        long padded = acl.allocate(160);
        var z = run("padAndSlice", 1, MemorySegment.NULL, 30, upload(x), padded, acl.allocate(120));
        IntToDoubleFunction wanted = i -> i / 8 < 1 || i / 8 > 3 || i % 8 < 1 || i % 8 > 5 ? -1 : x[(i / 8 - 1) * 5 + i % 8 - 1];
        near(floats(padded, 40), 0, wanted);
        near(z, 0, i -> wanted.applyAsDouble(i / 6 * 8 + i % 6 + 1));
    }

    @Test
    void compareAndSelect() {
        var x = values(256);
        var w = values(256);
        var y = run("choose", 1, MemorySegment.NULL, 256, upload(x), upload(w), acl.allocate(1024));
        near(y, 0, i -> half(x[i]) < half(w[i]) ? half(x[i]) : 2 * half(w[i]));
    }

    @Test
    void atomicAddition() {
        long y = acl.upload(copy(MemorySegment.ofArray(new float[8])));
        near(run("count", 20, MemorySegment.NULL, 8, y), 0, _ -> 190);
    }

    private static float half(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    private static long uploadHalves(float[] values) {
        var bits = new short[values.length];
        for (int i = 0; i < bits.length; i++) bits[i] = Float.floatToFloat16(values[i]);
        return acl.upload(copy(MemorySegment.ofArray(bits)));
    }

    private static MemorySegment sizes(int m, int n, int k, float scale, boolean relu) {
        var sizes = acl.arena.allocate(32, 8);
        sizes.setAtIndex(ValueLayout.JAVA_LONG, 0, m);
        sizes.setAtIndex(ValueLayout.JAVA_LONG, 1, n);
        sizes.setAtIndex(ValueLayout.JAVA_LONG, 2, k);
        sizes.set(ValueLayout.JAVA_FLOAT, 24, scale);
        sizes.set(ValueLayout.JAVA_INT, 28, relu ? 1 : 0);
        return sizes;
    }

    private static double dot(int i, int n, int k, IntToDoubleFunction a, IntToDoubleFunction b) {
        double sum = 0;
        for (int j = 0; j < k; j++) sum += a.applyAsDouble(i / n * k + j) * b.applyAsDouble(i % n * k + j);
        return sum;
    }

    @Test
    void productsOfFloatingNumbers() {
        int[][] shapes = {{32, 32, 32}, {16, 48, 64}, {40, 32, 24}, {5, 16, 33}, {64, 96, 120}};
        for (var shape : shapes) {
            int m = shape[0];
            int n = shape[1];
            int k = shape[2];
            var a = values(m * k);
            var b = values(n * k);
            var wide = run("*floats", 2, sizes(m, n, k, 1, false), m * n, upload(a), upload(b), acl.allocate(m * n * 4L));
            near(wide, 1e-5, i -> dot(i, n, k, j -> a[j], j -> b[j]));
            long c = acl.allocate(m * n * 4L);
            var narrow = run("*halves", 3, sizes(m, n, k, 1, true), m * n, uploadHalves(a), uploadHalves(b), c);
            near(narrow, 1e-5, i -> Math.max(0, dot(i, n, k, j -> half(a[j]), j -> half(b[j]))));
            var brainA = new short[m * k];
            var brainB = new short[n * k];
            for (int i = 0; i < m * k; i++) brainA[i] = (short) (Float.floatToRawIntBits(a[i]) >> 16);
            for (int i = 0; i < n * k; i++) brainB[i] = (short) (Float.floatToRawIntBits(b[i]) >> 16);
            var brains = run("*brains", 1, sizes(m, n, k, 1, false), m * n, acl.upload(copy(MemorySegment.ofArray(brainA))), acl.upload(copy(MemorySegment.ofArray(brainB))), acl.allocate(m * n * 4L));
            near(brains, 1e-5, i -> dot(i, n, k, j -> Float.intBitsToFloat(brainA[j] << 16), j -> Float.intBitsToFloat(brainB[j] << 16)));
        }
    }

    @Test
    void productsOfBytes() {
        int m = 24;
        int n = 48;
        int k = 70;
        var a = new byte[m * k];
        var b = new byte[n * k];
        random.nextBytes(a);
        random.nextBytes(b);
        long left = acl.upload(copy(MemorySegment.ofArray(a)));
        long right = acl.upload(copy(MemorySegment.ofArray(b)));
        long whole = acl.allocate(m * n * 4L);
        run(cube, "bytes", 2, sizes(m, n, k, 1, false), left, right, whole);
        var sums = acl.download(whole, m * n * 4L).toArray(ValueLayout.JAVA_INT);
        for (int i = 0; i < sums.length; i++) assertEquals(dot(i, n, k, j -> a[j], j -> b[j]), sums[i]);
        long halves = acl.allocate(m * n * 2L);
        run(cube, "bytesToHalves", 2, sizes(m, n, k, 1 / 512f, false), left, right, halves);
        var scaled = acl.download(halves, m * n * 2L).toArray(ValueLayout.JAVA_SHORT);
        for (int i = 0; i < scaled.length; i++) assertEquals(half(sums[i] / 512f), Float.float16ToFloat(scaled[i]));
    }

    /// Two products on the cube with a softmax on the vector units between them, in one stream.
    @Test
    void attention() {
        int rows = 48;
        int width = 64;
        var q = values(rows * width);
        var k = values(rows * width);
        var v = values(rows * width);
        long stream = acl.stream();
        long scores = acl.allocate(rows * rows * 4L);
        long weights = acl.allocate(rows * rows * 2L);
        long y = acl.allocate(rows * width * 4L);
        assertEquals(0, acl.launch(acl.function(cube, "halves"), 3, stream, new long[] {uploadHalves(q), uploadHalves(k), scores}, sizes(rows, rows, width, 1, false)));
        assertEquals(0, acl.launch(acl.function(vector, "attentionWeights"), 8, stream, new long[] {scores, weights}, words(rows, rows)));
        assertEquals(0, acl.launch(acl.function(cube, "halvesByRows"), 3, stream, new long[] {weights, uploadHalves(v), y}, sizes(rows, width, rows, 1, false)));
        acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        var got = floats(y, rows * width);
        near(got, 2e-3, i -> {
            int row = i / width;
            double sum = 0;
            double weighted = 0;
            for (int j = 0; j < rows; j++) {
                double score = 0;
                for (int c = 0; c < width; c++) score += half(q[row * width + c]) * (double) half(k[j * width + c]);
                double weight = Math.exp(score / 8);
                sum += weight;
                weighted += weight * half(v[j * width + i % width]);
            }
            return weighted / sum;
        });
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
    }
}
