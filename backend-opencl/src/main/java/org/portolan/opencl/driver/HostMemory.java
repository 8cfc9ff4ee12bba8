package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// The host's own memory, which kernels read and write in place.
final class HostMemory implements DeviceMemory {
    /// Drivers want any type of theirs to lie well.
    private static final long ALIGNMENT = 128;

    private final OpenCl library;

    HostMemory(OpenCl library) {
        this.library = library;
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        try {
            return arena.allocate(Math.max(1, bytes), Math.max(ALIGNMENT, alignment)).asSlice(0, bytes);
        } catch (OutOfMemoryError e) {
            throw new LimitExceeded("the host has not the " + bytes + " bytes that a run needs; "
                    + "give the model smaller inputs, or let fewer runs work at once");
        }
    }

    @Override
    public int setArgument(long kernel, int number, long address, MemorySegment scratch) {
        int code = library.setPointer(kernel, number, address);
        scratch.set(ValueLayout.JAVA_LONG, 0, 0);
        return code != ErrorCode.SUCCESS ? code : library.setArgument(kernel, number + 1, 8, scratch);
    }

    @Override
    public int setPlainArgument(long kernel, int number, long address, MemorySegment scratch) {
        return library.setPointer(kernel, number, address);
    }

    @Override
    public int copyIn(long queue, MemorySegment host, long device, long bytes) {
        return copyBetween(queue, host, MemorySegment.ofAddress(device).reinterpret(bytes), bytes);
    }

    @Override
    public int copyOut(long queue, long device, MemorySegment host, long bytes) {
        return copyBetween(queue, MemorySegment.ofAddress(device).reinterpret(bytes), host, bytes);
    }

    private int copyBetween(long queue, MemorySegment from, MemorySegment to, long bytes) {
        if (from.isNative() && to.isNative()) {
            return copy(queue, from.address(), to.address(), bytes);
        }
        // An array of the host can move: it is copied here, when all work so far is done.
        int code = library.finish(queue);
        MemorySegment.copy(from, 0, to, 0, bytes);
        return code;
    }

    @Override
    public int copy(long queue, long from, long to, long bytes) {
        return bytes == 0 ? ErrorCode.SUCCESS : library.copyShared(queue, from, to, bytes);
    }
}
