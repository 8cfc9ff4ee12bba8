package org.portolan.lowering;

import java.util.List;
import java.util.Optional;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;

/// Turns tile kernels into what a device loads. One service of this kind stands for each family of targets; it is found
/// by {@link java.util.ServiceLoader} and never needs the device.
public interface Codegen {

    /// The family's name, the part of a target before the colon: {@code cpu:x86-64-v3} has the family {@code cpu}.
    String family();

    /// The chips that it knows, from its machine files.
    List<MachineOp.Chip> machines();

    /// The chip that a target name without a colon means: for a host processor the one that compiles.
    ///
    /// @throws CompileException if there is none; the message says what was looked for
    MachineOp.Chip defaultMachine();

    /// The chip that kernels are compiled for which run on the host beside an accelerator: a common one, so that the
    /// program file runs on other computers too. Empty unless this is a code generator for the processor that the
    /// runtime itself runs on.
    default Optional<MachineOp.Chip> hostMachine() {
        return Optional.empty();
    }

    /// The features that a device must have to run what is compiled for the machine, in the words of the family's driver.
    List<String> requirements(MachineOp.Chip machine);

    /// The texts that it can show besides those of the levels, for example {@code llvm} and {@code asm}.
    List<String> textForms();

    /// The kernels as one of {@link #textForms()}.
    String emit(String form, List<TileOp.Kernel> kernels, MachineOp.Chip machine);

    /// The kernels as one image; each is found in it by its name.
    ///
    /// @throws CompileException if a kernel cannot be compiled; the message names the kernel and its origin
    Image compile(List<TileOp.Kernel> kernels, MachineOp.Chip machine);

    /// What is known of the kernels of an image: how they are launched, and what the vendor's own compiler makes of them, where it
    /// is installed. Empty where there is nothing to know.
    ///
    /// @throws CompileException if that compiler refuses a kernel; the message is what it says
    default List<Finding> examine(byte[] image) {
        return List.of();
    }

    /// What became of a kernel on the chip.
    ///
    /// @param threads of a block
    /// @param sharedBytes that a block's threads have together
    /// @param registers of each thread; 0: the vendor's compiler is not installed, and the numbers behind this one mean nothing
    /// @param stackBytes of memory that a thread has for itself, those of spilled registers included
    /// @param spilledBytes that a thread moves to memory and back because it has no more registers
    record Finding(
            String kernel, long threads, long sharedBytes, long registers, long stackBytes, long spilledBytes) {
        /// Whether the vendor's compiler has said something.
        public boolean isAssembled() {
            return registers > 0;
        }
    }

    /// What a device loads: {@code format} is understood by the driver of the same family, for example {@code elf}.
    record Image(String format, byte[] bytes) {}
}
