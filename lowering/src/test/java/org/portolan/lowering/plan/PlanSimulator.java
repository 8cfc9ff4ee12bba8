package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.plan.Step;
import org.portolan.runtime.type.Dim;

/// Walks a plan in the arithmetic of {@link BlockTags}, over one arena: values that share a place while both are needed
/// give wrong numbers. A launch writes its last slot and reads the others; one whose result was there before reads it
/// too.
final class PlanSimulator {
    private final Plan plan;
    private final Map<String, Long> symbols = new HashMap<>();
    private final long[] arena;
    private final Map<Integer, List<Long>> apart = new HashMap<>();
    private final Map<String, Boolean> updates;

    private PlanSimulator(Plan plan, long n, Map<String, Boolean> updates) {
        this.plan = plan;
        this.updates = updates;
        symbols.put("n", n);
        arena = new long[blocks(plan.arenaBytes())];
    }

    /// @param updates by origin, whether a kernel updates its result in place
    static List<List<Long>> run(Plan plan, long n, Map<String, Boolean> updates) {
        var simulator = new PlanSimulator(plan, n, updates);
        for (int i = 0; i < plan.slots().size(); i++) {
            switch (plan.slots().get(i)) {
                case Slot.Input(int port) -> {
                    var dims = plan.inputs().get(port);
                    var bytes = BufferTypes.bytes(dims.type(), Dim.product(dims.dims()));
                    simulator.apart.put(i, Collections.nCopies(simulator.blocks(bytes), 1000L + port));
                }
                case Slot.Weight weight ->
                    simulator.apart.put(
                            i, Collections.nCopies((int) Math.ceilDiv(weight.bytes(), 64), weight.offset()));
                case Slot.Output _, Slot.Temporary _, Slot.Late _ -> {}
            }
        }
        simulator.steps(plan.steps());
        return plan.outputs().stream().map(port -> simulator.read(port.slot())).toList();
    }

    private long evaluate(Dim dim) {
        return dim.evaluate(symbols::get);
    }

    private int blocks(Dim bytes) {
        return (int) Math.ceilDiv(evaluate(bytes), 64);
    }

    private List<Long> read(int slot) {
        if (plan.slots().get(slot) instanceof Slot.Temporary(var offset, var bytes)) {
            int begin = (int) (evaluate(offset) / 64);
            var blocks = new ArrayList<Long>();
            for (int i = 0; i < blocks(bytes); i++) {
                blocks.add(arena[begin + i]);
            }
            return blocks;
        }
        return apart.getOrDefault(slot, List.of());
    }

    private void write(int slot, int at, List<Long> content) {
        if (plan.slots().get(slot) instanceof Slot.Temporary(var offset, var bytes)) {
            int begin = (int) (evaluate(offset) / 64);
            for (int i = 0; i < content.size(); i++) {
                arena[begin + at + i] = content.get(i);
            }
            return;
        }
        var grown = new ArrayList<>(apart.getOrDefault(slot, List.of()));
        while (grown.size() < at + content.size()) {
            grown.add(-1L);
        }
        for (int i = 0; i < content.size(); i++) {
            grown.set(at + i, content.get(i));
        }
        apart.put(slot, grown);
    }

    private int sizeOf(int slot) {
        return switch (plan.slots().get(slot)) {
            case Slot.Temporary(_, var bytes) -> blocks(bytes);
            case Slot.Late(var bytes) -> blocks(bytes);
            case Slot.Output(int port) -> {
                var output = plan.outputs().get(port);
                yield blocks(BufferTypes.bytes(output.type(), Dim.product(output.dims())));
            }
            case Slot.Input _, Slot.Weight _ -> throw new AssertionError("written: " + plan.slots().get(slot));
        };
    }

    private void steps(List<Step> steps) {
        for (var step : steps) {
            switch (step) {
                case Step.Launch launch -> {
                    int result = launch.slots().getLast();
                    var inputs = new ArrayList<List<Long>>();
                    launch.slots().subList(0, launch.slots().size() - 1).forEach(slot -> inputs.add(read(slot)));
                    if (updates.get(launch.origin())) {
                        inputs.add(read(result));
                    }
                    long tag = BlockTags.compute(launch.origin(), inputs);
                    write(result, 0, Collections.nCopies(sizeOf(result), tag));
                }
                case Step.Copy(int from, _, int to, var offset, var bytes) ->
                    write(to, (int) (evaluate(offset) / 64), read(from).subList(0, blocks(bytes)));
                case Step.ReadSymbols(int slot, _, var names) -> symbols.put(names.getFirst(), read(slot).getFirst());
                case Step.WriteDims(int slot, _, var values) -> write(slot, 0, List.of(evaluate(values.getFirst())));
                case Step.If(int condition, var yes, var no) -> steps(BlockTags.truth(read(condition)) ? yes : no);
                case Step.Loop loop -> {
                    long limit = loop.limit().map(this::evaluate).orElse(Long.MAX_VALUE);
                    long round = 0;
                    for (; round < limit && BlockTags.truth(read(loop.condition())); round++) {
                        symbols.put(loop.iteration(), round);
                        steps(loop.body());
                    }
                    symbols.put(loop.trips(), round);
                }
                case Step.Check _ -> throw new AssertionError("no checks in these plans");
            }
        }
    }
}
