package org.portolan.lowering.tile;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Value;

/// Weighs tiles of a contraction: roughly how many cycles a machine takes, from what it says of its processors.
///
/// The processor with the most blocks decides. It runs as many of them at a time as its threads, registers and shared memory
/// suffice for; a step of these takes as long as the unit that has most to do (products, shared memory, memory behind it), and
/// what a single block waits for is hidden behind the others. All processors together are no faster than the main memory.
final class ContractionCost {
    /// What shared memory gives each cycle.
    static final double ROUND_BYTES = 128;
    /// The same, less what it cannot be kept busy with.
    private static final double SHARED_BYTES = ROUND_BYTES * 0.8;
    /// The barrier of a step and its indices.
    private static final double BARRIER_CYCLES = 24;
    /// Until a step's first operands are there, and its last products done: with operands in rings, and by way of registers.
    private static final double STEP_CYCLES = 90;
    private static final double REGISTERS_CYCLES = 220;
    /// From asking memory to the answer.
    static final double MEMORY_CYCLES = 700;
    /// How much of what is computed and what is fetched at the same time is not.
    private static final double APART = 0.2;
    /// What a thread does to copy an element, or a vector of them, by way of registers.
    private static final double COPY_INSTRUCTIONS = 10;
    /// Parts of a processor, each with warps and units of its own.
    private static final double PARTS = 4;
    /// What a launch of threads keeps of shared memory for itself.
    private static final long RESERVED_BYTES = 1024;
    private static final long MOST_BLOCKS = 32;
    private static final double MOST_GROUPED = 16;

    private final MachineOp.Chip machine;
    private final MachineOp.Processors processors;
    private final double rows;
    private final double columns;
    private final double others;
    private final double depth;
    private final double rounds;
    private final double bytes;

    /// A block's tile, and what it takes.
    ///
    /// @param depth points of the reduced axis in a step
    /// @param slots steps whose operands are there or under way, 0 if they come by way of registers
    /// @param registers of a thread
    /// @param sharedBytes of the block
    /// @param fma pairs that a processor multiplies in a cycle
    /// @param sharedReads bytes that the threads of a block read from shared memory for one point of the reduced axis
    /// @param rowBytes of the operands along the rows, for one point of the reduced axis and one row; columnBytes likewise
    /// @param copies that a thread makes by way of registers for a step
    record Tile(
            long rows,
            long columns,
            long depth,
            long slots,
            long threads,
            double registers,
            long sharedBytes,
            double fma,
            double sharedReads,
            double rowBytes,
            double columnBytes,
            double copies) {}

    /// @param axes the tiled axes, and those of the first reduction that are cut into steps
    ContractionCost(NestAnalysis analysis, MachineOp.Chip machine, List<String> common, BlockScheduler.Axes axes) {
        this.machine = machine;
        processors = processors(machine);
        rows = analysis.estimate(axes.row());
        columns = analysis.estimate(axes.column());
        double all = 1;
        for (var axis : common) {
            all *= axis.equals(axes.row()) || axis.equals(axes.column()) ? 1 : analysis.estimate(axis);
        }
        others = all;
        var deep = axes.deep().getFirst();
        depth = analysis.estimate(deep);
        double times = 1;
        for (var axis : analysis.reductions().getFirst().over()) {
            times *= axis.equals(deep) ? 1 : analysis.estimate(axis);
        }
        rounds = times;
        bytes = bytes(analysis);
    }

    /// The copies that so many threads make to fill a tile of one operand by way of registers.
    static double copies(
            NestAnalysis analysis, MachineOp.Chip machine, Value value, String deep, String across, long width, long depth, long threads) {
        long along = Wide.lanes(analysis, deep, List.of(value), List.of(), machine.vectorBytes());
        long beside = Wide.lanes(analysis, across, List.of(value), List.of(), machine.vectorBytes());
        return Math.ceil((double) width * depth / Math.max(Math.min(along, depth), Math.min(beside, width)) / threads);
    }

    /// What the machine says, or else an ordinary one.
    static MachineOp.Processors processors(MachineOp.Chip machine) {
        return machine.intrinsics().ops().stream()
                .filter(MachineOp.Processors.class::isInstance)
                .map(MachineOp.Processors.class::cast)
                .findFirst()
                .orElseGet(() -> new MachineOp.Processors(
                        64, 2048, 65536, 2 * Math.max(1, machine.sharedBytes()), 512, 32, 512, 8000));
    }

    /// What has to come from main memory and go there at least.
    static double bytes(NestAnalysis analysis) {
        Set<Value> tensors = Collections.newSetFromMap(new IdentityHashMap<>());
        analysis.reads().forEach(read -> tensors.add(read.source()));
        tensors.addAll(analysis.nest().results());
        return tensors.stream().mapToDouble(ContractionCost::bytes).sum();
    }

    static double bytes(Value tensor) {
        return tensor.tensor().dims().stream()
                .mapToDouble(dim -> dim.constant().orElse(NestAnalysis.TYPICAL_EXTENT))
                .reduce(tensor.tensor().element().bits() / 8.0, (left, right) -> left * right);
    }

    /// @return cycles; infinity if not even one block fits
    double cycles(Tile tile) {
        double blocks = Math.ceil(rows / tile.rows()) * Math.ceil(columns / tile.columns()) * others;
        double resident = resident(tile);
        if (resident < 1) {
            return Double.POSITIVE_INFINITY;
        }
        double most = Math.ceil(blocks / processors.count());
        double together = Math.min(resident, most);
        double full = Math.floor(most / together);
        double left = most - full * together;
        double cycles = full * block(tile, together) + (left > 0 ? block(tile, left) : 0);
        double memory = memory(tile, Math.min(blocks, processors.count() * resident));
        return Math.max(cycles, memory) + APART * Math.min(cycles, memory);
    }

    /// How many blocks of rows the grid goes through before it comes to the next columns, so that the blocks that run at a time
    /// read as little as possible that is not the same: 0 where all of them run at a time.
    long group(Tile tile) {
        double down = Math.ceil(rows / tile.rows());
        double across = Math.ceil(columns / tile.columns());
        double running = Math.max(1, resident(tile)) * processors.count();
        if (Math.min(down, across) < 2 || down * across <= running) {
            return 0;
        }
        double square = Math.sqrt(running * tile.columns() / tile.rows());
        long group = Long.highestOneBit(Math.max(1, (long) Math.min(Math.min(square, MOST_GROUPED), down)));
        return group < 2 ? 0 : group;
    }

    /// Blocks that a processor runs at a time.
    private double resident(Tile tile) {
        double byRegisters = Math.floor(processors.registers() / (tile.threads() * Math.min(machine.vectorRegisters(), tile.registers())));
        double byMemory = Math.floor(processors.sharedBytes() / (double) (tile.sharedBytes() + RESERVED_BYTES));
        double byThreads = Math.floor(processors.threads() / (double) tile.threads());
        return Math.min(MOST_BLOCKS, Math.min(byThreads, Math.min(byRegisters, byMemory)));
    }

    /// What a block takes from memory for one point of the reduced axis.
    private double bytes(Tile tile) {
        return Math.min(rows, tile.rows()) * tile.rowBytes() + Math.min(columns, tile.columns()) * tile.columnBytes();
    }

    /// The cycles of so many blocks that run on a processor at a time.
    private double block(Tile tile, double together) {
        double points = (double) tile.rows() * tile.columns();
        double step = tile.depth()
                * Math.max(
                        points / tile.fma(),
                        Math.max((tile.sharedReads() + bytes(tile)) / SHARED_BYTES, bytes(tile) / near()));
        double warps = Math.max(1, (double) tile.threads() / Math.max(1, machine.warp()));
        step += tile.copies() * COPY_INSTRUCTIONS * warps / PARTS;
        double waits = tile.slots() > 0 ? STEP_CYCLES : REGISTERS_CYCLES;
        double steps = rounds * Math.ceil(depth / tile.depth());
        double sums = points * Float.BYTES * (3 / SHARED_BYTES + 1 / near());
        // Fewer warps than a processor has parts leave some of these idle.
        double alone = Math.max(step, tile.depth() * points / tile.fma() * Math.max(1, PARTS / (warps * together)) * together);
        return steps * Math.max(Math.max(together * step, alone) + together * BARRIER_CYCLES, step + waits)
                + together * sums
                + 2 * MEMORY_CYCLES;
    }

    private double near() {
        return Math.max(1, processors.nearBytes());
    }

    /// Main memory gives no more than is asked for before the answers come.
    private double memory(Tile tile, double blocks) {
        double ahead = Math.min(depth * rounds, Math.max(1, tile.slots() - 1) * tile.depth());
        double asked = blocks * ahead * bytes(tile);
        return bytes / Math.min(Math.max(1, processors.memoryBytes()), asked / MEMORY_CYCLES);
    }
}
