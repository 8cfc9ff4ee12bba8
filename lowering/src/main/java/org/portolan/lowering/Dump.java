package org.portolan.lowering;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/// Writes the texts of a compilation to a folder, where one was asked for.
record Dump(Optional<Path> folder) {

    boolean isOn() {
        return folder.isPresent();
    }

    void write(String name, Supplier<String> text) throws IOException {
        if (isOn()) {
            Files.createDirectories(folder.get());
            Files.writeString(folder.get().resolve(name), text.get());
        }
    }
}
