package org.portolan.opencl.driver;

import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.Kernel;

/// A kernel of a program. Its arguments are set and used by one thread at a time, which holds its monitor meanwhile.
final class OpenClKernel implements Kernel {
    private final String name;
    private final ImageHeader.Entry entry;
    private long handle;

    OpenClKernel(String name, ImageHeader.Entry entry, long handle) {
        this.name = name;
        this.entry = entry;
        this.handle = handle;
    }

    @Override
    public String name() {
        return name;
    }

    ImageHeader.Entry entry() {
        return entry;
    }

    /// The handle of OpenCL.
    synchronized long handle() {
        if (handle == 0) {
            throw new DeviceFailed("kernel " + name + " is used after its image was closed", null);
        }
        return handle;
    }

    synchronized void release(OpenCl library) {
        library.releaseKernel(handle);
        handle = 0;
    }
}
