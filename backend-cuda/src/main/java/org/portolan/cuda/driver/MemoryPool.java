package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/// A pool of a device's memory that is an opened device's own: what others of the process do with the driver's default pool
/// changes nothing here, and the other way round; who opens a card twice has two. The driver's pools give memory back to the system whenever somebody waits
/// for the device, so that each run would have to ask anew; this one keeps a part.
record MemoryPool(CudaContext context, long handle) {
    /// The pool keeps up to this part of the device's memory while nobody uses it; the rest is for other processes.
    private static final long KEPT_PART = 8;

    private static final int PINNED = 1;
    private static final int NO_HANDLES = 0;
    private static final int ON_A_DEVICE = 1;
    /// Of {@code CUmemPoolProps}, whose end is reserved and zero.
    private static final long PROPERTIES_BYTES = 128;

    private static final int RELEASE_THRESHOLD = 4;
    private static final int READ_AND_WRITE = 3;

    /// Makes one.
    ///
    /// @return empty where the device or the driver has no pools (before CUDA 11.2)
    /// @throws org.portolan.runtime.PortolanException.DeviceLost if the device is lost
    static Optional<MemoryPool> create(CudaContext context) {
        if (!context.probe.pools()) {
            return Optional.empty();
        }
        context.enter();
        var doing = "making a memory pool on " + context.name();
        try (var arena = Arena.ofConfined()) {
            var properties = arena.allocate(PROPERTIES_BYTES, Long.BYTES);
            int[] members = {PINNED, NO_HANDLES, ON_A_DEVICE, context.probe.handle()};
            for (int member = 0; member < members.length; member++) {
                properties.setAtIndex(ValueLayout.JAVA_INT, member, members[member]);
            }
            var place = arena.allocate(ValueLayout.JAVA_LONG);
            if (context.isRefused(context.calls.poolCreate(place, properties), doing)) {
                return Optional.empty();
            }
            var pool = new MemoryPool(context, place.get(ValueLayout.JAVA_LONG, 0));
            var kept = arena.allocateFrom(ValueLayout.JAVA_LONG, context.probe.description().memoryBytes() / KEPT_PART);
            // Refused, the pool is only slower.
            context.isRefused(context.calls.poolSetAttribute(pool.handle, RELEASE_THRESHOLD, kept), doing);
            return Optional.of(pool);
        }
    }

    /// Lets another device reach what lies in the pool; refused, copies between the two go through the host's memory.
    void open(CudaContext other) {
        try (var arena = Arena.ofConfined()) {
            var access = arena.allocateFrom(ValueLayout.JAVA_INT, ON_A_DEVICE, other.probe.handle(), READ_AND_WRITE);
            context.calls.poolSetAccess(handle, access, 1);
        }
    }

    /// What still lies in it stays there until it is given back.
    void close() {
        if (context.enterToRelease()) {
            context.succeeded(context.calls.poolDestroy(handle));
        }
    }
}
