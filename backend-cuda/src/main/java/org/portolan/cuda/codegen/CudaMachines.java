package org.portolan.cuda.codegen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.portolan.ir.text.TextLibrary;

/// The machine files of NVIDIA GPUs.
public final class CudaMachines implements TextLibrary {
    private static final List<String> NAMES = List.of("sm_75", "sm_80", "sm_89", "sm_90", "sm_90a", "sm_100");

    @Override
    public List<String> names() {
        return NAMES.stream().map(name -> "machines/" + name + ".ir").toList();
    }

    @Override
    public String read(String name) {
        try (var stream = CudaMachines.class.getResourceAsStream("/org/portolan/cuda/" + name)) {
            if (stream == null) {
                throw new UncheckedIOException(new IOException("no machine file " + name));
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the machine file " + name, e);
        }
    }
}
