package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// Work that the driver has taken from a stream and starts by one call.
final class CudaGraph {
    /// Other threads may call the driver meanwhile, as they like.
    private static final int OF_THIS_THREAD = 1;

    private final CudaContext context;
    private final long executable;
    private boolean closed;

    private CudaGraph(CudaContext context, long executable) {
        this.context = context;
        this.executable = executable;
    }

    /// Takes what the steps give a stream.
    ///
    /// @return empty where the driver has no graphs, or refuses this one
    /// @throws org.portolan.runtime.PortolanException.DeviceLost if the device is lost
    static Optional<CudaGraph> capture(CudaContext context, CudaStream stream, Runnable steps) {
        try (var arena = Arena.ofConfined()) {
            var place = arena.allocate(ValueLayout.JAVA_LONG);
            if (isRefused(context, context.calls.streamBeginCapture(stream.handle(), OF_THIS_THREAD))) {
                return Optional.empty();
            }
            boolean refused = false;
            try {
                steps.run();
            } catch (DeviceFailed | LimitExceeded e) {
                // Done step by step, it fails with its reason, or works.
                refused = true;
            } catch (RuntimeException | Error e) {
                if (!context.isLost()) {
                    end(context, stream, place);
                    destroy(context, place);
                }
                throw e;
            }
            refused |= isRefused(context, end(context, stream, place));
            try {
                return refused ? Optional.empty() : instantiate(context, place.get(ValueLayout.JAVA_LONG, 0));
            } finally {
                destroy(context, place);
            }
        }
    }

    /// The stream does things again afterwards, whatever the status.
    private static int end(CudaContext context, CudaStream stream, MemorySegment graph) {
        graph.set(ValueLayout.JAVA_LONG, 0, 0);
        return context.calls.streamEndCapture(stream.handle(), graph);
    }

    private static void destroy(CudaContext context, MemorySegment graph) {
        long handle = graph.get(ValueLayout.JAVA_LONG, 0);
        if (handle != 0 && context.enterToRelease()) {
            context.succeeded(context.calls.graphDestroy(handle));
        }
    }

    private static Optional<CudaGraph> instantiate(CudaContext context, long graph) {
        try (var arena = Arena.ofConfined()) {
            var place = arena.allocate(ValueLayout.JAVA_LONG);
            return isRefused(context, context.calls.graphInstantiate(place, graph, 0))
                    ? Optional.empty()
                    : Optional.of(new CudaGraph(context, place.get(ValueLayout.JAVA_LONG, 0)));
        }
    }

    private static boolean isRefused(CudaContext context, int status) {
        return context.isRefused(status, "taking work of " + context.name() + " into a graph");
    }

    void launch(CudaStream stream) {
        if (closed) {
            throw new DeviceFailed("a graph of " + context.name() + " was launched after it was closed", null);
        }
        context.check(context.calls.graphLaunch(executable, stream.handle()), "launching a graph on " + context.name());
    }

    void close() {
        if (!closed && context.enterToRelease()) {
            context.succeeded(context.calls.graphExecutableDestroy(executable));
        }
        closed = true;
    }
}
