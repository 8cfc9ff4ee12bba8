package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// {@code ptxas}, where it is installed: what it refuses is no PTX, however well the emulator runs it.
final class Assembler {
    private static final Optional<Path> PROGRAM = Arrays.stream(
                    Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
            .filter(folder -> !folder.isEmpty())
            .map(folder -> Path.of(folder, "ptxas"))
            .filter(Files::isExecutable)
            .findFirst();

    private static final Set<String> TEXTS = new LinkedHashSet<>();

    private Assembler() {}

    static boolean isThere() {
        return PROGRAM.isPresent();
    }

    /// Remembers a file whose kernel is named {@code k}.
    static void add(String text) {
        TEXTS.add(text);
    }

    /// Fails with what the assembler says if it refuses one of the files; does nothing where it is not installed. One run
    /// of it takes all: its start takes longer than the kernels.
    static void requireAll() {
        var all = new StringBuilder();
        int number = 0;
        for (var text : TEXTS) {
            int body = text.indexOf(".visible");
            all.append(number == 0 ? text.substring(0, body) : "")
                    .append(text.substring(body).replaceFirst("entry k\\b", "entry k" + number++));
        }
        TEXTS.clear();
        if (PROGRAM.isPresent() && number > 0) {
            require(all.toString());
        }
    }

    private static void require(String text) {
        try {
            var file = Files.createTempFile("portolan", ".ptx");
            try {
                Files.writeString(file, text);
                var process = new ProcessBuilder(
                                PROGRAM.get().toString(), "-arch=sm_90a", "-o", "/dev/null", file.toString())
                        .redirectErrorStream(true)
                        .start();
                process.getOutputStream().close();
                var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertEquals(0, process.waitFor(), () -> said + numbered(text));
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String numbered(String text) {
        var lines = text.lines().toList();
        return IntStream.range(0, lines.size())
                .mapToObj(index -> index + 1 + " " + lines.get(index))
                .collect(Collectors.joining("\n"));
    }
}
