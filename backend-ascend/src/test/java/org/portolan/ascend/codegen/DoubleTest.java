package org.portolan.ascend.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.portolan.ascend.driver.AscendDriver;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.StopSignal;

/// Numbers of 64 bits made of integers give the same bits as the processor's own, operation by operation.
class DoubleTest {
    private static final int RANDOM = 1500;

    /// What the kernel writes for three numbers, in this order.
    private static final List<String> OPERATIONS = List.of(
            "a + b", "a - b", "a * b", "a / b", "wide::root(a)", "wide::fused(a, b, c)", "Double(float(a))",
            "wide::floor(a)", "wide::ceil(a)", "wide::rint(a)", "wide::trunc(a)", "wide::copysign(a, b)", "-a",
            "Double(int64_t(small))", "Double(uint64_t(wide::abs(small)))", "Double(int64_t(a.bits))", "Double(a.bits)",
            "Double(uint64_t(a < b))", "Double(uint64_t(a <= b))", "Double(uint64_t(a == b))", "Double(uint64_t(a > b))");

    private static List<Double> expected(double a, double b, double c) {
        double small = small(a);
        long bits = Double.doubleToRawLongBits(a);
        return List.of(
                a + b, a - b, a * b, a / b, Math.sqrt(a), Math.fma(a, b, c), (double) (float) a,
                Math.floor(a), Math.ceil(a), Math.rint(a), a < 0 ? Math.ceil(a) : Math.floor(a), Math.copySign(a, b), -a,
                (double) (long) small, (double) (long) Math.abs(small), (double) bits, unsigned(bits),
                a < b ? 1.0 : 0.0, a <= b ? 1.0 : 0.0, a == b ? 1.0 : 0.0, a > b ? 1.0 : 0.0);
    }

    private static double unsigned(long bits) {
        return bits >= 0 ? bits : new BigDecimal(Long.toUnsignedString(bits)).doubleValue();
    }

    /// The number if it fits an integer, else 0.
    private static double small(double a) {
        return Math.abs(a) < 0x1p63 ? a : 0;
    }

    private static String source() {
        var text = new StringBuilder("//: chip dav-2201 cores=40\n//: kernel k k buffers=2 symbols=0 cores=1 all=0 of test\n");
        text.append(AscendMachines.resource("codegen/prelude.h") + AscendMachines.resource("codegen/pieces.h")).append(AscendMachines.resource("codegen/double.h"));
        text.append("extern \"C\" __global__ __aicore__ void k(GM_ADDR x_memory, GM_ADDR y_memory, GM_ADDR error_memory, GM_ADDR tiling_memory) {\n")
                .append("KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);\nTPipe pipe;\nTBuf<TPosition::VECCALC> stage_buffer;\n")
                .append("pipe.InitBuffer(stage_buffer, 32);\nconst auto stage = stage_buffer.Get<uint8_t>();\n");
        for (var name : List.of("x", "y")) {
            text.append("GlobalTensor<uint64_t> ").append(name).append("; ").append(name).append(".SetGlobalBuffer((__gm__ uint64_t *)")
                    .append(name).append("_memory);\n");
        }
        text.append("const auto from = doubles(at(x)); const auto to = doubles(at(y, stage));\n")
                .append("for (int64_t i = 0; i < ").append(triples().size()).append("; i++) {\n")
                .append("const Double a = from[3 * i]; const Double b = from[3 * i + 1]; const Double c = from[3 * i + 2];\n")
                .append("const Double small = wide::abs(a) < Double(9223372036854775808.0f) ? a : Double(0.0f);\n");
        for (int i = 0; i < OPERATIONS.size(); i++) {
            text.append("to[").append(OPERATIONS.size()).append(" * i + ").append(i).append("] = ").append(OPERATIONS.get(i)).append(";\n");
        }
        return text.append("}\n}\n").toString();
    }

    private static List<double[]> triples() {
        var corners = new double[] {
            0, 1, 1.5, 2.5, 0.49999999999999994, 3, 0x1p-1074, 0x1.8p-1073, 0x1p-1022, 0x0.fffffffffffffp-1022, 0x1.fffffffffffffp1023,
            0x1p52, 0x1.0000000000001p52, 0x1p53, 0x1.fffffep127, 0x1.ffffffp127, 0x1p-149, 0x1.8p-150, 0x1p-126, 0x1.fffffffp-127,
            Double.POSITIVE_INFINITY, Double.NaN, Math.PI, 1e300, 1e-300, 0x1.fffffffffffffp62, 123456789.25
        };
        var random = new Random(7);
        var triples = new ArrayList<double[]>();
        for (double left : corners) {
            for (double right : corners) {
                triples.add(new double[] {sign(random, left), sign(random, right), sign(random, corners[random.nextInt(corners.length)])});
            }
        }
        for (int i = 0; i < RANDOM; i++) {
            // Any bits, neighbours, and numbers of like size, where digits cancel.
            double a = Double.longBitsToDouble(random.nextLong());
            double b = i % 3 == 0 ? Double.longBitsToDouble(random.nextLong()) : -a * (1 + random.nextInt(5) * Math.ulp(1.0));
            double scale = Math.scalb(1.0, random.nextInt(140) - 70);
            var own = new double[] {a, b, Double.longBitsToDouble(random.nextLong())};
            if (i % 2 == 0) {
                own = new double[] {random.nextGaussian(), random.nextGaussian() * scale, 0};
                own[2] = i % 4 == 0 ? random.nextGaussian() : -own[0] * own[1] * (1 + random.nextInt(3) * Math.ulp(1.0));
            }
            triples.add(own);
        }
        return triples;
    }

    private static double sign(Random random, double value) {
        return random.nextBoolean() ? -value : value;
    }

    @Test
    void everyOperationRoundsAsTheProcessorDoes() {
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
        var triples = triples();
        int count = OPERATIONS.size();
        long inBytes = 24L * triples.size();
        long outBytes = 8L * count * triples.size();
        var driver = new AscendDriver();
        int ordinal = driver.list().devices().stream().filter(DeviceDescription::emulated).findFirst().orElseThrow().ordinal();
        try (var arena = Arena.ofConfined(); var device = driver.open(ordinal, DeviceOptions.defaults())) {
            try (var memory = Arena.ofShared();
                    var image = device.load(MemorySegment.ofArray(source().getBytes(StandardCharsets.UTF_8)));
                    var queue = device.openQueue(StopSignal.NEVER)) {
                var in = arena.allocate(inBytes, 64);
                var out = arena.allocate(outBytes, 64);
                for (int i = 0; i < triples.size(); i++) {
                    for (int j = 0; j < 3; j++) in.setAtIndex(ValueLayout.JAVA_DOUBLE, 3L * i + j, triples.get(i)[j]);
                }
                long x = device.allocate(memory, inBytes, 64).address();
                long y = device.allocate(memory, outBytes, 64).address();
                queue.copyIn(in, x, inBytes);
                var words = arena.allocate(16, 8);
                words.setAtIndex(ValueLayout.JAVA_LONG, 0, x);
                words.setAtIndex(ValueLayout.JAVA_LONG, 1, y);
                queue.launch(image.kernel("k"), words, 2, new long[] {1}, 0);
                queue.copyOut(y, out, outBytes);
                for (int i = 0; i < triples.size(); i++) {
                    var own = triples.get(i);
                    var expected = expected(own[0], own[1], own[2]);
                    for (int j = 0; j < count; j++) {
                        double found = out.getAtIndex(ValueLayout.JAVA_DOUBLE, (long) count * i + j);
                        var place = OPERATIONS.get(j) + " of " + own[0] + ", " + own[1] + ", " + own[2];
                        // All NaNs are alike.
                        assertEquals(expected.get(j), found, 0.0, place);
                        if (!Double.isNaN(found)) {
                            assertEquals(Double.doubleToRawLongBits(expected.get(j)), Double.doubleToRawLongBits(found), place);
                        }
                    }
                }
            }
        }
    }
}
