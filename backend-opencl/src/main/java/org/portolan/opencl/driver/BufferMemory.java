package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// Memory objects behind made-up addresses: each object has a range of its own, and an address within it is the object and
/// the bytes from its start.
final class BufferMemory implements DeviceMemory {
    private static final int ERROR_VALUE = -30;
    private static final long READ_WRITE = 1;
    /// Ranges begin far from whatever else is an address, and never touch.
    private static final long FIRST = 1L << 52;
    private static final long PAGE = 4096;
    /// Kernels may work on the whole word around a small element.
    private static final long GRANULE = 4;

    private final OpenCl library;
    private final long context;
    private final long most;
    private final ConcurrentSkipListMap<Long, Block> blocks = new ConcurrentSkipListMap<>();
    private final AtomicLong next = new AtomicLong(FIRST);

    private record Block(long base, long bytes, long buffer) {}

    /// @param most bytes that the device has in all
    BufferMemory(OpenCl library, long context, long most) {
        this.library = library;
        this.context = context;
        this.most = most;
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        long rounded = Math.ceilDiv(Math.max(1, bytes), GRANULE) * GRANULE;
        if (rounded > most) {
            throw new LimitExceeded("a run needs " + bytes + " bytes at once, and the device has " + most
                    + " in all; give the model smaller inputs");
        }
        long buffer = library.createBuffer(context, READ_WRITE, rounded, bytes);
        long base = next.getAndAdd(Math.ceilDiv(rounded, PAGE) * PAGE + PAGE);
        blocks.put(base, new Block(base, rounded, buffer));
        return MemorySegment.ofAddress(base).reinterpret(0, arena, _ -> {
            blocks.remove(base);
            library.releaseBuffer(buffer);
        });
    }

    private Block block(long address, long bytes) {
        var entry = blocks.floorEntry(address);
        if (entry == null || address - entry.getKey() > entry.getValue().bytes() - bytes) {
            throw new DeviceFailed("the address 0x" + Long.toHexString(address) + " with " + bytes
                    + " bytes is none of this device's memory", null);
        }
        return entry.getValue();
    }

    @Override
    public int setArgument(long kernel, int number, long address, MemorySegment scratch) {
        if (address == 0) {
            int code = library.setArgument(kernel, number, 8, MemorySegment.NULL);
            scratch.set(ValueLayout.JAVA_LONG, 0, 0);
            return code != ErrorCode.SUCCESS ? code : library.setArgument(kernel, number + 1, 8, scratch);
        }
        var block = block(address, 0);
        scratch.set(ValueLayout.JAVA_LONG, 0, block.buffer());
        int code = library.setArgument(kernel, number, 8, scratch);
        scratch.set(ValueLayout.JAVA_LONG, 0, address - block.base());
        return code != ErrorCode.SUCCESS ? code : library.setArgument(kernel, number + 1, 8, scratch);
    }

    @Override
    public int setPlainArgument(long kernel, int number, long address, MemorySegment scratch) {
        scratch.set(ValueLayout.JAVA_LONG, 0, block(address, 0).buffer());
        return library.setArgument(kernel, number, 8, scratch);
    }

    /// Waits where the host's bytes lie in an array, which can move afterwards.
    @Override
    public int copyIn(long queue, MemorySegment host, long device, long bytes) {
        if (bytes == 0) {
            return ErrorCode.SUCCESS;
        }
        var block = block(device, bytes);
        if (host.isNative()) {
            return library.write(queue, block.buffer(), false, device - block.base(), bytes, host);
        }
        try (var arena = Arena.ofConfined()) {
            var copy = arena.allocate(bytes);
            MemorySegment.copy(host, 0, copy, 0, bytes);
            return library.write(queue, block.buffer(), true, device - block.base(), bytes, copy);
        }
    }

    @Override
    public int copyOut(long queue, long device, MemorySegment host, long bytes) {
        if (bytes == 0) {
            return ErrorCode.SUCCESS;
        }
        var block = block(device, bytes);
        if (host.isNative()) {
            return library.read(queue, block.buffer(), false, device - block.base(), bytes, host);
        }
        try (var arena = Arena.ofConfined()) {
            var copy = arena.allocate(bytes);
            int code = library.read(queue, block.buffer(), true, device - block.base(), bytes, copy);
            MemorySegment.copy(copy, 0, host, 0, bytes);
            return code;
        }
    }

    @Override
    public int copy(long queue, long from, long to, long bytes) {
        if (bytes == 0) {
            return ErrorCode.SUCCESS;
        }
        var source = block(from, bytes);
        var target = block(to, bytes);
        if (bytes < 0) {
            return ERROR_VALUE;
        }
        return library.copy(
                queue, source.buffer(), target.buffer(), from - source.base(), to - target.base(), bytes);
    }
}
