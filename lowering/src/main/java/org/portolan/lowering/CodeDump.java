package org.portolan.lowering;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.portolan.ir.TileOp;

/// Writes the texts that a code generator makes of kernels to a folder: {@code kernels.llvm}, {@code kernels.asm} ...
record CodeDump(Path folder) {

    void write(List<TileOp.Kernel> kernels, Target target) throws IOException {
        Files.createDirectories(folder);
        for (var form : target.codegen().textForms()) {
            Files.writeString(
                    folder.resolve("kernels." + form), target.codegen().emit(form, kernels, target.machine()));
        }
    }
}
