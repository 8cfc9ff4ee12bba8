package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Machines;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.lowering.tile.Schedule;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.lowering.tile.Schedule.Staged;
import org.portolan.lowering.tile.TuningLog;

/// What a tile copies near itself: where the tile has several rows, and what is copied differs from row to row, each row has a
/// copy of its own. Rows once shared the copy of the first one, which random nests from seed 400 on showed.
class StagedCopyTest {
    private static final String NEST =
            """
            graph.function <name = staged> { (%x: f32[ROWS,COLUMNS,11], %w: f32[ROWS,11]) ->
              %y = nest.compute [%x, %w] <axes = [i:ROWS, j:COLUMNS, k:11]> {
                %a = nest.read %x <at = [i, j, k]> : f32
                %b = nest.read %w <at = [i, k]> : f32
                %c = arith.mul %a, %b : f32
                %s = nest.sum %c <over = [k]> : f32
                nest.yield [%s] <to = [[i, j]]>
              } : f32[ROWS,COLUMNS]
              graph.return [%y]
            }
            """;

    @ParameterizedTest
    @CsvSource({"4,16,2", "7,13,3", "5,40,4", "2,8,2"})
    void everyRowHasItsOwnCopy(long rows, long columns, long together) {
        var text = NEST.replace("ROWS", "" + rows).replace("COLUMNS", "" + columns);
        var chip = Machines.find("cpu", "x86-64-v3").orElseThrow();
        var function = (GraphOp.Function) IrParser.parse(text, "staged").getFirst();
        var nest = (NestOp.Compute) function.body().ops().getFirst();
        var chosen = new NestToTile(chip).schedule(nest, _ -> false).orElseThrow();
        var schedule = new Schedule(
                List.of(new Split("j", 8, 1, 8), new Split("i", 0, together, 1)),
                List.of(List.of()),
                List.of(List.of(new Split("k", 1, 1, 1))),
                List.of(),
                List.of(new Staged(0, "j")),
                Optional.empty());
        var log = new TuningLog(List.of(new TuningLog.Entry(chosen.nest(), chip.name(), schedule)));
        var check = new KernelCheck(chip, log);
        var shapes = Map.of("x", List.of(rows, columns, 11L), "w", List.of(rows, 11L));
        check.check(text, shapes, Map.of(), rows + columns, 0);
        assertEquals(1, check.kernels().size());
        assertTrue(ThreadKernelTest.has(
                check.kernels().getFirst().body().ops(),
                op -> op instanceof TileOp.Alloc alloc && alloc.result().buffer().space() == Type.Space.LOCAL));
    }
}
