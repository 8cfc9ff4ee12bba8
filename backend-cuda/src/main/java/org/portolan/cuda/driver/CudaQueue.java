package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.CapturingQueue;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.PeerQueue;
import org.portolan.runtime.device.StopSignal;

/// A stream with what a queue needs beside it: the error word on the device, memory that copies go through, and events
/// that are used again.
final class CudaQueue implements CapturingQueue, PeerQueue {
    private static final long ERROR_BYTES = 8;
    private static final int WITHOUT_TIMING = 2;

    private final CudaContext context;
    private final CudaMemory memory;
    private final Peers peers;
    private final StopSignal stop;
    private final Arena arena = Arena.ofShared();
    private final CudaStream stream;
    private final Staging staging;
    private final TensorMaps maps;
    private long error;
    private final List<Long> events = new ArrayList<>();
    private final ArrayDeque<Long> idleEvents = new ArrayDeque<>();
    private final MemorySegment place = arena.allocate(ValueLayout.JAVA_LONG);
    private final MemorySegment errorAddress = arena.allocate(ValueLayout.JAVA_LONG);
    private MemorySegment pointers = arena.allocate(ValueLayout.JAVA_LONG, 16);
    private boolean launched;
    /// What is given is taken into a graph, not done.
    private boolean capturing;
    private volatile boolean closed;

    CudaQueue(CudaContext context, CudaMemory memory, Peers peers, StopSignal stop) {
        this.context = context;
        this.memory = memory;
        this.peers = peers;
        this.stop = stop;
        maps = new TensorMaps(context);
        context.enter();
        stream = CudaStream.create(context);
        Staging opened = null;
        try {
            opened = new Staging(context, stream, this::takeEvent);
            staging = opened;
            context.check(context.calls.allocate(place, ERROR_BYTES), "opening a queue on " + context.name());
            error = place.get(ValueLayout.JAVA_LONG, 0);
            errorAddress.set(ValueLayout.JAVA_LONG, 0, error);
            clearError();
        } catch (RuntimeException e) {
            if (opened != null) {
                opened.close();
            }
            release();
            throw e;
        }
    }

    private void clearError() {
        context.check(
                context.calls.fill(error, 0, ERROR_BYTES / 4, stream.handle()), "clearing the error word");
    }

    private void enter() {
        context.enter();
        if (closed) {
            throw new DeviceFailed("the queue of " + context.name() + " was closed", null);
        }
    }

    @Override
    public void copyIn(MemorySegment host, long device, long bytes) {
        enter();
        if (bytes != 0 && memory.isLocked(host, bytes)) {
            context.check(
                    context.calls.copyToDevice(device, host.address(), bytes, stream.handle()),
                    "copying " + bytes + " bytes to " + context.name());
        } else {
            staging.copyIn(host, device, bytes);
        }
    }

    @Override
    public void copyOut(long device, MemorySegment host, long bytes) {
        enter();
        if (bytes != 0 && memory.isLocked(host, bytes)) {
            context.check(
                    context.calls.copyToHost(host.address(), device, bytes, stream.handle()),
                    "copying " + bytes + " bytes from " + context.name());
        } else {
            staging.copyOut(device, host, bytes);
        }
    }

    @Override
    public void copy(long from, long to, long bytes) {
        enter();
        if (bytes == 0) {
            return;
        }
        context.check(
                context.calls.copyOnDevice(to, from, bytes, stream.handle()),
                "copying " + bytes + " bytes on " + context.name());
    }

    @Override
    public boolean reaches(Device other) {
        return other instanceof CudaDevice;
    }

    @Override
    public void copyFrom(Device other, long from, long to, long bytes) {
        enter();
        if (!(other instanceof CudaDevice peer)) {
            throw new IllegalArgumentException(
                    context.name() + " does not reach the memory of " + other.description().name());
        }
        peer.context().requireWorking();
        if (bytes != 0) {
            peers.copyFrom(peer, from, to, bytes, stream);
        }
    }

    @Override
    public void launch(Kernel launched, MemorySegment parameters, int words, long[] grid, long cost) {
        long points = 1;
        for (long extent : grid) {
            points = Math.multiplyExact(points, extent);
        }
        enter();
        if (points <= 0 || !capturing && stop.stopped()) {
            return;
        }
        var kernel = (CudaKernel) launched;
        if (words != kernel.entry().words()) {
            throw new IllegalArgumentException("the kernel " + kernel.name() + " takes " + kernel.entry().words()
                    + " words, not " + words);
        }
        int count = kernel.entry().parameters();
        if (pointers.byteSize() < (long) count * Long.BYTES) {
            pointers = arena.allocate(ValueLayout.JAVA_LONG, 2L * count);
        }
        int first = describe(kernel.entry(), parameters);
        for (int i = 0; i < words; i++) {
            pointers.setAtIndex(ValueLayout.JAVA_LONG, first + i, parameters.address() + (long) i * Long.BYTES);
        }
        pointers.setAtIndex(ValueLayout.JAVA_LONG, first + words, errorAddress.address());
        this.launched |= !capturing;
        context.check(
                context.calls.launch(
                        kernel.function(),
                        kernel.blocks(points),
                        kernel.entry().threads(),
                        (int) kernel.entry().sharedBytes(),
                        stream.handle(),
                        pointers.address()),
                "launching the kernel " + kernel.name() + " on " + context.name());
    }

    /// Has the buffers described that a kernel's copy engine takes boxes of; these are its first parameters. A graph holds what they
    /// are when it is taken, as it holds the addresses among the words, and is forgotten together with these.
    ///
    /// @return how many there are
    private int describe(KernelEntry entry, MemorySegment parameters) {
        if (entry.maps().isEmpty()) {
            return 0;
        }
        maps.room(entry.maps().size());
        var words = new long[entry.words()];
        for (int i = 0; i < words.length; i++) {
            words[i] = parameters.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) i * Long.BYTES);
        }
        for (int i = 0; i < entry.maps().size(); i++) {
            var map = maps.of(entry, entry.maps().get(i), words);
            pointers.setAtIndex(ValueLayout.JAVA_LONG, i, map.address());
        }
        return entry.maps().size();
    }

    @Override
    public Optional<Captured> capture(Runnable steps) {
        enter();
        var graph = CudaGraph.capture(context, stream, () -> {
            capturing = true;
            try {
                steps.run();
            } finally {
                capturing = false;
            }
        });
        return graph.map(taken -> new Replay(taken));
    }

    @Override
    public Event record() {
        long event = takeEvent();
        enter();
        context.check(context.calls.eventRecord(event, stream.handle()), "marking a point in a queue");
        return new Point(event, staging.issued());
    }

    /// An event that nobody waits for.
    private synchronized long takeEvent() {
        // A virtual thread that waited for the lock may go on upon another carrier, whose context this is not.
        enter();
        if (idleEvents.isEmpty()) {
            context.check(context.calls.eventCreate(place, WITHOUT_TIMING), "making an event");
            events.add(place.get(ValueLayout.JAVA_LONG, 0));
            return events.getLast();
        }
        return idleEvents.pop();
    }

    private synchronized void giveBack(long event) {
        idleEvents.push(event);
    }

    @Override
    public long takeError() {
        enter();
        if (!launched) {
            stream.synchronize("waiting for " + context.name());
            staging.arrived(staging.issued());
            return 0;
        }
        staging.fetch(error, ERROR_BYTES);
        clearError();
        stream.synchronize("waiting for the kernels on " + context.name());
        launched = false;
        staging.arrived(staging.issued());
        return staging.fetched();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        staging.close();
        release();
    }

    private void release() {
        if (context.enterToRelease()) {
            if (error != 0) {
                context.succeeded(context.calls.free(error));
            }
            events.forEach(event -> context.succeeded(context.calls.eventDestroy(event)));
        }
        stream.destroy();
        arena.close();
    }

    /// Work that was taken into a graph.
    private final class Replay implements Captured {
        private final CudaGraph graph;

        Replay(CudaGraph graph) {
            this.graph = graph;
        }

        @Override
        public void replay() {
            enter();
            if (!stop.stopped()) {
                launched = true;
                graph.launch(stream);
            }
        }

        @Override
        public void close() {
            graph.close();
        }
    }

    /// A point in this queue's work.
    private final class Point implements Event {
        private final long event;
        private final long copies;
        private boolean past;

        Point(long event, long copies) {
            this.event = event;
            this.copies = copies;
        }

        @Override
        public synchronized boolean done() {
            if (!past) {
                enter();
                int status = context.calls.eventQuery(event);
                if (status == CudaStatus.NOT_READY) {
                    return false;
                }
                context.check(status, "waiting for " + context.name());
                pass();
            }
            return true;
        }

        @Override
        public synchronized void await() {
            if (!past) {
                enter();
                context.check(context.calls.eventSynchronize(event), "waiting for the kernels on " + context.name());
                pass();
            }
        }

        private void pass() {
            staging.arrived(copies);
            past = true;
            giveBack(event);
        }
    }
}
