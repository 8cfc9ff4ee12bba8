package org.portolan.opencl.driver;

import org.portolan.runtime.device.Kernel;

/// A kernel of a program. Its arguments are set and used by one thread at a time, which holds its monitor meanwhile.
///
/// @param handle of OpenCL
record OpenClKernel(String name, ImageHeader.Entry entry, long handle) implements Kernel {}
