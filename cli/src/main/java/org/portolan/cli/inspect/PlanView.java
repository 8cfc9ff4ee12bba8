package org.portolan.cli.inspect;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.plan.Step;
import org.portolan.runtime.plan.SymbolBound;
import org.portolan.runtime.type.Dim;

/// A plan with its steps in one row and numbers for its symbols.
///
/// @param steps every step, those inside of branches and loops too, in the order of the text
/// @param symbols the numbers that sizes are shown for
public record PlanView(Plan plan, List<Step> steps, Map<String, Long> symbols) {

    /// A temporary in the arena at the numbers of [#symbols()].
    ///
    /// @param offset in bytes
    /// @param first index in [#steps()] of the first step that uses it; last of the last
    public record Temporary(int slot, long offset, long bytes, int first, int last) {}

    /// @param symbols numbers for some symbols; the others get the smallest number that they may have, at least 1
    public static PlanView of(Plan plan, Map<String, Long> symbols) {
        var numbers = new LinkedHashMap<String, Long>();
        for (var symbol : plan.symbols()) numbers.put(symbol.name(), symbols.getOrDefault(symbol.name(), smallest(symbol)));
        var steps = new ArrayList<Step>();
        flatten(plan.steps(), steps);
        return new PlanView(plan, List.copyOf(steps), numbers);
    }

    private static long smallest(SymbolBound symbol) {
        return Math.max(1, symbol.minimum());
    }

    /// Kernels that are launched, on the device (0) or on the host beside it (1).
    public List<Step.Launch> launches() {
        return steps.stream().filter(Step.Launch.class::isInstance).map(Step.Launch.class::cast).toList();
    }

    public long deviceKernels() {
        return launches().stream().filter(launch -> launch.device() == 0).count();
    }

    public long hostKernels() {
        return launches().size() - deviceKernels();
    }

    public long evaluate(Dim dim) {
        return dim.evaluate(name -> symbols.getOrDefault(name, 1L));
    }

    public long arenaBytes() {
        return evaluate(plan.arenaBytes());
    }

    /// Constant data that the plan reads, each range counted once.
    public long weightBytes() {
        return plan.slots().stream()
                .filter(Slot.Weight.class::isInstance)
                .map(Slot.Weight.class::cast)
                .distinct()
                .mapToLong(Slot.Weight::bytes)
                .sum();
    }

    /// The arena's temporaries in the order of their slots, those without a use left out.
    public List<Temporary> temporaries() {
        var temporaries = new ArrayList<Temporary>();
        for (var slot = 0; slot < plan.slots().size(); slot++) {
            if (!(plan.slots().get(slot) instanceof Slot.Temporary(var offset, var bytes))) continue;
            var first = -1;
            var last = -1;
            for (var step = 0; step < steps.size(); step++) {
                if (!uses(steps.get(step)).contains(slot)) continue;
                if (first < 0) first = step;
                last = step;
            }
            if (first >= 0) temporaries.add(new Temporary(slot, evaluate(offset), evaluate(bytes), first, last));
        }
        return temporaries;
    }

    private static HashSet<Integer> uses(Step step) {
        return switch (step) {
            case Step.Launch launch -> new HashSet<>(launch.slots());
            case Step.Copy copy -> new HashSet<>(List.of(copy.from(), copy.to()));
            case Step.ReadSymbols read -> new HashSet<>(List.of(read.slot()));
            case Step.WriteDims write -> new HashSet<>(List.of(write.slot()));
            case Step.Check _ -> new HashSet<>();
            case Step.If branch -> new HashSet<>(List.of(branch.condition()));
            case Step.Loop loop -> {
                var slots = new HashSet<>(List.of(loop.condition()));
                for (var carry : loop.carried()) slots.addAll(List.of(carry.from(), carry.to()));
                yield slots;
            }
        };
    }

    private static void flatten(List<Step> steps, List<Step> into) {
        for (var step : steps) {
            into.add(step);
            switch (step) {
                case Step.If branch -> {
                    flatten(branch.thenSteps(), into);
                    flatten(branch.elseSteps(), into);
                }
                case Step.Loop loop -> flatten(loop.body(), into);
                case Step.Launch _, Step.Copy _, Step.ReadSymbols _, Step.WriteDims _, Step.Check _ -> {}
            }
        }
    }
}
