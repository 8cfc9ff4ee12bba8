package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;

/// Source models loaded as if they were program files: a child process compiles them.
class LoadedSourceTest {
    @TempDir
    private Path folder;

    @Test
    void aTextLoadsAndRuns() throws IOException {
        var file = Files.writeString(folder.resolve("twice.ir"), """
                graph.function <name = "twice", symbols = [n:1..1000]> { (%x: f32[n]) ->
                  %y = graph.map [%x] { (%a: f32) ->
                    %b = arith.add %a, %a : f32
                    graph.yield [%b]
                  } : f32[n]
                  graph.return [%y]
                }
                """);
        try (var model = Portolan.load(file);
                var outputs = model.run(Map.of("x", Tensor.of(new float[] {1, -2, 3}, 3)))) {
            assertArrayEquals(new float[] {2, -4, 6}, outputs.get("y").toFloatArray());
        }
    }

    @Test
    void whatDoesNotCompileSaysWhy() throws IOException {
        var file = Files.writeString(folder.resolve("broken.ir"), "graph.function <name = \"broken\"");
        var failure = assertThrows(PortolanException.CompilationFailed.class, () -> Portolan.load(file));
        assertTrue(failure.getMessage().contains("broken.ir"), failure.getMessage());
        assertTrue(failure.reasons().toString().contains("line 1") || failure.reasons().toString().contains(":1:"),
                failure.reasons().toString());
    }
}
