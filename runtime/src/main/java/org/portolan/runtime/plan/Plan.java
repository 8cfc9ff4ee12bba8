package org.portolan.runtime.plan;

import java.util.List;
import org.portolan.runtime.type.Dim;

/// What a run of a compiled model does on the host, for one target.
///
/// @param symbols every symbol that any Dim in here names
/// @param slots places for data, named by their index
/// @param kernels the names of the kernels in the target's images, named by their index
/// @param arenaBytes the size of the one arena that holds all {@link Slot.Temporary}
public record Plan(
        List<Port> inputs,
        List<Port> outputs,
        List<SymbolBound> symbols,
        List<Slot> slots,
        List<String> kernels,
        List<Step> steps,
        Dim arenaBytes) {
    /// The alignment in bytes of every slot's address.
    public static final long ALIGNMENT = 64;

    public Plan {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        symbols = List.copyOf(symbols);
        slots = List.copyOf(slots);
        kernels = List.copyOf(kernels);
        steps = List.copyOf(steps);
    }

    /// Reads the text form.
    ///
    /// @throws PlanFormatException naming the line, if the text is no plan
    public static Plan parse(String text) {
        return new PlanReader(text).read();
    }

    /// The text form: one step a line, and what {@link #parse} reads.
    @Override
    public String toString() {
        return new PlanPrinter().print(this);
    }
}
