package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;

/// Kernels for machines whose lanes are threads: what the scheduler chose is in them, and they compute what their nests
/// say, without a race.
class ThreadKernelTest {
    static final String SOFTMAX =
            """
            graph.function <name = "softmax", symbols = [m:0..100000, n:0..100000]> { (%x: f32[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:ROWS, j:COLUMNS, k:COLUMNS, l:COLUMNS]> {
                %a = nest.read %x <at = [i, k]> : f32
                %low = arith.const <value = -1.0e30> : f32
                %m = nest.reduce [%a], [%low] <over = [k]> { (%most: f32, %next: f32) ->
                  %more = arith.max %most, %next : f32
                  nest.yield [%more]
                } : f32
                %b = nest.read %x <at = [i, l]> : f32
                %c = arith.sub %b, %m : f32
                %e = arith.exp %c : f32
                %s = nest.sum %e <over = [l]> : f32
                %d = nest.read %x <at = [i, j]> : f32
                %f = arith.sub %d, %m : f32
                %g = arith.exp %f : f32
                %r = arith.div %g, %s : f32
                nest.yield [%r] <to = [[i, j]]>
              } : f32[ROWS,COLUMNS]
              graph.return [%y]
            }
            """;
    static final String PLACE_OF_MOST =
            """
            graph.function <name = "place", symbols = [m:0..100000, n:0..100000]> { (%x: f32[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:ROWS, k:COLUMNS]> {
                %a = nest.read %x <at = [i, k]> : f32
                %at = nest.index <value = k> : i64
                %low = arith.const <value = -1.0e30> : f32
                %nowhere = arith.integer <value = 1000000> : i64
                %m, %p = nest.reduce [%a, %at], [%low, %nowhere] <over = [k]> { (%most: f32, %where: i64, %next: f32, %here: i64) ->
                  %more = arith.compare %next, %most <relation = greater> : bool
                  %same = arith.compare %next, %most <relation = equal> : bool
                  %before = arith.compare %here, %where <relation = less> : bool
                  %first = arith.and %same, %before : bool
                  %wins = arith.or %more, %first : bool
                  %best = arith.select %wins, %next, %most : f32
                  %place = arith.select %wins, %here, %where : i64
                  nest.yield [%best, %place]
                } : f32, i64
                nest.yield [%p] <to = [[i]]>
              } : i64[ROWS]
              graph.return [%y]
            }
            """;
    static final String COLUMN_SUM =
            """
            graph.function <name = "columns", symbols = [m:0..100000, n:0..100000]> { (%x: f32[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:ROWS, j:COLUMNS]> {
                %a = nest.read %x <at = [i, j]> : f32
                %s = nest.sum %a <over = [i]> : f32
                nest.yield [%s] <to = [[j]]>
              } : f32[COLUMNS]
              graph.return [%y]
            }
            """;
    static final String WHOLE_SUM =
            """
            graph.function <name = "whole", symbols = [m:0..100000, n:0..100000]> { (%x: f32[ROWS,COLUMNS]) ->
              %y = nest.compute [%x] <axes = [i:ROWS, j:COLUMNS]> {
                %a = nest.read %x <at = [i, j]> : f32
                %s = nest.sum %a <over = [i, j]> : f32
                nest.yield [%s] <to = [[]]>
              } : f32[]
              graph.return [%y]
            }
            """;

    private static final String LOOKED_UP =
            """
            graph.function <name = "lookup"> { (%x: f32[ROWS,COLUMNS], %n: i64[700]) ->
              %y = nest.compute [%x, %n] <axes = [i:700, j:COLUMNS]> {
                %k = nest.read %n <at = [i]> : i64
                %a = nest.read %x, [%k] <at = [$0, j], otherwise = zero> : f32
                %b = arith.add %a, %a : f32
                nest.yield [%b] <to = [[i, j]]>
              } : f32[700,COLUMNS]
              graph.return [%y]
            }
            """;

    static KernelCheck check(
            MachineOp.Chip chip, String text, long rows, long columns, boolean dynamic, double tolerance) {
        var check = new KernelCheck(chip);
        check.check(
                text.replace("ROWS", dynamic ? "m" : "" + rows).replace("COLUMNS", dynamic ? "n" : "" + columns),
                Map.of("x", List.of(rows, columns), "n", List.of(700L)),
                dynamic ? Map.of("m", rows, "n", columns) : Map.of(),
                rows * 1000 + columns,
                tolerance);
        return check;
    }

    static boolean has(List<Op> ops, Predicate<Op> wanted) {
        return ops.stream()
                .anyMatch(op -> wanted.test(op)
                        || OpSchema.bodies(op).stream().anyMatch(body -> has(body.ops(), wanted)));
    }

    private static long count(List<Op> ops, Predicate<Op> wanted) {
        return ops.stream()
                .mapToLong(op -> (wanted.test(op) ? 1 : 0)
                        + OpSchema.bodies(op).stream()
                                .mapToLong(body -> count(body.ops(), wanted))
                                .sum())
                .sum();
    }

    @ParameterizedTest
    @CsvSource({"1,1", "3,17", "5,64", "2,100", "1,1000", "7,31", "0,5", "2,300", "37,96"})
    void rows(long rows, long columns) {
        for (var chip : ThreadMachine.all()) {
            for (boolean dynamic : new boolean[] {false, true}) {
                check(chip, SOFTMAX, rows, columns, dynamic, 1e-5);
                check(chip, PLACE_OF_MOST, rows, columns, dynamic, 0);
                check(chip, COLUMN_SUM, rows, columns, dynamic, 1e-5);
                check(chip, WHOLE_SUM, rows, columns, dynamic, 1e-5);
            }
        }
    }

    /// A row that fits is read once, and its exponentials are computed once.
    @Test
    void aRowStaysInRegisters() {
        var kernel = check(ThreadMachine.large(), SOFTMAX, 6, 64, false, 1e-5).kernels().getFirst();
        var ops = kernel.body().ops();
        assertTrue(has(ops, op -> op instanceof TileOp.For loop && loop.bind() == TileOp.Bind.LANE));
        assertTrue(has(ops, TileOp.Exchange.class::isInstance));
        long loads = count(ops, op -> op instanceof TileOp.Load load && load.buffer().buffer().space() == Type.Space.GLOBAL);
        assertTrue(loads <= 2, "two elements of each row in each of 32 threads, found " + loads + " loads");
    }

    /// Four neighbours are one load and one store where rows are a multiple of four.
    @Test
    void aThreadTakesVectors() {
        var kernel = check(ThreadMachine.large(), LOOKED_UP, 5, 24, false, 1e-6).kernels().getFirst();
        var ops = kernel.body().ops();
        assertTrue(has(ops, op -> op instanceof TileOp.Load load && load.result().type().laneCount() == 4));
        assertTrue(has(ops, op -> op instanceof TileOp.Store store && store.value().type().laneCount() == 4));
        var odd = check(ThreadMachine.large(), LOOKED_UP, 5, 25, false, 1e-6).kernels().getFirst();
        assertTrue(has(odd.body().ops(), TileOp.Load.class::isInstance));
        assertFalse(has(odd.body().ops(), op -> op instanceof TileOp.Load load && load.result().type().laneCount() > 1));
    }

    @ParameterizedTest
    @ValueSource(longs = {2048, 5000})
    void aLongRowIsSharedByABlock(long columns) {
        var kernel = check(ThreadMachine.large(), SOFTMAX, 2, columns, false, 1e-5).kernels().getFirst();
        assertTrue(has(kernel.body().ops(), TileOp.Barrier.class::isInstance));
    }

    @Test
    void randomNests() {
        int count = Integer.getInteger("portolan.nests", 12);
        long first = Long.getLong("portolan.seed", 1000);
        for (long seed = first; seed < first + count; seed++) {
            var nest = new RandomNest(seed);
            var chip = ThreadMachine.all().get((int) (seed % ThreadMachine.all().size()));
            try {
                new KernelCheck(chip).check(nest.text, nest.shapes, nest.symbols, seed, 0);
            } catch (RuntimeException | Error failure) {
                throw new AssertionError("seed " + seed + ": " + failure.getMessage() + "\n" + nest.text, failure);
            }
        }
    }
}
