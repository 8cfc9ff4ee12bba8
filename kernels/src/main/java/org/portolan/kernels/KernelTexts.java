package org.portolan.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.portolan.ir.text.TextLibrary;

/// The kernels of this module: every resource that {@code kernels/index} names, a line each.
public final class KernelTexts implements TextLibrary {
    @Override
    public List<String> names() {
        return read("kernels/index").lines().filter(line -> !line.isBlank()).toList();
    }

    @Override
    public String read(String name) {
        try (var stream = KernelTexts.class.getResourceAsStream("/org/portolan/" + name)) {
            if (stream == null) {
                throw new IOException("no kernel text " + name);
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the kernel text " + name, e);
        }
    }
}
