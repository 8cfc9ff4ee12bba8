package org.portolan.runtime.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

final class PlanTextTest {
    private final Random random = new Random(5);

    @Test
    void everyPlanReadsBackAsItself() {
        for (int round = 0; round < 500; round++) {
            var plan = plan();
            var text = plan.toString();
            assertEquals(plan, Plan.parse(text));
            assertEquals(text, Plan.parse(text).toString());
        }
    }

    private Plan plan() {
        return new Plan(
                some(this::port),
                some(this::port),
                List.of(new SymbolBound("batch", 1, 64), new SymbolBound("seq.1", -5, Long.MAX_VALUE)),
                some(this::slot),
                some(this::name),
                steps(0),
                dim(0));
    }

    private <T> List<T> some(Supplier<T> make) {
        var list = new ArrayList<T>();
        for (int count = random.nextInt(4); count > 0; count--) {
            list.add(make.get());
        }
        return list;
    }

    private String name() {
        var names = List.of("input_ids", "", "a \"b\"\\", "/model/out\n:0", "\u0000\u2028x", "Größe 日本", "}",
                "[,]", "\uD83D\uDE00 \uD800");
        return names.get(random.nextInt(names.size()));
    }

    private Port port() {
        var types = ElementType.values();
        return new Port(name(), types[random.nextInt(types.length)], some(() -> dim(0)), random.nextInt(10));
    }

    private Slot slot() {
        return switch (random.nextInt(5)) {
            case 0 -> new Slot.Input(random.nextInt(5));
            case 1 -> new Slot.Output(random.nextInt(5));
            case 2 -> new Slot.Weight(name(), random.nextLong(1L << 40), random.nextLong(1L << 40));
            case 3 -> new Slot.Temporary(dim(0), dim(0));
            default -> new Slot.Late(dim(0));
        };
    }

    private Dim dim(int depth) {
        return switch (depth > 3 ? random.nextInt(2) : random.nextInt(9)) {
            case 0 -> Dim.of(random.nextInt(200) - 20);
            case 1 -> Dim.symbol(random.nextBoolean() ? "batch" : "seq.1");
            case 2, 3 -> dim(depth + 1).plus(dim(depth + 1));
            case 4 -> dim(depth + 1).times(dim(depth + 1));
            case 5 -> dim(depth + 1).floorDivide(3 + random.nextInt(5));
            case 6 -> dim(depth + 1).modulo(3 + random.nextInt(5));
            case 7 -> dim(depth + 1).ceilDivide(3).maximum(dim(depth + 1));
            default -> dim(depth + 1).minimum(dim(depth + 1)).exclusiveOr(dim(depth + 1));
        };
    }

    private List<Step> steps(int depth) {
        return some(() -> step(depth));
    }

    private Step step(int depth) {
        var relations = Step.Relation.values();
        return switch (random.nextInt(depth > 3 ? 5 : 7)) {
            case 0 ->
                new Step.Launch(random.nextInt(9), List.of(0, 3, 2), some(() -> dim(0)), some(() -> dim(0)), dim(0),
                        random.nextInt(2), random.nextBoolean() ? Optional.empty() : Optional.of(List.of(2, 0)), name());
            case 1 -> new Step.Copy(1, dim(0), 2, dim(0), dim(0));
            case 2 -> new Step.ReadSymbols(4, ElementType.I64, List.of("batch", "seq.1"));
            case 3 -> new Step.WriteDims(5, ElementType.I32, some(() -> dim(0)));
            case 4 -> new Step.Check(dim(0), relations[random.nextInt(relations.length)], dim(0), name());
            case 5 -> new Step.If(7, steps(depth + 1), steps(depth + 1));
            default ->
                new Step.Loop(random.nextBoolean() ? Optional.empty() : Optional.of(dim(0)), random.nextInt(4) - 1,
                        "batch", "seq.1", some(() -> new Step.Carry(1, 2, dim(0))), steps(depth + 1));
        };
    }

    @Test
    void anErrorNamesTheLine() {
        var text = plan().toString();
        refuses("", "line 1");
        refuses("plan 2\n", "version 1 and this one is 2");
        refuses("plan 1\nsteps {\n}\n", "line 2: expected an 'arena' line");
        refuses("plan 1\narena 0\nsteps {\n", "line 4: the text ends too early");
        refuses("plan 1\narena 0\nsteps {\n  jump 5\n}\n", "line 4: 'jump' is none of launch");
        refuses("plan 1\narena n*\nsteps {\n}\n", "line 2: 'n*' is no integer expression");
        refuses("plan 1\nsymbol 9x 1 2\n", "line 2");
        refuses("plan 1\narena 0\nsteps {\n  copy 0 0 to 1 0 bytes 4 5\n}\n", "line 4: expected the end of the line");
        refuses(text + "x", "after the steps");
        var nested = "plan 1\narena 0\nsteps {\n" + "if 0 {\n".repeat(10_000);
        refuses(nested, "nested");
    }

    @Test
    void mutatedTextIsReadOrRefusedButNeverAnotherError() {
        for (int round = 0; round < 3000; round++) {
            var text = new StringBuilder(plan().toString());
            for (int change = 0; change < 3; change++) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, (char) (' ' + random.nextInt(95)));
                    case 1 -> text.deleteCharAt(at);
                    default -> text.setLength(Math.max(4, at));
                }
            }
            try {
                Plan.parse(text.toString());
            } catch (PlanFormatException e) {
                assertTrue(e.getMessage().startsWith("plan, line "), e.getMessage());
            }
        }
    }

    private static void refuses(String text, String message) {
        var error = assertThrows(PlanFormatException.class, () -> Plan.parse(text));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }
}
