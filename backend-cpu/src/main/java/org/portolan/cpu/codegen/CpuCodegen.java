package org.portolan.cpu.codegen;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.llvm.LlvmCodegen;
import org.portolan.llvm.LlvmTarget;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;

/// Processors through LLVM: an image is one ELF shared object without any dependency.
public final class CpuCodegen implements Codegen {
    private static final String FAMILY = "cpu";
    private static final String LOWEST_LEVEL = "x86-64-v2";
    private static final String HOST_LEVEL = "x86-64-v3";
    private static final Pattern PICKED =
            Pattern.compile("s?sse.*|avx.*|amx.*|fma|f16c|bmi2?|lzcnt|popcnt|movbe|gfni|neon|sve2?|v");

    @Override
    public String family() {
        return FAMILY;
    }

    @Override
    public List<MachineOp.Chip> machines() {
        return Machines.of(FAMILY);
    }

    /// This processor: the file of its model, or of the level of x86-64 that it has, with exactly its features.
    @Override
    public MachineOp.Chip defaultMachine() {
        var host = LlvmTarget.host();
        var features = List.of(host.features().split(","));
        var chip = Machines.find(FAMILY, host.cpu())
                .or(() -> Machines.find(FAMILY, level(features)))
                .orElseThrow(() -> new CompileException("no machine file describes this processor, " + host.cpu()
                        + "; compile for one of " + machines().stream().map(MachineOp.Chip::name).toList()));
        return new MachineOp.Chip(
                host.cpu(),
                FAMILY,
                host.triple(),
                host.cpu(),
                features,
                chip.vectors(),
                chip.vectorBytes(),
                chip.vectorRegisters(),
                chip.fmaPerCycle(),
                chip.level1Bytes(),
                chip.level2Bytes(),
                chip.sharedBytes(),
                chip.blockLimit(),
                chip.warp(),
                chip.alignment(),
                chip.types(),
                chip.narrowProducts(),
                chip.sourceLines(),
                chip.intrinsics());
    }

    /// A level of x86-64 that servers have had for ten years, if this processor has it too.
    @Override
    public Optional<MachineOp.Chip> hostMachine() {
        var here = defaultMachine();
        return Machines.find(FAMILY, HOST_LEVEL)
                .filter(chip -> here.triple().equals(chip.triple()))
                .filter(chip -> !level(here.features()).equals(LOWEST_LEVEL))
                .or(() -> Optional.of(here));
    }

    private static String level(List<String> features) {
        if (features.containsAll(List.of("+avx512f", "+avx512bw", "+avx512cd", "+avx512dq", "+avx512vl"))) {
            return "x86-64-v4";
        }
        if (features.containsAll(List.of("+avx2", "+fma", "+f16c"))) {
            return HOST_LEVEL;
        }
        return LOWEST_LEVEL;
    }

    /// The level of x86-64, where that is the processor, and the features whose instructions LLVM picks by itself.
    @Override
    public List<String> requirements(MachineOp.Chip machine) {
        return Stream.concat(
                        Stream.of(machine.processor()).filter(processor -> processor.startsWith("x86-64-")),
                        machine.features().stream()
                                .filter(feature -> feature.startsWith("+"))
                                .map(feature -> feature.substring(1))
                                .filter(feature -> PICKED.matcher(feature).matches()))
                .sorted()
                .toList();
    }

    @Override
    public List<String> textForms() {
        return List.of("llvm", "asm");
    }

    @Override
    public String emit(String form, List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return switch (form) {
            case "llvm" -> new LlvmCodegen().llvm(kernels, machine);
            case "asm" -> new LlvmCodegen().assembly(kernels, machine);
            default -> throw new CompileException("'" + form + "' is no text form of cpu; expected one of " + textForms());
        };
    }

    @Override
    public Image compile(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return new Image("elf", new LlvmCodegen().sharedObject(kernels, machine));
    }
}
