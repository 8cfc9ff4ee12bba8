package org.example.abacus.codegen;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;

/// Turns kernels into what the device loads: their text.
public final class AbacusCodegen implements Codegen {
    @Override
    public String family() {
        return "abacus";
    }

    @Override
    public List<MachineOp.Chip> machines() {
        return Machines.of("abacus");
    }

    @Override
    public MachineOp.Chip defaultMachine() {
        return machines().getFirst();
    }

    @Override
    public List<String> requirements(MachineOp.Chip machine) {
        return List.of();
    }

    @Override
    public List<String> textForms() {
        return List.of();
    }

    @Override
    public String emit(String form, List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        throw new CompileException("abacus has no text form '" + form + "'");
    }

    @Override
    public Image compile(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return new Image("kernels", IrPrinter.print(kernels).getBytes(StandardCharsets.UTF_8));
    }
}
