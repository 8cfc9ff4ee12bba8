package org.portolan.lowering;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrPrinter;

/// Writes the texts that a code generator makes of kernels to a folder: {@code kernels.llvm}, {@code kernels.asm} ...; and the
/// text of each kernel as a file of its own, {@code kernel_0.tile}: the files that a program's line information names.
record CodeDump(Path folder) {

    void write(List<TileOp.Kernel> kernels, Target target) throws IOException {
        Files.createDirectories(folder);
        for (var kernel : kernels) {
            // A name is data: it names no other folder.
            var name = kernel.name().replaceAll("[^A-Za-z0-9_.-]", "_") + ".tile";
            Files.writeString(folder.resolve(name), IrPrinter.print(kernel));
        }
        for (var form : target.codegen().textForms()) {
            Files.writeString(
                    folder.resolve("kernels." + form), target.codegen().emit(form, kernels, target.machine()));
        }
    }
}
