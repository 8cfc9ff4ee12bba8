package org.portolan.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.plan.Step;
import org.portolan.runtime.type.Dim;

/// Turns the nested steps of a plan into instructions with jumps.
final class PlanFlattener {
    private final Plan plan;
    private final Expressions expressions;
    private final Map<String, Integer> symbolNumbers;
    private final KernelLookup kernels;
    private final List<Instruction> instructions = new ArrayList<>();
    private final List<int[]> launchGrids = new ArrayList<>();
    private int loops;
    private int mostWords;

    /// Finds the kernel of that name on a device.
    @FunctionalInterface
    interface KernelLookup {
        Kernel find(int device, String name);
    }

    PlanFlattener(Plan plan, Expressions expressions, Map<String, Integer> symbolNumbers, KernelLookup kernels) {
        this.plan = plan;
        this.expressions = expressions;
        this.symbolNumbers = symbolNumbers;
        this.kernels = kernels;
    }

    Instruction[] flatten() {
        plan.steps().forEach(this::append);
        return instructions.toArray(Instruction[]::new);
    }

    int[][] launchGrids() {
        return launchGrids.toArray(int[][]::new);
    }

    int loops() {
        return loops;
    }

    int mostWords() {
        return mostWords;
    }

    private void append(Step step) {
        switch (step) {
            case Step.Launch launch -> {
                int[] slots = launch.slots().stream().mapToInt(Integer::intValue).toArray();
                int[] grid = expressions.addAll(launch.grid());
                var name = plan.kernels().get(launch.kernel());
                var kernel = kernels.find(launch.device(), name);
                instructions.add(new Instruction.Launch(
                        launchGrids.size(), kernel, KernelError.numberOf(name), launch.device(), slots,
                        expressions.addAll(launch.extents()), grid, expressions.add(launch.cost()), writes(launch),
                        launch.origin()));
                launchGrids.add(grid);
                mostWords = Math.max(mostWords, slots.length + launch.extents().size());
            }
            case Step.Copy(int from, var fromOffset, int to, var toOffset, var bytes) ->
                instructions.add(new Instruction.Copy(from, expressions.add(fromOffset), to,
                        expressions.add(toOffset), expressions.add(bytes)));
            case Step.ReadSymbols(int slot, var type, var symbols) ->
                instructions.add(new Instruction.ReadSymbols(
                        slot, type, symbols.stream().mapToInt(symbolNumbers::get).toArray()));
            case Step.WriteDims(int slot, var type, var values) ->
                instructions.add(new Instruction.WriteDims(slot, type, expressions.addAll(values)));
            case Step.Check(var left, var relation, var right, var message) ->
                instructions.add(new Instruction.Check(
                        expressions.add(left), relation, expressions.add(right), message));
            case Step.If branch -> append(branch);
            case Step.Loop loop -> append(loop);
        }
    }

    /// What a launch may change; without a word on it everything that can be changed at all.
    private int[] writes(Step.Launch launch) {
        return launch.writes()
                .orElseGet(() -> IntStream.range(0, launch.slots().size())
                        .filter(index -> !(plan.slots().get(launch.slots().get(index)) instanceof Slot.Weight))
                        .boxed()
                        .toList())
                .stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private void append(Step.If branch) {
        int test = reserve();
        branch.thenSteps().forEach(this::append);
        int leave = reserve();
        instructions.set(test, new Instruction.Branch(branch.condition(), instructions.size()));
        branch.elseSteps().forEach(this::append);
        instructions.set(leave, new Instruction.Jump(instructions.size()));
    }

    private void append(Step.Loop loop) {
        int number = loops++;
        int limit = loop.limit().map(expressions::add).orElse(FlatPlan.NONE);
        instructions.add(new Instruction.LoopEnter(number, limit));
        int test = reserve();
        loop.body().forEach(this::append);
        int zero = expressions.add(Dim.ZERO);
        for (var carry : loop.carried()) {
            instructions.add(new Instruction.Copy(
                    carry.from(), zero, carry.to(), zero, expressions.add(carry.bytes())));
        }
        instructions.add(new Instruction.LoopNext(number, test));
        instructions.set(test, new Instruction.LoopTest(number, loop.condition(), symbolNumbers.get(loop.iteration()),
                symbolNumbers.get(loop.trips()), instructions.size()));
    }

    /// Keeps a place for an instruction that needs to know what follows it.
    private int reserve() {
        instructions.add(new Instruction.Jump(0));
        return instructions.size() - 1;
    }
}
