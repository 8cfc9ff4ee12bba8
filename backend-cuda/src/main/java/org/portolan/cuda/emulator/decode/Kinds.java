package org.portolan.cuda.emulator.decode;

import java.util.List;
import org.portolan.cuda.emulator.run.Control;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.text.PtxStatement.Step;

/// What instructions are counted as.
final class Kinds {
    private Kinds() {}

    /// The name, and of memory instructions the memory.
    static String of(Step step) {
        return switch (step.name()) {
            case "ld", "ldu", "st", "atom", "red" -> {
                var spaces = List.of("global", "shared", "local", "param", "const");
                var space = step.modifiers().stream()
                        .filter(spaces::contains)
                        .findFirst()
                        .orElse("generic");
                yield step.name() + "." + space;
            }
            case "cp" -> step.has("bulk") ? "cp.async.bulk" : "cp.async";
            case "add", "sub", "mul", "mad", "fma", "div", "min", "max", "neg", "abs" ->
                step.modifiers().isEmpty() ? step.name() : step.name() + "." + step.modifiers().getLast();
            default -> step.name();
        };
    }

    static boolean leaves(Instruction instruction) {
        return Control.leaves(instruction);
    }
}
