package org.portolan.runtime;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A plan made ready to walk: instructions in an array, expressions compiled, symbols numbered. Expressions over the
/// symbols of the inputs are <em>early</em>: they are evaluated once for each {@link Binding}.
final class FlatPlan {
    static final int NONE = -1;

    final Plan plan;
    final Expressions expressions;
    final Instruction[] instructions;
    final FlatPort[] inputs;
    final FlatPort[] outputs;
    /// For each expression, whether inputs decide it.
    final boolean[] early;
    /// For each slot: the expressions of a temporary's offset and bytes, or of a late slot's bytes, or {@link #NONE}.
    final int[] slotOffset;
    final int[] slotBytes;
    final int[][] launchGrids;
    final int arenaBytes;
    final int loops;
    final int mostWords;
    private final Map<String, Integer> symbolNumbers;

    /// A port with its expressions.
    ///
    /// @param axisSymbol for each axis of an input the symbol that it is the first to name, or {@link #NONE}
    /// @param dims an expression for each axis
    /// @param bytes the expression of the size in bytes
    record FlatPort(String name, ElementType type, int[] axisSymbol, int[] dims, int bytes, int slot) {}

    /// @param kernels how a launch finds its kernel
    FlatPlan(Plan plan, int devices, PlanFlattener.KernelLookup kernels) {
        this.plan = plan;
        Set<String> fromInputs = PlanChecker.check(plan, devices);
        symbolNumbers = new HashMap<>();
        plan.symbols().forEach(symbol -> symbolNumbers.put(symbol.name(), symbolNumbers.size()));
        expressions = new Expressions(symbolNumbers);
        var seen = new HashSet<String>();
        inputs = plan.inputs().stream().map(port -> flatten(port, seen)).toArray(FlatPort[]::new);
        outputs = plan.outputs().stream().map(port -> flatten(port, seen)).toArray(FlatPort[]::new);
        slotOffset = new int[plan.slots().size()];
        slotBytes = new int[plan.slots().size()];
        for (int number = 0; number < slotOffset.length; number++) {
            var slot = plan.slots().get(number);
            slotOffset[number] = slot instanceof Slot.Temporary(var offset, _) ? expressions.add(offset) : NONE;
            slotBytes[number] =
                    switch (slot) {
                        case Slot.Temporary(_, var bytes) -> expressions.add(bytes);
                        case Slot.Late(var bytes) -> expressions.add(bytes);
                        case Slot.Output(int port) -> outputs[port].bytes();
                        case Slot.Input _, Slot.Weight _ -> NONE;
                    };
        }
        arenaBytes = expressions.add(plan.arenaBytes());
        var flattener = new PlanFlattener(plan, expressions, symbolNumbers, kernels);
        instructions = flattener.flatten();
        launchGrids = flattener.launchGrids();
        loops = flattener.loops();
        mostWords = flattener.mostWords();
        expressions.freeze();
        early = new boolean[expressions.count()];
        for (int index = 0; index < early.length; index++) {
            early[index] = fromInputs.containsAll(expressions.dim(index).symbols());
        }
    }

    /// @param seen the symbols that earlier axes bind; grows
    private FlatPort flatten(Port port, Set<String> seen) {
        int[] axisSymbol = port.dims().stream()
                .mapToInt(dim -> dim.symbolName().filter(seen::add).map(symbolNumbers::get).orElse(NONE))
                .toArray();
        return new FlatPort(port.name(), port.type(), axisSymbol, expressions.addAll(port.dims()),
                expressions.add(bytes(port.type(), port.dims())), port.slot());
    }

    private static Dim bytes(ElementType type, List<Dim> dims) {
        var elements = Dim.product(dims);
        return type.bits() >= 8 ? elements.times(type.bits() / 8) : elements.times(type.bits()).ceilDivide(8);
    }

    int symbols() {
        return plan.symbols().size();
    }

    boolean isEarlyOutput(int port) {
        return early[outputs[port].bytes()];
    }
}
