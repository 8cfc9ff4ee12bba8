package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.portolan.tests.schedule.ThreadKernelTest.check;
import static org.portolan.tests.schedule.ThreadKernelTest.has;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.lowering.vectors.MemoryKernels;

/// Kernels for machines whose vectors live in memory: no vector is left that would live elsewhere, what is near fits, and
/// they compute what their nests say.
class MemoryKernelTest {
    private static final List<MachineOp.Chip> CHIPS = List.of(MemoryMachine.large(), MemoryMachine.small(), MemoryMachine.bare());

    private static final String TRANSPOSE =
            """
            graph.function <name = "transpose", symbols = [m:0..100000, n:0..100000]> { (%x: f32[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:COLUMNS, j:ROWS]> {
                %a = nest.read %x <at = [j, i]> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[COLUMNS,ROWS]
              graph.return [%y]
            }
            """;
    /// Neighbours beyond the ends are something else.
    private static final String NEIGHBOURS =
            """
            graph.function <name = "neighbours", symbols = [m:0..100000, n:0..100000]> { (%x: f32[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:ROWS, j:COLUMNS]> {
                %k = arith.const <value = 0.5> : f32
                %a = nest.read %x, [], %k <at = [i, j-1], otherwise = other> : f32
                %b = nest.read %x <at = [i, j+1], otherwise = zero> : f32
                %c = nest.read %x <at = [i, j+2], otherwise = clamp> : f32
                %d = arith.add %a, %b : f32
                %e = arith.add %d, %c : f32
                nest.yield [%e] <to = [[i, j]]>
              } : f32[ROWS,COLUMNS]
              graph.return [%y]
            }
            """;
    /// Truth values are bytes in memory and something else where they are compared into.
    private static final String TRUTHS =
            """
            graph.function <name = "truths", symbols = [m:0..100000, n:0..100000]> { (%x: bool[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:ROWS, j:COLUMNS]> {
                %a = nest.read %x <at = [i, j]> : bool
                %b = nest.read %x <at = [0, j]> : bool
                %c = arith.xor %a, %b : bool
                %d = arith.not %c : bool
                nest.yield [%d] <to = [[i, j]]>
              } : bool[ROWS,COLUMNS]
              graph.return [%y]
            }
            """;

    /// Every third element, and zeros beyond both ends.
    private static final String STRIDED =
            """
            graph.function <name = "strided", symbols = [m:0..100000, n:0..100000]> { (%x: f32[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:ROWS, j:COLUMNS]> {
                %k = arith.const <value = 0.5> : f32
                %a = nest.read %x, [], %k <at = [i, 3*j-4], otherwise = other> : f32
                nest.yield [%a] <to = [[i, j]]>
              } : f32[ROWS,COLUMNS]
              graph.return [%y]
            }
            """;

    private static void holds(KernelCheck check, MachineOp.Chip chip) {
        for (var kernel : check.kernels()) {
            assertFalse(has(kernel.body().ops(), op -> OpSchema.results(op).stream()
                    .anyMatch(result -> result.type() instanceof Type.Vector || result.type() instanceof Type.Mask)));
            assertTrue(MemoryKernels.fits(kernel, chip), kernel.name() + " does not fit " + chip.name());
        }
    }

    /// Extents that are known when it is compiled, and ones that are not.
    @ParameterizedTest
    @CsvSource({"1,1,false", "3,17,false", "0,5,false", "3,17,true", "2,130,true", "0,5,true"})
    void rows(long rows, long columns, boolean dynamic) {
        for (var chip : CHIPS) {
            holds(check(chip, ThreadKernelTest.SOFTMAX, rows, columns, dynamic, 1e-5), chip);
            holds(check(chip, ThreadKernelTest.PLACE_OF_MOST, rows, columns, dynamic, 0), chip);
            holds(check(chip, ThreadKernelTest.COLUMN_SUM, rows, columns, dynamic, 1e-5), chip);
            holds(check(chip, ThreadKernelTest.WHOLE_SUM, rows, columns, dynamic, 1e-5), chip);
            holds(check(chip, TRANSPOSE, rows, columns, dynamic, 0), chip);
            if (rows > 0) {
                holds(check(chip, NEIGHBOURS, rows, columns, dynamic, 0), chip);
                holds(check(chip, TRUTHS, rows, columns, dynamic, 0), chip);
            }
        }
    }

    /// A row longer than near memory.
    @Test
    void rowsThatDoNotFit() {
        var chip = MemoryMachine.small();
        holds(check(chip, ThreadKernelTest.SOFTMAX, 2, 9001, true, 1e-5), chip);
        holds(check(chip, NEIGHBOURS, 2, 9001, true, 0), chip);
    }

    /// The exponentials of a softmax are maps, each after what it needs.
    @Test
    void arithmeticIsMapped() {
        var kernel = check(MemoryMachine.large(), ThreadKernelTest.SOFTMAX, 2, 140, false, 1e-5).kernels().getFirst();
        assertTrue(has(kernel.body().ops(), TileOp.Map.class::isInstance));
        assertTrue(has(kernel.body().ops(), TileOp.Order.class::isInstance));
        assertTrue(has(kernel.body().ops(), TileOp.Fetch.class::isInstance));
        assertTrue(has(kernel.body().ops(), TileOp.Put.class::isInstance));
    }
}
