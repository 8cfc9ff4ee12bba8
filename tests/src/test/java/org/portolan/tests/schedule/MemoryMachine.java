package org.portolan.tests.schedule;

import org.portolan.ir.MachineOp;
import org.portolan.ir.text.IrParser;

/// Machines whose vectors live in memory, of no vendor.
final class MemoryMachine {
    private static final String TEXT =
            """
            machine.chip <name = memory, codegen = none, triple = "", processor = "", vectors = memory, vector_bytes = 256, vector_registers = 0, fma_per_cycle = 0, level1_bytes = 0, level2_bytes = 0, shared_bytes = %d, block_limit = 8, warp = 1, alignment = 32, types = [f32, i32, i64, bool]> {
              %s
            }
            """;
    private static final String OPERATIONS =
            """
            machine.vector <operation = add, types = [f32, i32]>
            machine.vector <operation = sub, types = [f32, i32]>
            machine.vector <operation = mul, types = [f32, i32]>
            machine.vector <operation = max, types = [f32, i32]>
            machine.vector <operation = min, types = [f32, i32]>
            machine.vector <operation = div, types = [f32]>
            machine.vector <operation = abs, types = [f32]>
            machine.vector <operation = neg, types = [f32]>
            machine.vector <operation = and, types = [i32, bool]>
            machine.vector <operation = or, types = [i32, bool]>
            machine.vector <operation = not, types = [i32, bool]>
            machine.vector <operation = take, types = [f32, i32]>
            machine.vector <operation = select, types = [f32, i32]>
            machine.vector <operation = bitcast, types = [f32, i32]>
            machine.vector <operation = "compare.equal", types = [f32, i32]>
            machine.vector <operation = "compare.less", types = [f32]>
            machine.vector <operation = "compare.greater", types = [f32]>
            machine.vector <operation = "compare.scalar", types = [f32]>
            """;

    private MemoryMachine() {}

    /// Much near memory and many operations.
    static MachineOp.Chip large() {
        return chip(180000, OPERATIONS);
    }

    /// Little near memory: vectors are short.
    static MachineOp.Chip small() {
        return chip(24000, OPERATIONS);
    }

    /// Sums, products and differences of f32 and nothing else: all the rest is done element by element.
    static MachineOp.Chip bare() {
        return chip(
                64000,
                """
                machine.vector <operation = add, types = [f32]>
                machine.vector <operation = sub, types = [f32]>
                machine.vector <operation = mul, types = [f32]>
                """);
    }

    private static MachineOp.Chip chip(int near, String operations) {
        return (MachineOp.Chip) IrParser.parse(TEXT.formatted(near, operations), "memory").getFirst();
    }
}
