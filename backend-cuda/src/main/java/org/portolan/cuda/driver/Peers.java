package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Copies from other devices to one. Where the two are connected the driver is asked, once, to let one reach the other's
/// memory; where they are not, or it refuses, the driver goes through the host's memory by itself.
final class Peers {
    private static final int LOCATION_IS_DEVICE = 1;
    private static final int READ_AND_WRITE = 3;
    private static final long DEFAULT_STREAM = 0;

    private final CudaContext context;
    private final Set<Long> asked = ConcurrentHashMap.newKeySet();

    Peers(CudaContext context) {
        this.context = context;
    }

    /// Starts a copy on a stream of this context, which is the calling thread's.
    void copyFrom(CudaContext other, long from, long to, long bytes, CudaStream stream) {
        if (other != context && asked.add(other.handle())) {
            connect(other);
        }
        int status = context.calls.copyBetween(to, context.handle(), from, other.handle(), bytes, stream.handle());
        var doing = "copying " + bytes + " bytes from " + other.name() + " to " + context.name();
        if (other != context && CudaStatus.of(status).lost()) {
            requireWorking(other, doing);
        }
        context.check(status, doing);
    }

    /// Asks the source itself: a copy tells of whichever of the two is lost, and a device that works must not be given up for
    /// the other's loss.
    private void requireWorking(CudaContext source, String doing) {
        try {
            source.enter();
            int status = source.calls.streamSynchronize(DEFAULT_STREAM);
            if (CudaStatus.of(status).lost()) {
                source.check(status, doing);
            }
        } finally {
            context.calls.setCurrent(context.handle());
        }
    }

    private void connect(CudaContext other) {
        try (var arena = Arena.ofConfined()) {
            var can = arena.allocate(ValueLayout.JAVA_INT);
            int status = context.calls.canAccessPeer(can, context.probe.handle(), other.probe.handle());
            if (status != CudaStatus.SUCCESS || can.get(ValueLayout.JAVA_INT, 0) == 0) {
                return;
            }
            context.calls.enablePeerAccess(other.handle(), 0);
            // What lies in a pool is the pool's to open.
            var pool = arena.allocate(ValueLayout.JAVA_LONG);
            if (other.probe.pools() && context.calls.defaultPool(pool, other.probe.handle()) == CudaStatus.SUCCESS) {
                var access = arena.allocateFrom(
                        ValueLayout.JAVA_INT, LOCATION_IS_DEVICE, context.probe.handle(), READ_AND_WRITE);
                context.calls.poolSetAccess(pool.get(ValueLayout.JAVA_LONG, 0), access, 1);
            }
        }
    }
}
