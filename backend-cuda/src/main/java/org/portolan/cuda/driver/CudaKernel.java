package org.portolan.cuda.driver;

import org.portolan.cuda.image.KernelEntry;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Kernel;

/// A function of a loaded module.
record CudaKernel(KernelEntry entry, long function) implements Kernel {
    /// Of blocks along the first axis of a launch.
    private static final long MOST_BLOCKS = Integer.MAX_VALUE;

    @Override
    public String name() {
        return entry.name();
    }

    /// How many blocks run so many points of the grid.
    ///
    /// @throws LimitExceeded if a launch cannot have so many
    int blocks(long points) {
        long blocks = switch (entry.points()) {
            case THREADS -> Math.ceilDiv(points, entry.threads());
            case BLOCKS -> points;
        };
        if (blocks > MOST_BLOCKS) {
            throw new LimitExceeded("the kernel " + name() + " needs " + blocks + " blocks and a launch has at most "
                    + MOST_BLOCKS + "; give the model smaller inputs");
        }
        return (int) blocks;
    }
}
