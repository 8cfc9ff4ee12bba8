package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.nest.RowChains;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.type.ElementType;

/// What is moved behind a sum of products of shares gives what it gave before, or stays where it was.
class SharesTest {
    private static final long M = 20;
    private static final long N = 300;
    private static final String VALUE = "%b = nest.read %v <at = [h, j, e]> : f32";

    /// Shares that are f16 on their way: a factor that keeps sums in range would make them nothing there.
    @ParameterizedTest
    @CsvSource({"shares, true", "shares, false", "shares and values, true", "shares and values, false"})
    void narrowSharesKeepTheirRange(String narrow, boolean dynamic) {
        var text = OnlineKernelTest.attention("f32", false, 1, M, N, 16, 16, dynamic)
                .replace("n:1..4096", "n:1.." + Long.MAX_VALUE)
                .replace(
                        "%narrow = arith.cast %share : f32",
                        """
                        %half = arith.cast %share : f16
                        %narrow = arith.cast %half : f32
                        """)
                .replace(
                        VALUE,
                        narrow.equals("shares")
                                ? """
                                %b0 = nest.read %v <at = [h, j, e]> : f32
                                %b1 = arith.abs %b0 : f32
                                %huge = arith.const <value = 4.0e37> : f32
                                %b = arith.mul %b1, %huge : f32
                                """
                                : """
                                %b0 = nest.read %v <at = [h, j, e]> : f32
                                %b1 = arith.abs %b0 : f32
                                %b2 = arith.cast %b1 : f16
                                %b = arith.cast %b2 : f32
                                """);
        assertEquals(1, compare(text, 2e-3));
    }

    /// Something divided that is 0 where it is not a number, where the divisor of it, or of what it becomes, may be negative.
    @ParameterizedTest
    @ValueSource(strings = {"%w", "%share"})
    void divisorsMayBeNegative(String checked) {
        var clear =
                """
                %nan = arith.compare CHECKED, CHECKED <relation = not_equal> : bool
                %none = arith.const <value = 0.0> : f32
                %cleared = arith.select %nan, %none, CHECKED : f32
                """;
        var text = OnlineKernelTest.attention("f32", false, 1, M, N, 16, 16, false)
                .replace("nest.compute [%s]", "nest.compute [%s, %mask]")
                .replace(
                        "%narrow = arith.cast %share : f32",
                        """
                        %read = nest.read %mask <at = [i, 0]> : f32
                        %square = arith.mul %read, %read : f32
                        %least = arith.const <value = -1.0> : f32
                        %t = arith.sub %least, %square : f32
                        """
                                + (checked.equals("%w")
                                        ? "%before = arith.div %w, %t : f32\n" + clear.replace("CHECKED", "%before")
                                        : clear.replace("CHECKED", "%share")
                                                + "%after = arith.div %cleared, %t : f32\n"))
                .replace("[%narrow]", checked.equals("%w") ? "[%cleared]" : "[%after]")
                .replace("%narrow", "%unused");
        compare(text, 1e-4);
    }

    /// Counts nests when those that can be are one, and compares what all give; any nest is taken to have a schedule.
    private static long compare(String text, double tolerance) {
        var plain = (GraphOp.Function) IrParser.parse(text, "attention").getFirst();
        var joined = RowChains.apply(plain, _ -> true);
        var inputs = Map.of(
                "q", RandomTensors.random(ElementType.F32, 1, 1, M, 16),
                "k", RandomTensors.random(ElementType.F32, 2, 1, N, 16),
                "v", RandomTensors.random(ElementType.F32, 3, 1, N, 16),
                "mask", RandomTensors.random(ElementType.F32, 4, M, N));
        var expected = new GraphInterpreter(plain).run(inputs).get("o");
        var found = new GraphInterpreter(joined).run(inputs).get("o");
        for (long i = 0; i < expected.elements(); i++) {
            double wanted = expected.getDouble(i);
            assertTrue(Double.isFinite(wanted) && wanted != 0);
            assertEquals(1, found.getDouble(i) / wanted, tolerance, "element " + i);
        }
        return joined.body().ops().stream().filter(NestOp.Compute.class::isInstance).count();
    }
}
