package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.lowering.Machines;

/// The exponentials of a softmax are computed once, whatever the length of a row and wherever its neighbours lie.
class KeptScalarsTest {
    private static String softmax(String rows, String length, boolean last) {
        return """
                graph.function <name = softmax, symbols = [n:1..4096, k:1..4096]> { (%x: f32[SHAPE], %scale: f32[ROWS]) ->
                  %y = nest.compute [%x, %scale] <axes = [i:ROWS, j:LENGTH, p:LENGTH, q:LENGTH]> {
                    %t = nest.read %scale <at = [i]> : f32
                    %a = nest.read %x <at = [AT(p)]> : f32
                    %u = arith.mul %a, %t : f32
                    %lowest = arith.const <value = 0xfff0000000000000> : f32
                    %m = nest.reduce [%u], [%lowest] <over = [p]> { (%v: f32, %w: f32) ->
                      %r = arith.max %v, %w : f32
                      nest.yield [%r]
                    } : f32
                    %b = nest.read %x <at = [AT(q)]> : f32
                    %bt = arith.mul %b, %t : f32
                    %c = arith.sub %bt, %m : f32
                    %d = arith.exp %c : f32
                    %s = nest.sum %d <over = [q]> : f32
                    %e = nest.read %x <at = [AT(j)]> : f32
                    %et = arith.mul %e, %t : f32
                    %f = arith.sub %et, %m : f32
                    %g = arith.exp %f : f32
                    %h = arith.div %g, %s : f32
                    nest.yield [%h] <to = [[AT(j)]]>
                  } : f32[SHAPE]
                  graph.return [%y]
                }
                """
                .replaceAll("AT\\((.)\\)", last ? "i, $1" : "$1, i")
                .replace("SHAPE", last ? "ROWS,LENGTH" : "LENGTH,ROWS")
                .replace("ROWS", rows)
                .replace("LENGTH", length);
    }

    /// Loops from which elements of the result are loaded.
    private static long readers(List<Op> ops, TileOp.Kernel kernel) {
        var result = kernel.body().params().getLast();
        long readers = ops.stream()
                        .anyMatch(op -> op instanceof TileOp.Load load && load.buffer() == result)
                ? 1
                : 0;
        for (var op : ops) {
            for (var body : OpSchema.bodies(op)) readers += readers(body.ops(), kernel);
        }
        return readers;
    }

    @ParameterizedTest
    @CsvSource({"3,64,true", "5,77,true", "1,7,true", "19,33,false", "4,1,true"})
    void softmax(long rows, long length, boolean last) {
        for (MachineOp.Chip chip : Machines.of("cpu")) {
            for (boolean dynamic : new boolean[] {false, true}) {
                var text = softmax(dynamic ? "n" : "" + rows, dynamic ? "k" : "" + length, last);
                var shape = last ? List.of(rows, length) : List.of(length, rows);
                var check = new KernelCheck(chip);
                var symbols = dynamic ? Map.of("n", rows, "k", length) : Map.<String, Long>of();
                check.check(text, Map.of("x", shape, "scale", List.of(rows)), symbols, rows + length, 1e-5);
                var kernel = check.kernels().getFirst();
                assertEquals(1, check.kernels().size());
                if (length > 1) assertFalse(readers(kernel.body().ops(), kernel) == 0, chip.name() + kernel);
            }
        }
    }
}
