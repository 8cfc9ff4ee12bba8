package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.lowering.Machines;

/// Sums of integer products on processors that have instructions for a few of them at once: the instruction is found by
/// what its body says, and the kernels compute what their nests say, to the last bit.
class VectorInstructionTest {
    /// A product with a matrix that is known, a bias and a bound behind it.
    static String product(String left, String right, boolean transposed, String m, long n, long k) {
        return """
                graph.function <name = product, symbols = [m:0..4096]> { (%x: LEFT[M,K], %bias: i32[N]) ->
                  %y = graph.constant <data = random(5)> : RIGHT[SHAPE]
                  %c = nest.compute [%x, %y, %bias] <axes = [i:M, j:N, l:K]> {
                    %p = nest.read %x <at = [i, l]> : LEFT
                    %q = nest.read %y <at = [ORDER]> : RIGHT
                    %pw = arith.cast %p : i32
                    %qw = arith.cast %q : i32
                    %r = arith.mul %pw, %qw : i32
                    %s = nest.sum %r <over = [l]> : i32
                    %d = nest.read %bias <at = [j]> : i32
                    %e = arith.add %s, %d : i32
                    nest.yield [%e] <to = [[i, j]]>
                  } : i32[M,N]
                  graph.return [%c]
                }
                """
                .replace("SHAPE", transposed ? "N,K" : "K,N")
                .replace("ORDER", transposed ? "j, l" : "l, j")
                .replace("LEFT", left)
                .replace("RIGHT", right)
                .replace("M,", m + ",")
                .replace(":M", ":" + m)
                .replace("N]", n + "]")
                .replace(":N", ":" + n)
                .replace("N,", n + ",")
                .replace("K", "" + k);
    }

    private static final String CONVOLUTION =
            """
            graph.function <name = convolution> { (%x: u8[2,6,7,C], %bias: i32[24]) ->
              %w = graph.constant <data = random(6)> : i8[24,C,3,3]
              %y = nest.compute [%x, %w, %bias] <axes = [b:2, h:6, v:7, o:24, c:C, p:3, q:3]> {
                %a = nest.read %x <at = [b, h+p-1, v+q-1, c], otherwise = zero> : u8
                %e = nest.read %w <at = [o, c, p, q]> : i8
                %aw = arith.cast %a : i32
                %ew = arith.cast %e : i32
                %r = arith.mul %aw, %ew : i32
                %s = nest.sum %r <over = [c, p, q]> : i32
                %d = nest.read %bias <at = [o]> : i32
                %t = arith.add %s, %d : i32
                nest.yield [%t] <to = [[b, h, v, o]]>
              } : i32[2,6,7,24]
              graph.return [%y]
            }
            """;

    /// The chips that have an instruction for a pair of element types.
    static List<MachineOp.Chip> chips(String left, String right) {
        var operands = List.of("%a: " + left + "[", "%b: " + right + "[");
        var chips = new ArrayList<MachineOp.Chip>();
        for (var chip : Machines.of("cpu")) {
            boolean has = intrinsics(chip)
                    .filter(intrinsic -> intrinsic.features().isEmpty())
                    .map(intrinsic -> intrinsic.body().params().toString())
                    .anyMatch(params -> operands.stream().allMatch(params::contains));
            if (has) chips.add(chip);
        }
        return chips;
    }

    private static Stream<MachineOp.Intrinsic> intrinsics(MachineOp.Chip chip) {
        return chip.intrinsics().ops().stream()
                .filter(MachineOp.Intrinsic.class::isInstance)
                .map(MachineOp.Intrinsic.class::cast);
    }

    private static boolean callsInstructions(KernelCheck check) {
        return check.kernels().stream()
                .allMatch(kernel -> ThreadKernelTest.has(kernel.body().ops(), op -> op instanceof TileOp.Call));
    }

    @ParameterizedTest
    @CsvSource({
        "u8,i8,5,24,16,false", "u8,i8,17,40,30,true", "u8,i8,1,64,7,false", "i8,i8,6,33,12,false", "u8,u8,9,16,5,true",
        "i16,i16,13,48,9,false", "i16,i16,1,7,31,true", "i8,i8,4,8,3,false", "u8,i8,3,100,64,true"
    })
    void products(String left, String right, long m, long n, long k, boolean transposed) {
        var chips = chips(left, right);
        assertFalse(chips.isEmpty());
        for (var chip : chips) {
            for (boolean dynamic : new boolean[] {false, true}) {
                var check = new KernelCheck(chip);
                var text = product(left, right, transposed, dynamic ? "m" : "" + m, n, k);
                var shapes = Map.of("x", List.of(m, k), "bias", List.of(n));
                check.check(text, shapes, dynamic ? Map.of("m", m) : Map.of(), m + n + k, 0);
                assertTrue(callsInstructions(check), chip.name());
            }
        }
    }

    /// The channels of an image with its channels last are what a lane sums; the window is guarded.
    @ParameterizedTest
    @CsvSource({"4", "16", "10"})
    void convolutions(long channels) {
        for (var chip : chips("u8", "i8")) {
            var check = new KernelCheck(chip);
            var shapes = Map.of("x", List.of(2L, 6L, 7L, channels), "bias", List.of(24L));
            check.check(CONVOLUTION.replace("C", "" + channels), shapes, Map.of(), channels, 0);
            assertTrue(callsInstructions(check), chip.name());
        }
    }

    /// No processor multiplies these by an instruction, and a matrix that comes with the run does not lie as one wants it.
    @Test
    void otherProductsStayAsTheyAre() {
        var known = product("i8", "i16", false, "9", 16, 8);
        var given = product("u8", "i8", false, "9", 16, 8)
                .replace("(%x", "(%y: i8[8,16], %x")
                .replaceAll("%y = graph.constant.*\n", "");
        for (var chip : Machines.of("cpu")) {
            var check = new KernelCheck(chip);
            check.check(known, Map.of("x", List.of(9L, 8L), "bias", List.of(16L)), Map.of(), 1, 0);
            check.check(
                    given,
                    Map.of("y", List.of(8L, 16L), "x", List.of(9L, 8L), "bias", List.of(16L)),
                    Map.of(),
                    1,
                    0);
            assertTrue(check.kernels().stream()
                    .noneMatch(kernel -> ThreadKernelTest.has(kernel.body().ops(), op -> op instanceof TileOp.Call)));
        }
    }

    /// An instruction that only some chips of a family have is used for those that say so.
    @Test
    void featuresAreAskedFor() {
        var level = Machines.find("cpu", "x86-64-v4").orElseThrow();
        var text = product("u8", "i8", false, "4", 32, 16);
        var shapes = Map.of("x", List.of(4L, 16L), "bias", List.of(32L));
        var without = new KernelCheck(level);
        without.check(text, shapes, Map.of(), 1, 0);
        assertFalse(callsInstructions(without));
        var with = new KernelCheck(withFeatures(level, List.of("+avx512vnni")));
        with.check(text, shapes, Map.of(), 1, 0);
        assertTrue(callsInstructions(with));
        assertEquals(1, with.kernels().size());
    }

    private static MachineOp.Chip withFeatures(MachineOp.Chip chip, List<String> features) {
        return new MachineOp.Chip(
                chip.name(), chip.codegen(), chip.triple(), chip.processor(), features, chip.vectors(), chip.vectorBytes(),
                chip.vectorRegisters(), chip.fmaPerCycle(), chip.level1Bytes(), chip.level2Bytes(), chip.sharedBytes(),
                chip.blockLimit(), chip.warp(), chip.alignment(), chip.types(), chip.narrowProducts(), chip.sourceLines(),
                chip.intrinsics());
    }
}
