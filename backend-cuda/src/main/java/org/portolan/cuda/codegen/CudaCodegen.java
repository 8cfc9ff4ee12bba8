package org.portolan.cuda.codegen;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.TensorMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.llvm.LlvmCodegen;
import org.portolan.llvm.ThreadCode;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;
import org.portolan.runtime.type.Dim;

/// NVIDIA GPUs through LLVM: an image holds PTX text, one module for each kernel.
public final class CudaCodegen implements Codegen {
    private static final String FAMILY = "cuda";
    /// What every GPU since 2020 runs: PTX is compiled for the device when it is loaded.
    private static final String BASELINE = "sm_80";

    /// Of a kernel, 64 bits each: PTX has room for 4,352 bytes.
    private static final int MOST_PARAMETERS = 544;

    private static final String MACHINE_CODE = "portolan.cuda.cubin";

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

    /// The architecture: a device has the name of its own and of every older one whose code it runs.
    @Override
    public List<String> requirements(MachineOp.Chip machine) {
        return List.of(machine.processor());
    }

    @Override
    public List<String> textForms() {
        return List.of("llvm", "ptx");
    }

    @Override
    public String emit(String form, List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return switch (form) {
            case "llvm" -> new LlvmCodegen().llvm(kernels, machine);
            case "ptx" -> {
                var text = new StringBuilder();
                var codes = new LlvmCodegen().threads(kernels, machine);
                for (int i = 0; i < kernels.size(); i++) {
                    text.append(PtxText.annotated(kernels.get(i), codes.get(i))).append('\n');
                }
                yield text.toString();
            }
            default -> throw new CompileException("'" + form + "' is no text form of cuda; expected one of " + textForms());
        };
    }

    @Override
    public Image compile(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return new Image(
                CudaImage.FORMAT, new CudaImage(machine.name(), modules(kernels, machine)).toBytes());
    }

    @Override
    public List<Finding> examine(byte[] image) {
        var modules = CudaImage.read(MemorySegment.ofArray(image)).modules();
        var assembled = new HashMap<String, Ptxas.Assembled>();
        Ptxas.find().ifPresent(
                assembler -> assembler.examine(modules).forEach(said -> assembled.put(said.kernel(), said)));
        return modules.stream()
                .map(module -> {
                    var entry = module.entry();
                    var said = assembled.getOrDefault(entry.name(), new Ptxas.Assembled(entry.name(), 0, 0, 0));
                    return new Finding(
                            entry.name(),
                            entry.threads(),
                            entry.sharedBytes() + PtxText.sharedBytes(module.ptx()),
                            said.registers(),
                            said.stackBytes(),
                            said.spilledBytes());
                })
                .toList();
    }

    /// Machine code beside the text, where the vendor's assembler is at hand and it is asked for: what that makes differs
    /// from one of its versions to the next, and two builds of a model are to be the same.
    private static Optional<byte[]> machineCode(String ptx) {
        if (!Boolean.getBoolean(MACHINE_CODE)) {
            return Optional.empty();
        }
        var assembler = Ptxas.find()
                .orElseThrow(() -> new CompileException(
                        "-D" + MACHINE_CODE + " asks for machine code, and there is no ptxas on the PATH"));
        return Optional.of(assembler.assemble(ptx));
    }

    /// The sizes over the words of a launch: buffers first, then symbols.
    private static TensorMap map(ThreadCode.Box box, TileOp.Kernel kernel) {
        int buffers = kernel.body().params().size();
        return new TensorMap(
                box.parameter(),
                box.element(),
                box.sizes().stream()
                        .map(size -> size.substitute(
                                name -> Dim.symbol("$" + (buffers + kernel.symbols().indexOf(name)))))
                        .toList(),
                box.box(),
                box.swizzle());
    }

    private static List<CudaImage.Module> modules(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        var byName = new LinkedHashMap<String, TileOp.Kernel>();
        kernels.forEach(kernel -> byName.put(kernel.name(), kernel));
        var modules = new ArrayList<CudaImage.Module>();
        for (var code : new LlvmCodegen().threads(kernels, machine)) {
            var kernel = byName.get(code.name());
            var entry = new KernelEntry(
                    code.name(),
                    code.threads(),
                    code.blocks() ? KernelEntry.Points.BLOCKS : KernelEntry.Points.THREADS,
                    code.sharedBytes(),
                    kernel.body().params().size() + kernel.symbols().size(),
                    code.boxes().stream().map(box -> map(box, kernel)).toList());
            if (entry.parameterBytes() > MOST_PARAMETERS * Long.BYTES) {
                throw new CompileException("kernel " + kernel.name() + " of " + String.join(", ", kernel.origin()) + " has "
                        + entry.parameters() + " parameters, and a kernel has at most " + MOST_PARAMETERS);
            }
            var ptx = PtxText.of(kernel, code);
            modules.add(new CudaImage.Module(entry, ptx, machineCode(ptx)));
        }
        return modules;
    }
}
