package org.portolan.ascend.driver;

import java.nio.file.Path;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.ascend.emulator.EmulatorException;
import org.portolan.runtime.PortolanException.DeviceFailed;

/// Kernels for the emulated library.
final class EmulatorBuilder implements KernelBuilder {

    @Override
    public Path build(String source, Chips chip, Cores cores) {
        try {
            return AscendEmulator.compile(source, chip.number());
        } catch (EmulatorException refused) {
            throw new DeviceFailed("the emulator's compiler refuses the kernels: " + refused.getMessage(), refused);
        }
    }
}
