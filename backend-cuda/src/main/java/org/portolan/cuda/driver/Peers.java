package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;

/// Copies from other devices to one. Where the two are connected the driver is asked, once, to let one reach the other's
/// memory; where they are not, or it refuses, the driver goes through the host's memory by itself.
final class Peers {
    private static final long DEFAULT_STREAM = 0;

    private final CudaContext context;
    private final Set<CudaContext> asked = Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    Peers(CudaContext context) {
        this.context = context;
    }

    /// Starts a copy on a stream of this context, which becomes the calling thread's.
    void copyFrom(CudaDevice source, long from, long to, long bytes, CudaStream stream) {
        var other = source.context();
        boolean asks = other != context && asked.add(other);
        // Other threads hold the lock of the set as well: a virtual thread may be upon another carrier now.
        context.enter();
        if (asks) {
            connect(source);
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

    private void connect(CudaDevice source) {
        var other = source.context();
        try (var arena = Arena.ofConfined()) {
            var can = arena.allocate(ValueLayout.JAVA_INT);
            int status = context.calls.canAccessPeer(can, context.probe.handle(), other.probe.handle());
            if (status == CudaStatus.SUCCESS && can.get(ValueLayout.JAVA_INT, 0) != 0) {
                context.calls.enablePeerAccess(other.handle(), 0);
                // What lies in a pool is the pool's to open.
                source.memory().pool().ifPresent(pool -> pool.open(context));
            }
        }
    }
}
