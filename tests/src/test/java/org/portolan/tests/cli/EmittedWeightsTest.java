package org.portolan.tests.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A level that is written to a file takes its weights along.
class EmittedWeightsTest {
    private static final String MODEL = """
            graph.function <name = "f", symbols = [n:1..100]> { (%x: f32[n,16]) ->
              %a = graph.constant <data = resource("w.bin", 16, 1024, "")> : f32[16,16]
              %b = graph.constant <data = resource("w.bin", 1040, 1024, "")> : f32[16,16]
              %c = graph.constant <data = resource("w.bin", 16, 1024, "")> : f32[16,16]
              %y = graph.mat-mul %x, %a <accumulate = f32> : f32[n,16]
              %z = graph.mat-mul %y, %b <accumulate = f32> : f32[n,16]
              %r = graph.mat-mul %z, %c <accumulate = f32> : f32[n,16]
              graph.return [%r]
            }
            """;

    @TempDir
    private Path folder;

    @Test
    void throughTextAndBackTheProgramStaysTheSame() throws IOException {
        var bytes = new byte[2064];
        new Random(3).nextBytes(bytes);
        var weights = Files.write(folder.resolve("w.bin"), bytes);
        var model = Files.writeString(folder.resolve("model.ir"), MODEL);
        var first = folder.resolve("first.portolan");
        run("compile", model, "-o", first);
        var elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        var graph = elsewhere.resolve("graph.ir");
        run("compile", model, "--emit", "graph", "-o", graph);
        Files.delete(model);
        Files.delete(weights);
        // Equal bytes lie there once.
        assertEquals(2048, Files.size(elsewhere.resolve("graph.ir.weights")));
        run("opt", graph, "-o", graph);
        var folded = elsewhere.resolve("folded.ir");
        run("opt", graph, "--pipeline", "fold-constants, canonicalize", "-o", folded);
        for (var text : new Path[] {graph, folded}) {
            var again = folder.resolve("again.portolan");
            run("compile", text, "-o", again);
            assertArrayEquals(Files.readAllBytes(first), Files.readAllBytes(again), text::toString);
        }
        var nests = elsewhere.resolve("nests.ir");
        run("compile", graph, "--emit", "nest", "-o", nests);
        run("opt", nests, "-o", elsewhere.resolve("nests2.ir"));
        assertEquals(2048, Files.size(elsewhere.resolve("nests2.ir.weights")));
    }

    @Test
    void besideAPipeThereIsOnlyTheText() throws Exception {
        Files.write(folder.resolve("w.bin"), new byte[2064]);
        var model = Files.writeString(folder.resolve("model.ir"), MODEL);
        var pipe = folder.resolve("pipe");
        Assumptions.assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0, "skipped: no mkfifo");
        var reader = CompletableFuture.supplyAsync(() -> {
            try {
                return Files.readString(pipe);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        run("opt", model, "-o", pipe);
        var text = reader.get(1, TimeUnit.MINUTES);
        assertTrue(text.contains("resource(\"w.bin\", 1040, 1024"), text);
        assertEquals(Set.of("w.bin", "model.ir", "pipe"), names());
        run("opt", model, "-o", "/dev/null");
        assertFalse(Files.exists(Path.of("/dev/null.weights")));
    }

    @Test
    void nothingFollowsALinkOrStaysBehind() throws IOException {
        Files.write(folder.resolve("w.bin"), new byte[2064]);
        var model = Files.writeString(folder.resolve("model.ir"), MODEL);
        var other = Files.writeString(folder.resolve("other"), "untouched");
        Files.createSymbolicLink(folder.resolve("copy.ir.weights.part"), other);
        Files.createSymbolicLink(folder.resolve("copy.ir.weights"), other);
        run("opt", model, "-o", folder.resolve("copy.ir"));
        assertEquals("untouched", Files.readString(other));
        assertEquals(1024, Files.size(folder.resolve("copy.ir.weights")));
        assertEquals(
                Set.of("w.bin", "model.ir", "other", "copy.ir", "copy.ir.weights", "copy.ir.weights.part"), names());
    }

    @Test
    void weightsWithoutElementsAreFoundAgain() throws IOException {
        Files.write(folder.resolve("w.bin"), new byte[16]);
        for (var first : List.of("", "  %a = graph.constant <data = resource(\"w.bin\", 0, 12, \"\")> : f32[3]\n")) {
            var model = Files.writeString(
                    folder.resolve("model.ir"),
                    "graph.function <name = \"f\"> { () ->\n" + first
                            + "  %b = graph.constant <data = resource(\"w.bin\", 12, 0, \"\")> : f32[0]\n"
                            + "  graph.return [%b]\n}");
            run("opt", model, "-o", folder.resolve("copy.ir"));
            run("opt", folder.resolve("copy.ir"), "-o", folder.resolve("again.ir"));
            assertEquals(first.isEmpty() ? 0 : 12, Files.size(folder.resolve("again.ir.weights")));
        }
    }

    private Set<String> names() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    @Test
    void outputsKeepTheirNamesWhereOthersAreCalledAlike() {
        var x = Value.of(Type.tensor(ElementType.F32, Dim.list(2)), "x");
        var inner = Value.of(x.type(), "out");
        var outer = Value.of(x.type(), "out");
        var body = new Body(
                List.of(x),
                List.of(
                        new GraphOp.Broadcast(x, inner),
                        new GraphOp.Broadcast(inner, outer),
                        new GraphOp.Return(List.of(outer))));
        var text = IrPrinter.print(new GraphOp.Function("f", List.of(), body));
        // Functions and programs beside each other may have inputs and outputs of the same names.
        var texts = IrParser.parse(text + text.replace("\"f\"", "\"g\""), "two.ir");
        var again = IrParser.parse(IrPrinter.print(texts), "again.ir");
        assertEquals(2, again.size());
        for (var function : again) {
            var read = ((GraphOp.Function) function).body();
            assertEquals("x", read.params().getFirst().hint());
            assertEquals("out", ((GraphOp.Return) read.terminator()).values().getFirst().hint());
        }
    }

    @Test
    void outputsOfAProgramKeepTheirNames() {
        var x = Value.of(new Type.Buffer(ElementType.F32, Dim.list(2), Type.Space.GLOBAL), "x");
        var inner = Value.of(x.type(), "out");
        var outer = Value.of(x.type(), "out");
        var body = new Body(
                List.of(x),
                List.of(
                        new PlanOp.AllocateLate(inner),
                        new PlanOp.AllocateLate(outer),
                        new PlanOp.Return(List.of(outer))));
        var text = IrPrinter.print(new PlanOp.Program("p", List.of(), Dim.ZERO, body));
        var again = (PlanOp.Program) IrParser.parse(text, "again.ir").getFirst();
        var returned = (PlanOp.Return) again.body().ops().getLast();
        assertEquals("out", returned.values().getFirst().hint(), text);
    }

    @Test
    void withoutWeightsThereIsOnlyTheText() throws IOException {
        var model = Files.writeString(
                folder.resolve("model.ir"),
                "graph.function <name = \"f\", symbols = [n:1..100]> { (%x: f32[n]) -> graph.return [%x] }");
        run("opt", model, "-o", folder.resolve("copy.ir"));
        assertFalse(Files.exists(folder.resolve("copy.ir.weights")));
    }

    private static void run(Object... arguments) {
        var run = ShellRun.of(arguments);
        assertEquals(ExitCode.FINE, run.exitCode(), run::err);
    }
}
