package org.portolan.onnx.reader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxTensor;

/// A model names files; only plain files below its own folder are opened.
class ExternalDataTest {
    @TempDir
    private Path home;

    private Path folder;

    @BeforeEach
    void writeWeights() throws IOException {
        folder = Files.createDirectories(home.resolve("model"));
        Files.createDirectories(folder.resolve("data"));
        var weights = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        weights.putFloat(1).putFloat(2).putFloat(3).putFloat(4);
        Files.write(folder.resolve("w.bin"), weights.array());
        Files.write(folder.resolve("data", "w.bin"), weights.array());
        Files.write(home.resolve("secret.bin"), weights.array());
    }

    private OnnxTensor read(String location, String more) throws IOException {
        var model = OnnxText.model("""
            initializer { name: "w" data_type: 1 dims: 2 data_location: 1
              external_data { key: "location" value: "%s" } %s }
            output { name: "w" }
            """.formatted(location, more));
        var file = folder.resolve("model.onnx");
        Files.write(file, model);
        return new OnnxReader().model(file).graph().initializers().getFirst();
    }

    private static String entry(String key, String value) {
        return "external_data { key: \"%s\" value: \"%s\" }".formatted(key, value);
    }

    private OnnxException refused(String location, String more) {
        return assertThrows(OnnxException.class, () -> read(location, more));
    }

    @Test
    void aSliceOfAFileInTheFolderIsRead() throws IOException {
        var tensor = read("w.bin", entry("offset", "8") + entry("length", "8"));
        assertEquals(3f, tensor.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
        assertEquals(1f, read("data/w.bin", "").data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../secret.bin", "data/../../secret.bin", "./w.bin", "", "/etc/hostname", "data", "missing"})
    void otherPlacesAreRefused(String location) {
        assertTrue(refused(location, "").getMessage().contains("'w'"));
    }

    @Test
    void linksAreRefused() throws IOException {
        Files.createSymbolicLink(folder.resolve("link.bin"), home.resolve("secret.bin"));
        Files.createSymbolicLink(folder.resolve("inner"), home);
        Files.createLink(folder.resolve("hard.bin"), home.resolve("secret.bin"));
        refused("link.bin", "");
        refused("inner/secret.bin", "");
        refused("hard.bin", "");
    }

    @Test
    void aPipeIsRefusedAndNeverWaitedFor() throws Exception {
        var pipe = folder.resolve("pipe.bin");
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/mkfifo")), "no mkfifo here: skipped");
        new ProcessBuilder("/usr/bin/mkfifo", pipe.toString()).start().waitFor();
        assertTimeoutPreemptively(Duration.ofSeconds(5), () -> refused("pipe.bin", ""));
    }

    @Test
    void sizesAreExact() {
        refused("w.bin", entry("offset", "12"));
        refused("w.bin", entry("offset", "-4"));
        refused("w.bin", entry("offset", "9223372036854775807"));
        refused("w.bin", entry("length", "16"));
        refused("w.bin", entry("length", "4"));
        refused("w.bin", entry("__class__", "4"));
    }

    @Test
    void aModelInMemoryHasNoFolder() {
        var model = OnnxText.model("""
            initializer { name: "w" data_type: 1 dims: 2 data_location: 1 external_data { key: "location" value: "w.bin" } }
            """);
        assertThrows(OnnxException.class, () -> new OnnxReader().model(MemorySegment.ofArray(model)));
    }
}
