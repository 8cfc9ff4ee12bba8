package org.portolan.ir.pass;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.portolan.ir.Op;
import org.portolan.ir.text.IrPrinter;

/// Writes the module before the first and after each pass to a folder: {@code 00-input.ir}, {@code 01-fuse.ir} ...
public record PassDumps(Path folder) implements PassListener {

    @Override
    public void begin(List<Op> module) {
        write("00-input.ir", module);
    }

    @Override
    public void after(Pass pass, int position, List<Op> module, long nanoseconds) {
        write(String.format("%02d-%s.ir", position + 1, pass.name()), module);
    }

    private void write(String file, List<Op> module) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve(file), IrPrinter.print(module));
        } catch (IOException e) {
            throw new UncheckedIOException("writing " + folder.resolve(file), e);
        }
    }
}
