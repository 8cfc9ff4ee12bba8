package org.portolan.ascend.driver;

import org.portolan.runtime.device.Kernel;

/// A kernel of a loaded binary.
///
/// @param handle of AscendCL
record AscendKernel(String name, ImageHeader.Entry entry, long handle) implements Kernel {}
