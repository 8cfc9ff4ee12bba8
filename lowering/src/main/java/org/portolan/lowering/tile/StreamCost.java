package org.portolan.lowering.tile;

import org.portolan.ir.MachineOp;
import org.portolan.lowering.tile.Schedule.Split;

/// Weighs a schedule that goes along its operands once: roughly how many cycles a machine takes, if nothing but memory counts.
final class StreamCost {
    /// Threads of a block, where each point of the grid is one.
    private static final double POINTS = 128;
    /// How often a thread asks before it waits, where its loop is not unrolled.
    private static final double ASKED = 2;
    /// An exchange between the threads of a team.
    private static final double EXCHANGE_CYCLES = 60;

    private StreamCost() {}

    static double cycles(NestAnalysis analysis, Schedule schedule, MachineOp.Chip machine) {
        var processors = ContractionCost.processors(machine);
        double blocks = 1;
        for (var split : schedule.common()) {
            blocks *= split.block() == 0 ? 1 : Math.ceil((double) analysis.estimate(split.axis()) / split.block());
        }
        double threads = blocks * schedule.threads();
        if (schedule.block().isEmpty()) {
            blocks = Math.ceil(threads / POINTS);
        }
        double lanes = schedule.common().stream().mapToLong(Split::lanes).max().orElse(1);
        double asked = ASKED;
        for (var loops : schedule.reductions()) {
            for (var split : loops) {
                asked = Math.max(asked, split.unroll() * split.lanes());
            }
        }
        double bytes = ContractionCost.bytes(analysis);
        double narrowest = analysis.reads().stream()
                .mapToDouble(read -> read.result().type().elementType().bits() / 8.0)
                .min()
                .orElse(Float.BYTES);
        double running = Math.min(threads, (double) processors.count() * processors.threads());
        double rate = Math.min(
                Math.min(processors.memoryBytes(), Math.min(blocks, processors.count()) * processors.nearBytes()),
                running * lanes * asked * narrowest / ContractionCost.MEMORY_CYCLES);
        double team = schedule.block().map(Schedule.Block::team).orElse(1L);
        return bytes / Math.max(1e-3, rate)
                + 2 * ContractionCost.MEMORY_CYCLES
                + EXCHANGE_CYCLES * Math.log(team) / Math.log(2);
    }
}
