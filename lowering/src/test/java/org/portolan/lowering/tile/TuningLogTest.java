package org.portolan.lowering.tile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.CompileException;

class TuningLogTest {
    private static final MachineOp.Chip MACHINE = (MachineOp.Chip) IrParser.parse(
                    """
                    machine.chip <name = bench, codegen = "cpu", triple = "", processor = "", features = [], vectors = register, vector_bytes = 32, vector_registers = 16, fma_per_cycle = 2, level1_bytes = 32768, level2_bytes = 524288, shared_bytes = 0, block_limit = 0, warp = 1, alignment = 64, types = ["f32"]> { }
                    """,
                    "machine")
            .getFirst();

    private static NestOp.Compute product(String x, String w, String y, long columns) {
        var text =
                """
                graph.function <name = main, symbols = [m: 1..512]> { (%X: f32[m,64], %W: f32[64,N]) ->
                  %Y = nest.compute [%X, %W] <axes = [m_1:m, n:N, k:64]> {
                    %a = nest.read %X <at = [m_1, k]> : f32
                    %b = nest.read %W <at = [k, n]> : f32
                    %p = arith.mul %a, %b : f32
                    %s = nest.sum %p <over = [k]> : f32
                    nest.yield [%s] <to = [[m_1, n]]>
                  } : f32[m,N]
                  graph.return [%Y]
                }
                """
                        .replace("N", "" + columns)
                        .replace("%X", "%" + x)
                        .replace("%W", "%" + w)
                        .replace("%Y", "%" + y);
        var function = (GraphOp.Function) IrParser.parse(text, "product").getFirst();
        return (NestOp.Compute) function.body().ops().getFirst();
    }

    private static TuningLog.Entry chosen(NestOp.Compute nest) {
        return new NestToTile(MACHINE).schedule(nest, value -> value == nest.inputs().getLast()).orElseThrow();
    }

    private static String kernel(NestOp.Compute nest, TuningLog log) {
        var lowered = new NestToTile(MACHINE, log).lower(nest, "kernel", value -> value == nest.inputs().getLast());
        return IrPrinter.print(lowered.kernel());
    }

    /// The schedule with other rows in a tile.
    private static TuningLog.Entry withRows(TuningLog.Entry entry, long rows) {
        var schedule = entry.schedule();
        var common = new ArrayList<>(schedule.common());
        var last = common.removeLast();
        common.add(new Schedule.Split(last.axis(), 8 * rows, rows, last.lanes(), last.threads()));
        return new TuningLog.Entry(
                entry.nest(),
                entry.machine(),
                new Schedule(
                        common,
                        schedule.stages(),
                        schedule.reductions(),
                        schedule.packed(),
                        schedule.staged(),
                        schedule.block()));
    }

    @Test
    void aScheduleIsAText() {
        var entry = chosen(product("x", "w", "y", 96));
        var text = TuningLog.print(List.of(entry));
        var log = TuningLog.parse("// a comment\n\n" + text, "log");
        assertEquals(entry.schedule(), log.find(entry.nest(), "bench").orElseThrow());
        assertTrue(log.find(entry.nest(), "another").isEmpty());
    }

    @Test
    void namesTakeNoPartInTheSignature() {
        var entry = chosen(product("x", "w", "y", 96));
        assertEquals(entry, chosen(product("hidden", "weights", "result", 96)));
        assertNotEquals(entry.nest(), chosen(product("x", "w", "y", 80)).nest());
    }

    @Test
    void aLoggedScheduleIsTaken() {
        var nest = product("x", "w", "y", 96);
        var entry = withRows(chosen(nest), 3);
        var tuned = kernel(nest, TuningLog.parse(TuningLog.print(List.of(entry)), "log"));
        assertNotEquals(kernel(nest, TuningLog.EMPTY), tuned);
        // Three rows of two vectors: six sums are carried.
        assertTrue(tuned.contains("min($0+24, $1)"), tuned);
        assertEquals(
                entry, new NestToTile(MACHINE, new TuningLog(List.of(entry))).schedule(nest, value -> value == nest.inputs().getLast()).orElseThrow());
    }

    @Test
    void aScheduleOfAnotherNestIsRefused() {
        var nest = product("x", "w", "y", 96);
        var entry = chosen(nest);
        var broken = new TuningLog.Entry(
                entry.nest(),
                entry.machine(),
                new Schedule(
                        List.of(Schedule.Split.scalar("z")),
                        entry.schedule().stages(),
                        entry.schedule().reductions(),
                        List.of(),
                        List.of()));
        var error = assertThrows(CompileException.class, () -> kernel(nest, new TuningLog(List.of(broken))));
        assertTrue(error.getMessage().contains("'z'"), error.getMessage());
        var unread = assertThrows(CompileException.class, () -> TuningLog.parse("{nest=a}\n", "my.log"));
        assertTrue(unread.getMessage().contains("my.log, line 1"), unread.getMessage());
    }
}
