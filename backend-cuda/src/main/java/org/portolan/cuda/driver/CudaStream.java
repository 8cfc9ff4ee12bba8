package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/// A stream of a context: work on it is done in order, beside that of other streams.
record CudaStream(CudaContext context, long handle) {
    private static final int NON_BLOCKING = 1;

    static CudaStream create(CudaContext context) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var stream = arena.allocate(ValueLayout.JAVA_LONG);
            context.check(context.calls.streamCreate(stream, NON_BLOCKING), "opening a queue on " + context.name());
            return new CudaStream(context, stream.get(ValueLayout.JAVA_LONG, 0));
        }
    }

    /// Waits for all its work; where a kernel failed meanwhile, the driver says so here.
    void synchronize(String doing) {
        context.check(context.calls.streamSynchronize(handle), doing);
    }

    void destroy() {
        if (context.enterToRelease()) {
            context.succeeded(context.calls.streamDestroy(handle));
        }
    }
}
