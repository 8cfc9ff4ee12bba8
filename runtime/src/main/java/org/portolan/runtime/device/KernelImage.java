package org.portolan.runtime.device;

/// Kernels loaded onto a device.
public interface KernelImage extends AutoCloseable {

    /// The kernel of that name.
    ///
    /// @throws org.portolan.runtime.PortolanException.BadProgramFile if the image has none
    Kernel kernel(String name);

    /// Unloads the kernels; none of them may be running.
    @Override
    void close();
}
