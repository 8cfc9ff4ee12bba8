package org.portolan.ascend.codegen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.portolan.ir.text.TextLibrary;

/// The machine files of Ascend chips.
public final class AscendMachines implements TextLibrary {
    private static final List<String> NAMES = List.of("910b", "310p", "950");

    @Override
    public List<String> names() {
        return NAMES.stream().map(name -> "machines/" + name + ".ir").toList();
    }

    @Override
    public String read(String name) {
        return resource(name);
    }

    /// The text of one of this module's files.
    static String resource(String name) {
        try (var stream = AscendMachines.class.getResourceAsStream("/org/portolan/ascend/" + name)) {
            if (stream == null) {
                throw new UncheckedIOException(new IOException("the module has no file " + name));
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the file " + name, e);
        }
    }
}
