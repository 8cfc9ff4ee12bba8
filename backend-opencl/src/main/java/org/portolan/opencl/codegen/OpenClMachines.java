package org.portolan.opencl.codegen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.portolan.ir.text.TextLibrary;

/// The machine files of OpenCL devices.
public final class OpenClMachines implements TextLibrary {
    private static final List<String> NAMES = List.of("opencl-cpu", "opencl-gpu", "opencl-gpu-adreno", "opencl-gpu-intel-xe", "opencl-gpu-mali");

    @Override
    public List<String> names() {
        return NAMES.stream().map(name -> "machines/" + name + ".ir").toList();
    }

    @Override
    public String read(String name) {
        try (var stream = OpenClMachines.class.getResourceAsStream("/org/portolan/opencl/" + name)) {
            if (stream == null) {
                throw new UncheckedIOException(new IOException("no machine file " + name));
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the machine file " + name, e);
        }
    }
}
