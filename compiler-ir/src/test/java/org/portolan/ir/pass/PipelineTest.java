package org.portolan.ir.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.text.IrSyntaxException;
import org.portolan.ir.text.ResourceStore;

class PipelineTest {
    private static final String MODULE = """
            graph.function <name = f> { (%x: f32[2]) ->
              %w = graph.constant <data = resource("weights.bin", 4, 8, "ab12")> : f32[2]
              %unused = graph.constant <data = splat(1.0)> : f32[2]
              graph.return [%w]
            }
            """;
    private static final ResourceStore STORE = ResourceStore.of(
            Map.of("weights.bin", MemorySegment.ofArray(new byte[] {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})));

    /// Does nothing, with options of every kind.
    public record Leave(
            String machine, long count, boolean loud, Type.Space space, List<Long> sizes, Optional<Nested> more)
            implements Pass {
        @Override
        public List<Op> run(List<Op> module) {
            return module;
        }
    }

    public record Nested(double rate, String name) {}

    public record FailAlways() implements Pass {
        @Override
        public List<Op> run(List<Op> module) {
            throw new IrException("it does not fit");
        }
    }

    private static final List<Class<? extends Pass>> CLASSES =
            List.of(Leave.class, FailAlways.class, Canonicalize.class);

    @Test
    void readsAndPrints() {
        for (var text : List.of(
                "",
                "canonicalize",
                "canonicalize, leave{machine=znver5, count=3}",
                "leave{machine=\"x86-64-v3\", count=-1, loud=true, space=shared, sizes=[1, 2], more={rate=0.5, name=\"a b\"}}")) {
            assertEquals(text, Pipeline.parse(text, CLASSES).toString());
        }
        assertEquals(
                "leave{machine=\"x86-64-v3\", count=3}",
                Pipeline.parse("leave { machine = x86-64-v3, count = 3 }", CLASSES)
                        .toString());
        assertTrue(Pipeline.parse("canonicalize").passes().getFirst() instanceof Canonicalize);
    }

    @Test
    void namesWhatIsUnknown() {
        var pass = assertThrows(IrSyntaxException.class, () -> Pipeline.parse("canonicalize, fold", CLASSES));
        assertEquals(
                "pipeline:1:15: expected one of canonicalize, fail-always, leave, found 'fold'", pass.getMessage());
        var option = assertThrows(IrSyntaxException.class, () -> Pipeline.parse("canonicalize{a=1}", CLASSES));
        assertEquals("pipeline:1:14: Canonicalize has no attribute a, which takes none", option.getMessage());
    }

    @Test
    void listenersSeeEachStep(@TempDir Path folder) throws IOException {
        var module = IrParser.parse(MODULE, "module.ir", STORE);
        var timing = new PassTiming();
        var statistics = new PassStatistics();
        var pipeline = Pipeline.parse("canonicalize, leave{machine=a, count=1}", CLASSES);
        var result = pipeline.run(module, timing, statistics, new PassDumps(folder), new PassVerification());
        assertEquals(
                List.of("canonicalize", "leave"),
                timing.entries().stream().map(PassTiming.Entry::pass).toList());
        assertEquals(2, statistics.entries().get(0).counts().get("graph.constant"));
        assertEquals(1, statistics.entries().get(1).counts().get("graph.constant"));
        assertEquals(IrPrinter.print(module), Files.readString(folder.resolve("00-input.ir")));
        assertEquals(IrPrinter.print(result), Files.readString(folder.resolve("02-leave.ir")));
    }

    @Test
    void aFailureCanBeRunAgain(@TempDir Path folder) throws IOException {
        var module = IrParser.parse(MODULE, "module.ir", STORE);
        var pipeline = Pipeline.parse("canonicalize, fail-always, leave{machine=a, count=1}", CLASSES);
        var error = assertThrows(
                PassException.class, () -> pipeline.run(module, List.of(), Optional.of(new Reproducer(folder, false))));
        assertEquals("fail-always", error.pass());
        assertEquals(
                "pass fail-always failed: it does not fit; it can be run again from " + folder, error.getMessage());

        var text = Files.readString(folder.resolve("input.ir"));
        var again = IrParser.parse(text, "input.ir", ResourceStore.folder(folder));
        assertEquals(text, IrPrinter.print(again));
        assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, Files.readAllBytes(folder.resolve(weights(text).getFirst())));
        var rest = Pipeline.parse(Files.readString(folder.resolve("pipeline.txt")), CLASSES);
        assertEquals("fail-always, leave{machine=a, count=1}", rest.toString());
        assertThrows(PassException.class, () -> rest.run(again));
    }

    private static List<String> weights(String text) {
        return Pattern.compile("resource\\(\"([0-9a-f]{64}\\.bin)\", 0, 8, ")
                .matcher(text)
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    /// A text may name parts of one file, without digests; and what a pass computes has the name of what it is computed
    /// for, of which there may be several.
    @Test
    void weightsOfOneNameStayApart(@TempDir Path folder) throws IOException {
        var bytes = MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
        var module = IrParser.parse(
                """
                graph.function <name = f> {
                  %a = graph.constant <data = resource("w", 0, 8, "")> : f32[2]
                  %b = graph.constant <data = resource("w", 8, 8, "")> : f32[2]
                  graph.return [%a, %b]
                }
                """,
                "module.ir",
                ResourceStore.of(Map.of("w", bytes)));
        new Reproducer(folder, false).write(module, Pipeline.of(new Canonicalize()));
        var text = Files.readString(folder.resolve("input.ir"));
        var again = IrParser.parse(text, "input.ir", ResourceStore.folder(folder));
        assertEquals(text, IrPrinter.print(again));
        var names = weights(text);
        assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, Files.readAllBytes(folder.resolve(names.get(0))));
        assertArrayEquals(new byte[] {9, 10, 11, 12, 13, 14, 15, 16}, Files.readAllBytes(folder.resolve(names.get(1))));

        var one = ResourceBytes.computed("sum", bytes.asSlice(0, 8));
        var other = ResourceBytes.computed("sum", bytes.asSlice(8, 8));
        assertNotEquals(one.name(), other.name());
        assertTrue(one.name().startsWith("sum-"), one.name());
    }

    @Test
    void aReproducerMayLeaveTheWeightsOut(@TempDir Path folder) throws IOException {
        var module = IrParser.parse(MODULE, "module.ir", STORE);
        new Reproducer(folder, true).write(module, Pipeline.of(new Canonicalize()));
        var text = Files.readString(folder.resolve("input.ir"));
        assertTrue(text.contains("graph.constant <data = random("), text);
        IrParser.parse(text, "input.ir");
    }

    @Test
    void nothingToDoChangesNothing() {
        var module = IrParser.parse(MODULE.replaceAll("(?m)^.*unused.*\\n", ""), "module.ir", STORE);
        assertSame(
                module.getFirst(), Pipeline.of(new Canonicalize()).run(module).getFirst());
    }
}
