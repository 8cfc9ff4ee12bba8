package org.portolan.runtime.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.runtime.plan.Step.Relation;
import org.portolan.runtime.type.Dim;

/// Reads the text form of a plan, line by line.
final class PlanReader {
    /// How deep If and Loop may nest; reading recurses, and the text may come from a damaged file.
    private static final int DEPTH_LIMIT = 100;

    private final List<String> lines;
    private final List<Port> inputs = new ArrayList<>();
    private final List<Port> outputs = new ArrayList<>();
    private final List<SymbolBound> symbols = new ArrayList<>();
    private final List<Slot> slots = new ArrayList<>();
    private final List<String> kernels = new ArrayList<>();
    private int next;

    PlanReader(String text) {
        lines = text.lines().toList();
    }

    Plan read() {
        var first = nextLine();
        first.keyword("plan");
        long version = first.number();
        if (version != PlanPrinter.VERSION) {
            throw first.error("this runtime reads plans of version " + PlanPrinter.VERSION + " and this one is "
                    + version + "; compile the model again");
        }
        first.end();
        Dim arenaBytes = null;
        while (true) {
            var line = nextLine();
            var keyword = line.word();
            switch (keyword) {
                case "symbol" -> symbols.add(symbol(line));
                case "input" -> inputs.add(port(line));
                case "output" -> outputs.add(port(line));
                case "slot" -> slots.add(slot(line));
                case "kernel" -> kernels.add(line.quoted());
                case "arena" -> arenaBytes = line.dim();
                case "steps" -> {
                    line.keyword("{");
                    line.end();
                    if (arenaBytes == null) {
                        throw line.error("expected an 'arena' line before the steps");
                    }
                    var steps = new ArrayList<Step>();
                    var last = steps(steps, 0);
                    last.end();
                    if (next != lines.size()) {
                        throw nextLine().error("expected nothing after the steps");
                    }
                    return new Plan(inputs, outputs, symbols, slots, kernels, steps, arenaBytes);
                }
                default ->
                    throw line.error("'" + keyword + "' is none of symbol, input, output, slot, kernel, arena, steps");
            }
            line.end();
        }
    }

    private PlanLine nextLine() {
        if (next == lines.size()) {
            throw new PlanFormatException(next + 1, "the text ends too early");
        }
        var text = lines.get(next++);
        return new PlanLine(text, next);
    }

    private static SymbolBound symbol(PlanLine line) {
        var name = line.word();
        long minimum = line.number();
        long maximum = line.number();
        try {
            return new SymbolBound(name, minimum, maximum);
        } catch (IllegalArgumentException e) {
            throw line.error(e.getMessage());
        }
    }

    private static Port port(PlanLine line) {
        var name = line.quoted();
        var type = line.elementType();
        var dims = line.dims();
        line.keyword("slot");
        return new Port(name, type, dims, line.index());
    }

    private static Slot slot(PlanLine line) {
        var kind = line.word();
        return switch (kind) {
            case "input" -> new Slot.Input(line.index());
            case "output" -> new Slot.Output(line.index());
            case "weight" -> new Slot.Weight(line.quoted(), line.number(), line.number());
            case "temporary" -> new Slot.Temporary(line.dim(), line.dim());
            case "late" -> new Slot.Late(line.dim());
            default -> throw line.error("'" + kind + "' is none of input, output, weight, temporary, late");
        };
    }

    /// Reads steps up to the line that closes them and returns that line, after its brace.
    private PlanLine steps(List<Step> steps, int depth) {
        if (depth > DEPTH_LIMIT) {
            throw new PlanFormatException(next, "more than " + DEPTH_LIMIT + " nested steps");
        }
        while (true) {
            var line = nextLine();
            var keyword = line.word();
            switch (keyword) {
                case "}" -> {
                    return line;
                }
                case "launch" -> steps.add(launch(line));
                case "copy" -> steps.add(copy(line));
                case "read-symbols" ->
                    steps.add(new Step.ReadSymbols(line.index(), line.elementType(), line.list(line::word)));
                case "write-dims" -> steps.add(new Step.WriteDims(line.index(), line.elementType(), line.dims()));
                case "check" ->
                    steps.add(new Step.Check(line.dim(), relation(line), line.dim(), line.quoted()));
                case "if" -> steps.add(branch(line, depth));
                case "loop" -> steps.add(loop(line, depth));
                default ->
                    throw line.error("'" + keyword
                            + "' is none of launch, copy, read-symbols, write-dims, check, if, loop, }");
            }
            if (!keyword.equals("if") && !keyword.equals("loop")) {
                line.end();
            }
        }
    }

    private static Step launch(PlanLine line) {
        int kernel = line.index();
        var slots = line.list(line::index);
        var extents = line.dims();
        line.keyword("grid");
        var grid = line.dims();
        line.keyword("cost");
        var cost = line.dim();
        line.keyword("device");
        int device = line.index();
        Optional<List<Integer>> writes =
                line.startsWith("writes") ? Optional.of(writes(line)) : Optional.empty();
        return new Step.Launch(kernel, slots, extents, grid, cost, device, writes, line.quoted());
    }

    private static List<Integer> writes(PlanLine line) {
        line.keyword("writes");
        return line.list(line::index);
    }

    private static Step copy(PlanLine line) {
        int from = line.index();
        var fromOffset = line.dim();
        line.keyword("to");
        int to = line.index();
        var toOffset = line.dim();
        line.keyword("bytes");
        return new Step.Copy(from, fromOffset, to, toOffset, line.dim());
    }

    private static Relation relation(PlanLine line) {
        var sign = line.word();
        for (var relation : Relation.values()) {
            if (relation.sign().equals(sign)) {
                return relation;
            }
        }
        throw line.error("'" + sign + "' is no comparison");
    }

    private Step branch(PlanLine line, int depth) {
        int condition = line.index();
        line.keyword("{");
        line.end();
        var thenSteps = new ArrayList<Step>();
        var middle = steps(thenSteps, depth + 1);
        middle.keyword("else");
        middle.keyword("{");
        middle.end();
        var elseSteps = new ArrayList<Step>();
        steps(elseSteps, depth + 1).end();
        return new Step.If(condition, thenSteps, elseSteps);
    }

    private Step loop(PlanLine line, int depth) {
        line.keyword("limit");
        var limitWord = line.word();
        Optional<Dim> limit =
                limitWord.equals(PlanPrinter.ABSENT) ? Optional.empty() : Optional.of(line.dim(limitWord));
        line.keyword("while");
        var conditionWord = line.word();
        int condition = conditionWord.equals(PlanPrinter.ABSENT)
                ? Step.Loop.NO_CONDITION
                : new PlanLine(conditionWord, next).index();
        line.keyword("iteration");
        var iteration = line.word();
        line.keyword("trips");
        var trips = line.word();
        line.keyword("carry");
        var carried = line.list(() -> new Step.Carry(line.index(), line.index(), line.dim()));
        line.keyword("{");
        line.end();
        var body = new ArrayList<Step>();
        steps(body, depth + 1).end();
        return new Step.Loop(limit, condition, iteration, trips, carried, body);
    }
}
