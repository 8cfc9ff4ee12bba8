package org.portolan.ascend.driver;

import java.nio.file.Path;

/// Turns Ascend C into a binary that {@code aclrtBinaryLoadFromFile} takes.
interface KernelBuilder {

    /// @param cores the cores that all kernels of the source run on
    /// @throws org.portolan.runtime.PortolanException.DeviceFailed if the compiler refuses the source, with its words
    Path build(String source, Chips chip, Cores cores);
}
