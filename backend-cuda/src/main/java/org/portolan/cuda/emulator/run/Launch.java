package org.portolan.cuda.emulator.run;

import java.util.function.BooleanSupplier;

/// One launch of a kernel.
///
/// @param parameters bytes of its parameters, as the kernel declares them
/// @param dynamicShared bytes of the shared variable whose size the launch decides
/// @param checked whether reads of unwritten memory and races are looked for
/// @param counted whether memory requests are counted
/// @param failed whether a kernel has already told the host that its data is wrong: whatever comes after is dropped, and may
///     read what was never written
public record Launch(
        Program program,
        GlobalMemory memory,
        Extent grid,
        Extent block,
        byte[] parameters,
        int dynamicShared,
        boolean checked,
        boolean counted,
        BooleanSupplier failed) {

    /// Threads of a block.
    int threads() {
        return block.count();
    }
}
