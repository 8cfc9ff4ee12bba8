package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// Memory of a device, and memory of the host that the device copies from and to by itself. Where the driver has pools,
/// memory that is given back is kept for the next to ask ({@link MemoryPool}), and nothing waits for the whole device.
final class CudaMemory {
    /// The driver's own alignment.
    private static final long ALIGNMENT = 256;

    private static final int PORTABLE = 1;

    private final CudaContext context;
    private final CudaStream stream;
    private final Optional<MemoryPool> pool;
    /// What the host has locked for copies: the end of each piece by its start.
    private final ConcurrentSkipListMap<Long, Long> locked = new ConcurrentSkipListMap<>();

    CudaMemory(CudaContext context) {
        this.context = context;
        stream = CudaStream.create(context);
        try {
            pool = MemoryPool.create(context);
        } catch (RuntimeException e) {
            stream.destroy();
            throw e;
        }
    }

    Optional<MemoryPool> pool() {
        return pool;
    }

    /// Memory of the device: an address without bytes that the host could touch.
    ///
    /// @throws LimitExceeded if the device has not that much left
    MemorySegment allocate(Arena arena, long bytes, long alignment) {
        long all = context.probe.description().memoryBytes();
        if (bytes > all) {
            throw new LimitExceeded("a run needs " + bytes + " bytes at once and " + context.name() + " has " + all
                    + " in all; give the model smaller inputs, or take a larger device");
        }
        context.enter();
        long extra = Math.max(0, alignment - ALIGNMENT);
        long address = allocate(Math.max(1, bytes) + extra);
        long aligned = Math.ceilDiv(address, Math.max(1, alignment)) * Math.max(1, alignment);
        try {
            return MemorySegment.ofAddress(aligned).reinterpret(0, arena, _ -> free(address));
        } catch (RuntimeException e) {
            free(address);
            throw e;
        }
    }

    private long allocate(long bytes) {
        var doing = "taking " + bytes + " bytes of " + context.name();
        try (var scratch = Arena.ofConfined()) {
            var pointer = scratch.allocate(ValueLayout.JAVA_LONG);
            if (pool.isEmpty()) {
                context.check(context.calls.allocate(pointer, bytes), doing);
                return pointer.get(ValueLayout.JAVA_LONG, 0);
            }
            context.check(context.calls.allocateFromPool(pointer, bytes, pool.get().handle(), stream.handle()), doing);
            long address = pointer.get(ValueLayout.JAVA_LONG, 0);
            try {
                // Every stream may use it from here on.
                stream.synchronize(doing);
            } catch (RuntimeException e) {
                free(address);
                throw e;
            }
            return address;
        }
    }

    private void free(long address) {
        if (context.enterToRelease()) {
            context.succeeded(
                    pool.isPresent()
                            ? context.calls.freeAsync(address, stream.handle())
                            : context.calls.free(address));
        }
    }

    /// Memory of the host that copies need no detour for.
    MemorySegment allocateStaging(Arena arena, long bytes, long alignment) {
        context.enter();
        long extra = Math.max(0, alignment - ALIGNMENT);
        var memory = allocatePinned(context, Math.max(1, bytes) + extra);
        long start = Math.ceilDiv(memory.address(), Math.max(1, alignment)) * Math.max(1, alignment);
        locked.put(start, start + bytes);
        return MemorySegment.ofAddress(start).reinterpret(bytes, arena, _ -> {
            locked.remove(start);
            freePinned(context, memory);
        });
    }

    /// Whether the first bytes of a host segment are locked.
    boolean isLocked(MemorySegment host, long bytes) {
        var piece = host.isNative() ? locked.floorEntry(host.address()) : null;
        return piece != null && host.address() + bytes <= piece.getValue();
    }

    /// Memory of the host that copies need no detour for; given back by {@link #freePinned}.
    static MemorySegment allocatePinned(CudaContext context, long bytes) {
        try (var scratch = Arena.ofConfined()) {
            var pointer = scratch.allocate(ValueLayout.JAVA_LONG);
            context.check(
                    context.calls.allocateHost(pointer, bytes, PORTABLE),
                    "taking " + bytes + " bytes of the host's memory for copies");
            return MemorySegment.ofAddress(pointer.get(ValueLayout.JAVA_LONG, 0)).reinterpret(bytes);
        }
    }

    static void freePinned(CudaContext context, MemorySegment memory) {
        if (context.enterToRelease()) {
            context.succeeded(context.calls.freeHost(memory.address()));
        }
    }

    void close() {
        if (context.enterToRelease()) {
            context.succeeded(context.calls.streamSynchronize(stream.handle()));
        }
        stream.destroy();
        pool.ifPresent(MemoryPool::close);
    }
}
