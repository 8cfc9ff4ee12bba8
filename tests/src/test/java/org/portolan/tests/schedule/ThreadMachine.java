package org.portolan.tests.schedule;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.text.IrParser;

/// Machines whose lanes are threads, of no vendor: what they say is all that the lowering knows of such a chip.
final class ThreadMachine {
    private static final String TEXT =
            """
            machine.chip <name = threads, codegen = none, triple = "", processor = "", vectors = thread, vector_bytes = 16, vector_registers = %d, fma_per_cycle = 1, level1_bytes = 65536, level2_bytes = 4194304, shared_bytes = %d, block_limit = %d, warp = %d, alignment = 16, types = [f32]>
            """;

    private ThreadMachine() {}

    /// Wide warps, large blocks, much shared memory.
    static MachineOp.Chip large() {
        return chip(255, 49152, 1024, 32);
    }

    /// So little of everything that the large schedules do not fit.
    static MachineOp.Chip small() {
        return chip(64, 4096, 64, 8);
    }

    /// Threads that cannot exchange but through memory.
    static MachineOp.Chip apart() {
        return chip(64, 16384, 128, 1);
    }

    static List<MachineOp.Chip> all() {
        return List.of(large(), small(), apart());
    }

    /// With instructions on fragments for three types, and one that loads fragments of two of them.
    static MachineOp.Chip fragments() {
        var text = new StringBuilder(TEXT.formatted(255, 49152, 1024, 32).strip());
        text.append(" {\n");
        for (var element : List.of("f16", "bf16")) {
            text.append(LOAD.replace("ELEMENT", element));
            text.append(MULTIPLY.replace("ELEMENT", element)
                    .replace("SUM", "f32")
                    .replace("DEPTH", "16")
                    .replace("LEFT", "(r, c) -> (4*(r%8)+c%8/2, c%2+2*(r/8)+4*(c/8))")
                    .replace("RIGHT", "(r, c) -> (4*c+r%8/2, r%2+2*(r/8))"));
        }
        text.append(MULTIPLY.replace("ELEMENT", "i8")
                .replace("SUM", "i32")
                .replace("DEPTH", "32")
                .replace("LEFT", "(r, c) -> (4*(r%8)+c%16/4, c%4+4*(r/8)+8*(c/16))")
                .replace("RIGHT", "(r, c) -> (4*c+r%16/4, r%4+4*(r/16))"));
        text.append("}\n");
        return (MachineOp.Chip) IrParser.parse(text.toString(), "fragments").getFirst();
    }

    /// The same, and it copies to shared memory by itself.
    static MachineOp.Chip copying() {
        return with(fragments(), COPY);
    }

    /// The same, and four warps multiply matrices in shared memory together.
    static MachineOp.Chip groups() {
        return with(copying(), GROUP);
    }

    /// The same, and an engine copies boxes of what a launch has described.
    static MachineOp.Chip boxes() {
        return with(groups(), BOX);
    }

    private static final String BOX =
            """
            machine.intrinsic <name = "copy.box", spelling = ""> { (%x: u8[256,128]) ->
              machine.yield [%x]
            }
            """;

    private static MachineOp.Chip with(MachineOp.Chip plain, String intrinsic) {
        var ops = new ArrayList<Op>(plain.intrinsics().ops());
        ops.addAll(IrParser.parse(intrinsic, "intrinsic"));
        return (MachineOp.Chip) OpSchema.rebuild(
                plain, value -> value, value -> value, _ -> new Body(List.of(), ops));
    }

    // One processor, so that large tiles are worth while.
    private static final String GROUP =
            """
            machine.processors <count = 1, threads = 1024, registers = 65536, shared_bytes = 65536, fragment_fma = 512, near_bytes = 32, memory_bytes = 64, launch_cycles = 4000>
            machine.intrinsic <name = "group.f16", spelling = "", spreads = [(r, c) -> (32*(r/16)+4*(r%8)+c%8/2, c%2+2*(r/8%2)+4*(c/8))]> { (%a: f16[64,32], %b: f16[32,64], %c: f32[64,64]) ->
              %d = nest.compute [%a, %b, %c] <axes = [i:64, j:64, k:32]> {
                %x = nest.read %a <at = [i, k]> : f16
                %y = nest.read %b <at = [k, j]> : f16
                %p = arith.cast %x : f32
                %q = arith.cast %y : f32
                %m = arith.mul %p, %q : f32
                %s = nest.sum %m <over = [k]> : f32
                %z = nest.read %c <at = [i, j]> : f32
                %t = arith.add %z, %s : f32
                nest.yield [%t] <to = [[i, j]]>
              } : f32[64,64]
              machine.yield [%d]
            }
            """;
    private static final String COPY =
            """
            machine.intrinsic <name = "copy.async", spelling = ""> { (%x: u8[1,16]) ->
              machine.yield [%x]
            }
            """;
    private static final String LOAD =
            """
            machine.intrinsic <name = "load.ELEMENT", spelling = "", spreads = [(r, c) -> (4*(r%8)+c%8/2, c%2+2*(r/8)+4*(c/8))]> { (%x: ELEMENT[16,16]) ->
              machine.yield [%x]
            }
            """;
    private static final String MULTIPLY =
            """
            machine.intrinsic <name = "multiply.ELEMENT", spelling = "", spreads = [LEFT, RIGHT, (r, c) -> (4*(r%8)+c/2, c%2+2*(r/8)), (r, c) -> (4*(r%8)+c/2, c%2+2*(r/8))]> { (%a: ELEMENT[16,DEPTH], %b: ELEMENT[DEPTH,8], %c: SUM[16,8]) ->
              %d = nest.compute [%a, %b, %c] <axes = [i:16, j:8, k:DEPTH]> {
                %x = nest.read %a <at = [i, k]> : ELEMENT
                %y = nest.read %b <at = [k, j]> : ELEMENT
                %p = arith.cast %x : SUM
                %q = arith.cast %y : SUM
                %m = arith.mul %p, %q : SUM
                %s = nest.sum %m <over = [k]> : SUM
                %z = nest.read %c <at = [i, j]> : SUM
                %t = arith.add %z, %s : SUM
                nest.yield [%t] <to = [[i, j]]>
              } : SUM[16,8]
              machine.yield [%d]
            }
            """;

    private static MachineOp.Chip chip(int registers, int shared, int block, int warp) {
        return (MachineOp.Chip)
                IrParser.parse(TEXT.formatted(registers, shared, block, warp), "threads").getFirst();
    }
}
