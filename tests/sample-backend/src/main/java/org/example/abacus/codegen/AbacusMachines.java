package org.example.abacus.codegen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.portolan.ir.text.TextLibrary;

/// The machine files of this backend.
public final class AbacusMachines implements TextLibrary {
    @Override
    public List<String> names() {
        return List.of("machines/wood.ir");
    }

    @Override
    public String read(String name) {
        try (var stream = AbacusMachines.class.getResourceAsStream("/org/example/abacus/" + name)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException problem) {
            throw new UncheckedIOException(name, problem);
        }
    }
}
