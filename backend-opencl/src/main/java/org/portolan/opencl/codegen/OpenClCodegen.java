package org.portolan.opencl.codegen;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;
import org.portolan.lowering.c.CEmitter;
import org.portolan.lowering.c.EmitException;
import org.portolan.lowering.math.ExpandElementary;

/// OpenCL C: an image is source text. Its first lines, comments, say for each kernel what a launch must know.
public final class OpenClCodegen implements Codegen {
    private static final String FAMILY = "opencl";

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
        return Machines.find(FAMILY, "opencl-cpu")
                .orElseThrow(() -> new CompileException("the machine file opencl-cpu is missing from backend-opencl"));
    }

    /// What a device must have that runs the text: an extension, or {@code sub_group_exchange}, which more than one
    /// extension gives.
    @Override
    public List<String> requirements(MachineOp.Chip machine) {
        var required = new ArrayList<String>();
        if (machine.types().contains("f64")) {
            required.add("cl_khr_fp64");
        }
        if (machine.warp() > 1) {
            required.add("sub_group_exchange");
        }
        return required;
    }

    @Override
    public List<String> textForms() {
        return List.of("opencl");
    }

    @Override
    public String emit(String form, List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        if (!textForms().contains(form)) {
            throw new CompileException("'" + form + "' is no text form of opencl; expected one of " + textForms());
        }
        return source(kernels, machine);
    }

    @Override
    public Image compile(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return new Image("opencl-c", source(kernels, machine).getBytes(StandardCharsets.UTF_8));
    }

    private static String source(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        var expanded = new ArrayList<TileOp.Kernel>();
        for (var kernel : kernels) {
            expanded.add(new TileOp.Kernel(
                    kernel.name(),
                    kernel.symbols(),
                    kernel.grid(),
                    kernel.origin(),
                    ExpandElementary.expand(kernel.body(), machine.fmaPerCycle() > 0)));
        }
        var intrinsics = new HashMap<String, String>();
        for (var op : machine.intrinsics().ops()) {
            if (op instanceof MachineOp.Intrinsic intrinsic) {
                intrinsics.put(intrinsic.name(), intrinsic.spelling());
            }
        }
        var words = new OpenClWords(
                machine.vectorBytes(),
                machine.types().contains("f64"),
                machine.features().contains("cl_khr_int64_base_atomics"),
                machine.warp());
        try {
            var source = CEmitter.emit(expanded, words, intrinsics);
            var text = new StringBuilder();
            for (int i = 0; i < kernels.size(); i++) {
                var kernel = source.kernels().get(i);
                var origin = String.join(", ", kernels.get(i).origin()).replaceAll("[\\s\\\\]", " ");
                text.append("//: ").append(kernel.function()).append(' ').append(kernel.name())
                        .append(" buffers=").append(kernel.buffers()).append(" symbols=").append(kernel.symbols())
                        .append(" block=").append(kernel.block()).append(" shared=").append(kernel.sharedBytes())
                        .append(kernel.exchanges() ? " warp=" + machine.warp() : "")
                        .append(" of ").append(origin).append('\n');
            }
            return text + source.text();
        } catch (EmitException failure) {
            throw new CompileException(failure.getMessage(), failure);
        }
    }
}
