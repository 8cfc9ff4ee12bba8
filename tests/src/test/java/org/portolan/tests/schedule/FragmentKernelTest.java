package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;

/// Contractions for a machine that multiplies fragments: the instruction is found by what it does, and the kernels compute
/// what their nests say.
class FragmentKernelTest {
    /// A product of narrow elements, batched or not, with a bias and a bound behind it.
    static String product(String element, String sum, boolean transposed, String left) {
        return """
                graph.function <name = product, symbols = [m:0..4096, n:0..4096, k:0..4096]> { (%x: ELEMENT[M,K], %y: ELEMENT[RIGHT], %bias: SUM[N]) ->
                  %c = nest.compute [%x, %y, %bias] <axes = [i:M, j:N, l:K]> {
                    %p = nest.read %x <at = [i, l]> : ELEMENT
                    %q = nest.read %y <at = [ORDER]> : ELEMENT
                    LEFT
                    %pw = arith.cast %pl : SUM
                    %qw = arith.cast %q : SUM
                    %r = arith.mul %pw, %qw : SUM
                    %s = nest.sum %r <over = [l]> : SUM
                    %d = nest.read %bias <at = [j]> : SUM
                    %e = arith.add %s, %d : SUM
                    nest.yield [%e] <to = [[i, j]]>
                  } : SUM[M,N]
                  graph.return [%c]
                }
                """
                .replace("LEFT", left)
                .replace("RIGHT", transposed ? "N,K" : "K,N")
                .replace("ORDER", transposed ? "j, l" : "l, j")
                .replace("ELEMENT", element)
                .replace("SUM", sum);
    }

    /// What makes the left operand one that can be copied as it lies.
    static final String PLAIN = "%pl = nest.read %x <at = [i, l]> : ELEMENT";

    private static KernelCheck check(String text, long m, long n, long k, boolean dynamic, boolean transposed) {
        return check(ThreadMachine.fragments(), text, m, n, k, dynamic, transposed);
    }

    private static KernelCheck check(
            MachineOp.Chip chip, String text, long m, long n, long k, boolean dynamic, boolean transposed) {
        var check = new KernelCheck(chip);
        var sized = sized(text, m, n, k, dynamic);
        var shapes = Map.of(
                "x", List.of(m, k), "y", transposed ? List.of(n, k) : List.of(k, n), "bias", List.of(n));
        var symbols = dynamic ? Map.of("m", m, "n", n, "k", k) : Map.<String, Long>of();
        check.check(sized, shapes, symbols, m + n + k, 0);
        return check;
    }

    static String sized(String text, long m, long n, long k, boolean dynamic) {
        return text.replace("M,", (dynamic ? "m" : m) + ",")
                .replace(":M,", ":" + (dynamic ? "m" : m) + ",")
                .replace("N]", (dynamic ? "n" : n) + "]")
                .replace("N,", (dynamic ? "n" : n) + ",")
                .replace("K]", (dynamic ? "k" : k) + "]")
                .replace("K,", (dynamic ? "k" : k) + ",");
    }

    private static boolean multipliesFragments(KernelCheck check) {
        return ThreadKernelTest.has(
                check.kernels().getFirst().body().ops(),
                op -> op instanceof TileOp.Call call && call.intrinsic().startsWith("multiply"));
    }

    @ParameterizedTest
    @CsvSource({
        "f16,32,32,32,false", "bf16,64,64,48,false", "bf16,40,24,17,true", "f16,17,33,64,false", "i8,32,40,96,true",
        "i8,16,64,20,false", "bf16,16,16,16,false"
    })
    void products(String element, long m, long n, long k, boolean transposed) {
        var text = product(element, element.equals("i8") ? "i32" : "f32", transposed, "%pl = arith.abs %p : ELEMENT");
        assertTrue(multipliesFragments(check(text, m, n, k, false, transposed)));
        assertTrue(multipliesFragments(check(text, m, n, k, true, transposed)));
    }

    /// Where the machine copies by itself, tiles come through rings: whole ones, ragged ones, and such of unknown extents.
    @ParameterizedTest
    @CsvSource({
        "f16,64,64,128,false", "bf16,33,40,100,true", "f16,64,32,96,true", "i8,40,48,160,true", "i8,64,64,128,false",
        "bf16,20,70,40,false"
    })
    void rings(String element, long m, long n, long k, boolean transposed) {
        var text = product(element, element.equals("i8") ? "i32" : "f32", transposed, PLAIN);
        assertTrue(copies(check(ThreadMachine.copying(), text, m, n, k, false, transposed)));
        assertTrue(copies(check(ThreadMachine.copying(), text, m, n, k, true, transposed)));
    }

    private static boolean copies(KernelCheck check) {
        return ThreadKernelTest.has(
                check.kernels().getFirst().body().ops(), op -> op instanceof TileOp.Copy copy && copy.async());
    }

    /// Four warps multiply what lies in shared memory, and hold the sums together.
    @ParameterizedTest
    @CsvSource({"64,64,96,false", "100,40,70,true"})
    void groups(long m, long n, long k, boolean transposed) {
        var text = product("f16", "f32", transposed, PLAIN);
        var check = check(ThreadMachine.groups(), text, m, n, k, false, transposed);
        assertTrue(ThreadKernelTest.has(
                check.kernels().getFirst().body().ops(),
                op -> op instanceof TileOp.Call call && call.intrinsic().startsWith("group")));
    }

    /// The copy engine brings what they multiply, and a product is under way while the next begins. The interpreter checks that no
    /// slot is handed back while it is read, and no sum is stored before it is there.
    @ParameterizedTest
    @CsvSource({"64,64,96,false", "100,40,72,true"})
    void boxes(long m, long n, long k, boolean transposed) {
        var text = product("f16", "f32", transposed, PLAIN);
        var check = check(ThreadMachine.boxes(), text, m, n, k, false, transposed);
        assertTrue(ThreadKernelTest.has(
                check.kernels().getFirst().body().ops(), op -> op instanceof TileOp.Ring ring && ring.signals()));
    }

    /// What is computed before the product cannot be copied.
    @Test
    void whatIsComputedIsNotCopied() {
        var text = product("f16", "f32", false, "%pl = arith.abs %p : f16");
        assertFalse(copies(check(ThreadMachine.copying(), text, 64, 64, 64, false, false)));
    }

    /// What is added before the product is computed when a tile is filled; beyond the end it must be 0 all the same.
    @Test
    void somethingBeforeTheProduct() {
        var text = product(
                "f16", "f32", false, "%one = arith.const <value = 1.0> : f16\n%pl = arith.add %p, %one : f16");
        assertTrue(multipliesFragments(check(text, 24, 24, 19, false, false)));
    }

    /// No instruction multiplies numbers of single precision.
    @Test
    void otherProductsStayAsTheyAre() {
        var text = product("f32", "f32", false, "%pl = arith.abs %p : f32");
        assertFalse(multipliesFragments(check(text, 32, 32, 32, false, false)));
    }
}
