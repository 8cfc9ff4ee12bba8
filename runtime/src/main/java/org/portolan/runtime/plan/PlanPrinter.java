package org.portolan.runtime.plan;

import java.util.List;
import java.util.StringJoiner;
import java.util.function.Function;
import org.portolan.runtime.type.Dim;

/// Writes the text form of a plan: a Dim is one word without blanks, a name of the source model is quoted.
final class PlanPrinter {
    static final int VERSION = 1;

    /// Stands for an absent value; no Dim and no number reads like this.
    static final String ABSENT = "-";

    private final StringBuilder text = new StringBuilder();
    private int indentation;

    String print(Plan plan) {
        line("plan " + VERSION);
        for (var symbol : plan.symbols()) {
            line("symbol " + symbol.name() + " " + symbol.minimum() + " " + symbol.maximum());
        }
        plan.inputs().forEach(port -> line("input " + port(port)));
        plan.outputs().forEach(port -> line("output " + port(port)));
        for (var slot : plan.slots()) {
            line("slot " + slot(slot));
        }
        plan.kernels().forEach(kernel -> line("kernel " + quote(kernel)));
        line("arena " + dim(plan.arenaBytes()));
        line("steps {");
        steps(plan.steps());
        line("}");
        return text.toString();
    }

    private static String port(Port port) {
        return quote(port.name()) + " " + port.type().text() + " " + dims(port.dims()) + " slot " + port.slot();
    }

    private static String slot(Slot slot) {
        return switch (slot) {
            case Slot.Input(int port) -> "input " + port;
            case Slot.Output(int port) -> "output " + port;
            case Slot.Weight(var entry, long offset, long bytes) ->
                "weight " + quote(entry) + " " + offset + " " + bytes;
            case Slot.Temporary(var offset, var bytes) -> "temporary " + dim(offset) + " " + dim(bytes);
            case Slot.Late(var bytes) -> "late " + dim(bytes);
        };
    }

    private void steps(List<Step> steps) {
        indentation += 2;
        steps.forEach(this::step);
        indentation -= 2;
    }

    private void step(Step step) {
        switch (step) {
            case Step.Launch launch ->
                line("launch " + launch.kernel() + " " + list(launch.slots(), String::valueOf) + " "
                        + dims(launch.extents()) + " grid " + dims(launch.grid()) + " cost " + dim(launch.cost())
                        + " device " + launch.device()
                        + launch.writes().map(writes -> " writes " + list(writes, String::valueOf)).orElse("")
                        + " " + quote(launch.origin()));
            case Step.Copy(int from, var fromOffset, int to, var toOffset, var bytes) ->
                line("copy " + from + " " + dim(fromOffset) + " to " + to + " " + dim(toOffset) + " bytes "
                        + dim(bytes));
            case Step.ReadSymbols(int slot, var type, var symbols) ->
                line("read-symbols " + slot + " " + type.text() + " " + list(symbols, Function.identity()));
            case Step.WriteDims(int slot, var type, var values) ->
                line("write-dims " + slot + " " + type.text() + " " + dims(values));
            case Step.Check(var left, var relation, var right, var message) ->
                line("check " + dim(left) + " " + relation.sign() + " " + dim(right) + " " + quote(message));
            case Step.If(int condition, var thenSteps, var elseSteps) -> {
                line("if " + condition + " {");
                steps(thenSteps);
                line("} else {");
                steps(elseSteps);
                line("}");
            }
            case Step.Loop(var limit, int condition, var iteration, var trips, var carried, var body) -> {
                line("loop limit " + limit.map(PlanPrinter::dim).orElse(ABSENT) + " while "
                        + (condition == Step.Loop.NO_CONDITION ? ABSENT : String.valueOf(condition)) + " iteration "
                        + iteration + " trips " + trips + " carry " + list(carried, PlanPrinter::carry) + " {");
                steps(body);
                line("}");
            }
        }
    }

    private static String carry(Step.Carry carry) {
        return carry.from() + " " + carry.to() + " " + dim(carry.bytes());
    }

    private static String dims(List<Dim> dims) {
        return list(dims, PlanPrinter::dim);
    }

    private static String dim(Dim dim) {
        return dim.toString().replace(" ", "");
    }

    private static <T> String list(List<T> values, Function<T, String> print) {
        var joined = new StringJoiner(", ", "[", "]");
        values.forEach(value -> joined.add(print.apply(value)));
        return joined.toString();
    }

    /// In double quotes, with backslash escapes; control characters as four hexadecimal digits.
    private static String quote(String name) {
        var quoted = new StringBuilder("\"");
        for (int i = 0; i < name.length(); i++) {
            char character = name.charAt(i);
            if (character == '"' || character == '\\') {
                quoted.append('\\').append(character);
            } else if (character < ' ' || Character.isISOControl(character) || Character.isSurrogate(character)
                    || character == '\u2028' || character == '\u2029') {
                quoted.append(String.format("\\u%04x", (int) character));
            } else {
                quoted.append(character);
            }
        }
        return quoted.append('"').toString();
    }

    private void line(String line) {
        text.repeat(' ', indentation).append(line).append('\n');
    }
}
