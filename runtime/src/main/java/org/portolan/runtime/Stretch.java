package org.portolan.runtime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.portolan.runtime.plan.Slot;

/// Instructions in a row that give the device the same work in each run with the same shapes and addresses: launches,
/// copies and checks that depend on nothing that a run finds out.
///
/// @param number counts the stretches of a plan
/// @param first the index of the first instruction
/// @param end the index after the last one
/// @param launches how many launches and copies there are
/// @param written the slots that they write
record Stretch(int number, int first, int end, int launches, int[] written) {
    /// A run that is to end can end between two stretches.
    static final int MOST_LAUNCHES = 64;

    /// The stretches that are worth capturing, in order.
    static List<Stretch> of(FlatPlan plan) {
        var found = new ArrayList<Stretch>();
        var targets = targets(plan.instructions);
        int next = 0;
        while (next < plan.instructions.length) {
            int end = next;
            int launches = 0;
            while (end < plan.instructions.length
                    && launches < MOST_LAUNCHES
                    && (end == next || !targets.get(end))
                    && isFixed(plan, plan.instructions[end])) {
                launches += plan.instructions[end] instanceof Instruction.Check ? 0 : 1;
                end++;
            }
            if (launches > 1) {
                found.add(new Stretch(found.size(), next, end, launches, written(plan, next, end)));
            }
            next = Math.max(end, next + 1);
        }
        return found;
    }

    private static int[] written(FlatPlan plan, int first, int end) {
        var written = new BitSet();
        for (int index = first; index < end; index++) {
            if (plan.instructions[index] instanceof Instruction.Launch launch) {
                for (int argument : launch.writes()) {
                    written.set(launch.slots()[argument]);
                }
            } else if (plan.instructions[index] instanceof Instruction.Copy copy) {
                written.set(copy.to());
            }
        }
        return written.stream().toArray();
    }

    private static BitSet targets(Instruction[] instructions) {
        var targets = new BitSet();
        for (var instruction : instructions) {
            switch (instruction) {
                case Instruction.Branch branch -> targets.set(branch.otherwise());
                case Instruction.Jump jump -> targets.set(jump.to());
                case Instruction.LoopTest test -> targets.set(test.exit());
                case Instruction.LoopNext loop -> targets.set(loop.test());
                case Instruction.Launch _, Instruction.Copy _, Instruction.ReadSymbols _, Instruction.WriteDims _,
                        Instruction.Check _, Instruction.LoopEnter _ -> {}
            }
        }
        return targets;
    }

    private static boolean isFixed(FlatPlan plan, Instruction instruction) {
        return switch (instruction) {
            case Instruction.Launch launch ->
                launch.device() == 0
                        && areEarly(plan, launch.grid())
                        && areEarly(plan, launch.extents())
                        && Arrays.stream(launch.slots()).noneMatch(slot -> isLate(plan, slot));
            case Instruction.Copy copy ->
                areEarly(plan, copy.fromOffset(), copy.toOffset(), copy.bytes())
                        && !isLate(plan, copy.from())
                        && !isLate(plan, copy.to());
            case Instruction.Check check -> areEarly(plan, check.left(), check.right());
            case Instruction.ReadSymbols _, Instruction.WriteDims _, Instruction.Branch _, Instruction.Jump _,
                    Instruction.LoopEnter _, Instruction.LoopTest _, Instruction.LoopNext _ -> false;
        };
    }

    private static boolean areEarly(FlatPlan plan, int... expressions) {
        return Arrays.stream(expressions).allMatch(expression -> plan.early[expression]);
    }

    /// Whether the slot may lie elsewhere in each run.
    private static boolean isLate(FlatPlan plan, int slot) {
        return switch (plan.plan.slots().get(slot)) {
            case Slot.Late _ -> true;
            case Slot.Output(int port) -> !plan.isEarlyOutput(port);
            case Slot.Input _, Slot.Weight _, Slot.Temporary _ -> false;
        };
    }
}
