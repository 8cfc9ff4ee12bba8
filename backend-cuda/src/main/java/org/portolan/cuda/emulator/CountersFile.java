package org.portolan.cuda.emulator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.portolan.cuda.emulator.run.LaunchCounts;

/// Writes what was counted.
final class CountersFile {
    private CountersFile() {}

    /// Writes a table when the process ends.
    static void writeAtExit(String file, LaunchCounts counts) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> write(Path.of(file), counts)));
    }

    private static void write(Path file, LaunchCounts counts) {
        try {
            Files.writeString(file, counts.report());
        } catch (IOException e) {
            System.err.println(
                    "the counters of the emulated device cannot be written to " + file + ": " + e.getMessage());
        }
    }
}
