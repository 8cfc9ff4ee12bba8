package org.portolan.cli.selftest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.runtime.data.Json;

/// The script that does the measured work by PyTorch, with a module that stands in for it and with none.
class PyTorchScriptTest {
    private static final String WORK =
            """
            {"driver": "DRIVER", "ordinal": 1, "work": [
              {"name": "the model", "work": {"operation": "encoder", "type": "f32", "shape": [2, 16]}},
              {"name": "a product", "work": {"operation": "product", "type": "bf16", "shape": [64]}},
              {"name": "attention", "work": {"operation": "attention", "type": "f16", "shape": [3, 20, 8]}},
              {"name": "of an unknown type", "work": {"operation": "product", "type": "f4e2m1", "shape": [64]}}
            ]}
            """;

    @TempDir
    private Path folder;

    private static byte[] resource(String name) throws IOException {
        try (InputStream stream = PyTorchScriptTest.class.getResourceAsStream(name)) {
            return stream.readAllBytes();
        }
    }

    /// The lines that the script prints, which must all be JSON, and it must end well.
    private List<Json.Members> run(String driver) throws Exception {
        var script = Files.write(folder.resolve("script.py"), resource("pytorch.py"));
        Process process;
        try {
            process = new ProcessBuilder("python3", "-B", script.toString(), WORK.replace("DRIVER", driver)).start();
        } catch (IOException absent) {
            return Assumptions.abort("skipped: there is no python3 here");
        }
        process.getOutputStream().close();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        var errors = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), errors);
        return said.lines().map(line -> Json.parse(line).asMembers()).toList();
    }

    private static Stream<String> notes(List<Json.Members> lines) {
        return lines.stream().filter(line -> line.members().containsKey("note")).map(line -> line.get("note").asText());
    }

    @Test
    void whereItIsNotThereTheScriptSaysSo() throws Exception {
        Files.writeString(folder.resolve("torch.py"), "raise ImportError('no such module')");
        var lines = run("cuda");
        assertEquals(List.of("PyTorch is not there: no such module"), notes(lines).toList());
        Files.writeString(folder.resolve("torch.py"), "raise OSError('libcudart.so.12: cannot open shared object file')");
        assertTrue(notes(run("cuda")).findFirst().orElseThrow().contains("libcudart.so.12"));
    }

    /// What can be measured is, and what cannot is said: an unknown type, and a model that is not compiled.
    @Test
    void whatIsMeasuredIsNamedAsItWasAsked() throws Exception {
        Files.write(folder.resolve("torch.py"), resource("torch.py"));
        var lines = run("cuda");
        var measured = lines.stream()
                .filter(line -> line.members().containsKey("milliseconds"))
                .map(line -> line.get("name").asText() + " by " + line.get("way").asText())
                .toList();
        assertEquals(
                List.of("a product by torch.matmul", "attention by scaled_dot_product_attention", "the model by eager"), measured);
        assertTrue(lines.stream()
                .filter(line -> line.members().containsKey("milliseconds"))
                .allMatch(line -> line.get("milliseconds").asDouble() > 0));
        var said = notes(lines).toList();
        assertTrue(said.getFirst().contains("stand-in 1"), said::toString);
        assertTrue(said.contains("torch.compile failed for the model: RuntimeError: there is no compiler"), said::toString);
        assertTrue(said.stream().anyMatch(note -> note.startsWith("PyTorch failed at of an unknown type: KeyError")), said::toString);
    }

    @Test
    void aDeviceThatItDoesNotKnowIsSaid() throws Exception {
        Files.write(folder.resolve("torch.py"), resource("torch.py"));
        var said = notes(run("abacus")).toList();
        assertEquals(1, said.size());
        assertTrue(said.getFirst().endsWith("does not see the device"), said::toString);
    }
}
