package org.portolan.cpu.codegen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.portolan.ir.text.TextLibrary;

/// The machine files of processors.
public final class CpuMachines implements TextLibrary {
    private static final List<String> NAMES =
            List.of("x86-64-v2", "x86-64-v3", "x86-64-v4", "znver4", "znver5", "aarch64", "neoverse-v1", "riscv64");

    @Override
    public List<String> names() {
        return NAMES.stream().map(name -> "machines/" + name + ".ir").toList();
    }

    @Override
    public String read(String name) {
        try (var stream = CpuMachines.class.getResourceAsStream("/org/portolan/cpu/" + name)) {
            if (stream == null) {
                throw new UncheckedIOException(new IOException("no machine file " + name));
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the machine file " + name, e);
        }
    }
}
