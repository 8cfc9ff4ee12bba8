package org.portolan.cuda.codegen;

import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;

/// NVIDIA GPUs through LLVM: an image holds PTX text.
public final class CudaCodegen implements Codegen {
    private static final String FAMILY = "cuda";
    /// What every GPU since 2020 runs: PTX is compiled for the device when it is loaded.
    private static final String BASELINE = "sm_80";

    @Override
    public String family() {
        return FAMILY;
    }

    @Override
    public List<MachineOp.Chip> machines() {
        return Machines.of(FAMILY);
    }

    @Override
    public MachineOp.Chip defaultMachine() {
        return Machines.find(FAMILY, BASELINE)
                .orElseThrow(() -> new CompileException("there is no machine file " + BASELINE));
    }

    @Override
    public List<String> requirements(MachineOp.Chip machine) {
        return List.of(machine.processor());
    }

    @Override
    public List<String> textForms() {
        return List.of();
    }

    @Override
    public String emit(String form, List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        throw new CompileException("'" + form + "' is no text form of cuda; expected one of " + textForms());
    }

    @Override
    public Image compile(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        throw new CompileException("kernels for cuda are not emitted yet");
    }
}
