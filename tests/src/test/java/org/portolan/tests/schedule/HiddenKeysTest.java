package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.nest.RowChains;
import org.portolan.lowering.tile.NestToTile;

/// Attention where comparisons of indices hide keys: loops over keys end where the last row of a block sees none any more, and
/// what comes out is what the nests say.
class HiddenKeysTest {
    private static final String LENGTH =
            """
            %first = nest.read %mask <at = [0, h]> : f32
            %scale = arith.const <value = 40.0> : f32
            %scaled = arith.mul %first, %scale : f32
            %length = arith.cast %scaled : i64
            %index = nest.index <value = j> : index
            %key = arith.cast %index : i64
            """;

    /// How the score `%u` of key `j` for row `i` becomes `%z`.
    static String masked(String form) {
        return "%lowest = arith.const <value = 0xfff0000000000000> : f32\n"
                + switch (form) {
                    case "causal" ->
                        """
                        %row = nest.index <value = i + 3> : index
                        %key = nest.index <value = j> : index
                        %hidden = arith.compare %row, %key <relation = less> : bool
                        %z = arith.select %hidden, %lowest, %u : f32
                        """;
                    case "added" ->
                        """
                        %row = nest.index <value = i> : index
                        %key = nest.index <value = j> : index
                        %open = arith.compare %row, %key <relation = greater_or_equal> : bool
                        %nothing = arith.const <value = 0.0> : f32
                        %bias = arith.select %open, %nothing, %lowest : f32
                        %z = arith.add %u, %bias : f32
                        """;
                    case "window" ->
                        """
                        %row = nest.index <value = i - 40> : index
                        %key = nest.index <value = j> : index
                        %after = nest.index <value = i + 2> : index
                        %late = arith.compare %key, %after <relation = greater_or_equal> : bool
                        %early = arith.compare %key, %row <relation = less> : bool
                        %hidden = arith.or %late, %early : bool
                        %z = arith.select %hidden, %lowest, %u : f32
                        """;
                    case "backwards" ->
                        """
                        %row = nest.index <value = 60 - i> : index
                        %key = nest.index <value = j> : index
                        %hidden = arith.compare %key, %row <relation = greater> : bool
                        %z = arith.select %hidden, %lowest, %u : f32
                        """;
                    case "length" ->
                        LENGTH
                                + """
                                %hidden = arith.compare %key, %length <relation = greater_or_equal> : bool
                                %z = arith.select %hidden, %lowest, %u : f32
                                """;
                    case "between" ->
                        """
                        %first = nest.read %mask <at = [0, h]> : f32
                        %wide = arith.cast %first : f64
                        %far = arith.const <value = 4398046511104.0> : f64
                        %away = arith.mul %wide, %far : f64
                        %base = arith.cast %away : i64
                        %whole = arith.cast %base : f64
                        %scale = arith.const <value = 40.0> : f64
                        %long = arith.mul %wide, %scale : f64
                        %ending = arith.add %whole, %long : f64
                        %end = arith.cast %ending : i64
                        %index = nest.index <value = j> : index
                        %key = arith.cast %index : i64
                        %length = arith.sub %end, %base : i64
                        %hidden = arith.compare %key, %length <relation = greater_or_equal> : bool
                        %z = arith.select %hidden, %lowest, %u : f32
                        """;
                    case "all" ->
                        LENGTH
                                + """
                                %row = nest.index <value = i> : index
                                %r = arith.cast %row : i64
                                %last = arith.add %r, %length : i64
                                %late = arith.compare %key, %last <relation = greater> : bool
                                %w = nest.read %mask <at = [i, j]> : f32
                                %limit = arith.const <value = -0.5> : f32
                                %odd = arith.compare %w, %limit <relation = less> : bool
                                %hidden = arith.or %late, %odd : bool
                                %z = arith.select %hidden, %lowest, %u : f32
                                """;
                    default -> throw new IllegalArgumentException(form);
                };
    }

    static String attention(String element, String form, long heads, long m, long n, long d, long e, boolean dynamic) {
        var text = OnlineKernelTest.attention(element, false, heads, m, n, d, e, dynamic);
        int from = text.indexOf("%w = nest.read %mask");
        int to = text.indexOf("nest.yield [%z]");
        return text.substring(0, from) + masked(form) + text.substring(to);
    }

    private static List<TileOp.Kernel> check(
            MachineOp.Chip chip, String element, String form, long heads, long m, long n, long d, boolean dynamic) {
        var text = attention(element, form, heads, m, n, d, 8, dynamic);
        var function = (GraphOp.Function) IrParser.parse(text, "attention").getFirst();
        var joined = RowChains.apply(function, nest -> NestToTile.isOnline(nest, chip));
        assertEquals(1, joined.body().ops().stream().filter(NestOp.Compute.class::isInstance).count());
        var shapes = Map.of(
                "q", List.of(heads, m, d), "k", List.of(heads, n, d), "v", List.of(heads, n, 8L), "mask", List.of(m, n));
        var check = new KernelCheck(chip);
        check.check(
                IrPrinter.print(joined),
                shapes,
                dynamic ? Map.of("m", m, "n", n) : Map.of(),
                m + n,
                element.equals("f32") ? OnlineKernelTest.FLOAT : OnlineKernelTest.HALF);
        return check.kernels();
    }

    @ParameterizedTest
    @CsvSource({
        "causal, 1, 70, 100, false", "causal, 1, 100, 33, true", "added, 1, 70, 70, true", "window, 1, 130, 140, false",
        "window, 1, 40, 64, true", "backwards, 1, 70, 70, false", "length, 4, 10, 90, true", "length, 4, 17, 64, false", "between, 4, 10, 90, false",
        "all, 3, 40, 90, false", "all, 4, 17, 70, true"
    })
    void whatIsHiddenIsLeftOut(String form, long heads, long m, long n, boolean dynamic) {
        var kernels = check(ThreadMachine.large(), "f32", form, heads, m, n, 8, dynamic);
        assertTrue(keyLoops(kernels.getFirst()).size() > 1, "loops over keys with and without the mask");
        check(ThreadMachine.apart(), "f32", form, heads, m, n, 8, dynamic);
        check(ThreadMachine.fragments(), "f16", form, heads, m, n, 16, dynamic);
    }

    /// Only where the diagonal passes is it asked which keys are hidden.
    @Test
    void whatEveryRowSeesIsNotAsked() {
        var kernel = check(ThreadMachine.large(), "f32", "causal", 1, 130, 256, 8, false).getFirst();
        var loops = keyLoops(kernel);
        assertEquals(2, loops.size());
        assertFalse(ThreadKernelTest.has(loops.getFirst().body().ops(), HiddenKeysTest::comparesIndices));
        assertTrue(ThreadKernelTest.has(loops.getLast().body().ops(), HiddenKeysTest::comparesIndices));
    }

    private static boolean comparesIndices(Op op) {
        return op instanceof ArithOp.Compare compare && compare.left().type().equals(Type.INDEX);
    }

    /// The serial loops that carry sums and have barriers in them: those over blocks of keys.
    private static List<TileOp.For> keyLoops(TileOp.Kernel kernel) {
        var loops = new ArrayList<TileOp.For>();
        collect(kernel.body().ops(), loops);
        return loops;
    }

    private static void collect(List<Op> ops, List<TileOp.For> loops) {
        for (var op : ops) {
            boolean overKeys = op instanceof TileOp.For loop
                    && loop.bind() == TileOp.Bind.SERIAL
                    && loop.body().ops().stream().anyMatch(TileOp.Barrier.class::isInstance);
            if (overKeys) {
                loops.add((TileOp.For) op);
            } else {
                OpSchema.bodies(op).forEach(body -> collect(body.ops(), loops));
            }
        }
    }
}
