package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// A command queue in order. Nothing waits but {@link #takeError}, events, and copies from and to arrays of the host.
final class OpenClQueue implements Queue {
    private static final long ERROR_BYTES = 64;
    /// Work-items that belong together where each is a point of the grid on its own.
    private static final long GROUP = 64;
    /// A point of the grid that takes as long as this is a group by itself, on a processor.
    private static final long HEAVY_NANOS = 500;

    private final OpenClDevice device;
    private final StopSignal stop;
    private final long queue;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment scratch = arena.allocate(8, 8);
    private final MemorySegment global = arena.allocate(8, 8);
    private final MemorySegment group = arena.allocate(8, 8);
    private final MemorySegment word = arena.allocate(8, 8);
    private final Set<OpenClEvent> events = ConcurrentHashMap.newKeySet();
    private final MemorySegment error;
    /// Pieces of work given so far, of these the ones that are known to be done, and whether the error word may have changed.
    private long given;
    private volatile long done;
    private boolean used;
    private volatile boolean closed;

    OpenClQueue(OpenClDevice device, StopSignal stop) {
        this.device = device;
        this.stop = stop;
        error = device.allocate(arena, ERROR_BYTES, ERROR_BYTES);
        long created = 0;
        try {
            created = library().createQueue(device.context, device.facts.device());
            queue = created;
            reset();
        } catch (RuntimeException e) {
            if (created != 0) {
                library().releaseQueue(created);
            }
            arena.close();
            throw e;
        }
    }

    OpenCl library() {
        return device.library;
    }

    void forget(OpenClEvent event) {
        events.remove(event);
    }

    void waited(long work) {
        done = Math.max(done, work);
    }

    private void begin() {
        if (closed) {
            throw new DeviceFailed("a queue of " + device.description().name() + " is used after it was closed", null);
        }
        if (device.health() == DeviceHealth.LOST) {
            throw new DeviceLost(device.description().name() + " is lost; start a new process", null);
        }
        used = true;
        given++;
    }

    private void finish() {
        check(library().finish(queue), "waiting for the device");
        done = given;
    }

    /// Throws what an error code means.
    void check(int code, String what) {
        if (code != ErrorCode.SUCCESS) {
            var failure = ErrorCode.failure(code, what + " on " + device.facts.name());
            if (failure instanceof DeviceLost) {
                device.lost();
            }
            throw failure;
        }
    }

    private void reset() {
        word.set(ValueLayout.JAVA_LONG, 0, 0);
        if (device.facts.sharesHostMemory()) {
            error.set(ValueLayout.JAVA_LONG, 0, 0);
        } else {
            check(device.memory.copyIn(queue, word, error.address(), 8), "clearing the error word");
            check(library().finish(queue), "clearing the error word");
        }
    }

    @Override
    public void copyIn(MemorySegment host, long to, long bytes) {
        begin();
        check(device.memory.copyIn(queue, host, to, bytes), "copying " + bytes + " bytes to the device");
    }

    @Override
    public void copyOut(long from, MemorySegment host, long bytes) {
        begin();
        check(device.memory.copyOut(queue, from, host, bytes), "copying " + bytes + " bytes from the device");
    }

    @Override
    public void copy(long from, long to, long bytes) {
        begin();
        check(device.memory.copy(queue, from, to, bytes), "copying " + bytes + " bytes");
    }

    @Override
    public void launch(Kernel launched, MemorySegment parameters, int words, long[] grid, long cost) {
        long points = 1;
        for (long extent : grid) {
            points = Math.multiplyExact(points, extent);
        }
        if (points <= 0 || stop.stopped()) {
            return;
        }
        begin();
        var kernel = (OpenClKernel) launched;
        var entry = kernel.entry();
        if (words != entry.buffers() + entry.symbols()) {
            throw new DeviceFailed("kernel " + kernel.name() + " takes " + entry.buffers() + " buffers and "
                    + entry.symbols() + " symbols, and was given " + words + " words", null);
        }
        long size = groupSize(entry, points, cost);
        global.set(ValueLayout.JAVA_LONG, 0, entry.block() > 0 ? points * size : Math.ceilDiv(points, size) * size);
        group.set(ValueLayout.JAVA_LONG, 0, size);
        synchronized (kernel) {
            setArguments(kernel, parameters);
            check(
                    library().launch(queue, kernel.handle(), global, group),
                    "starting kernel " + kernel.name() + " of " + entry.origin() + " with " + points + " points in groups of "
                            + size);
        }
    }

    private long groupSize(ImageHeader.Entry entry, long points, long cost) {
        if (entry.block() > 0) {
            return entry.block();
        }
        boolean heavy = cost / points >= HEAVY_NANOS || points < GROUP;
        return device.facts.isProcessor() && heavy ? 1 : Math.min(GROUP, device.facts.groupLimit());
    }

    private void setArguments(OpenClKernel kernel, MemorySegment parameters) {
        var entry = kernel.entry();
        int argument = 0;
        int code = ErrorCode.SUCCESS;
        for (int buffer = 0; buffer < entry.buffers(); buffer++) {
            long address = parameters.getAtIndex(ValueLayout.JAVA_LONG, buffer);
            code = Math.min(code, device.memory.setArgument(kernel.handle(), argument, address, scratch));
            argument += 2;
        }
        for (int symbol = 0; symbol < entry.symbols(); symbol++) {
            scratch.set(ValueLayout.JAVA_LONG, 0, parameters.getAtIndex(ValueLayout.JAVA_LONG, entry.buffers() + symbol));
            code = Math.min(code, library().setArgument(kernel.handle(), argument++, 8, scratch));
        }
        code = Math.min(code, setError(kernel, argument));
        check(code, "setting the arguments of kernel " + kernel.name());
    }

    private int setError(OpenClKernel kernel, int argument) {
        return device.memory.setPlainArgument(kernel.handle(), argument, error.address(), scratch);
    }

    /// Of a simulator, which does nothing until it is waited for and takes a marker for done before that, an event is in the
    /// past.
    @Override
    public Event record() {
        if (device.facts.emulated() && given > done) {
            finish();
        }
        if (given == done) {
            return Event.PAST;
        }
        var event = new OpenClEvent(this, device.noticing(() -> library().marker(queue)), given);
        events.add(event);
        check(library().flush(queue), "handing work over");
        return event;
    }

    @Override
    public long takeError() {
        if (!used) {
            return 0;
        }
        if (device.facts.sharesHostMemory()) {
            finish();
            word.set(ValueLayout.JAVA_LONG, 0, error.get(ValueLayout.JAVA_LONG, 0));
        } else {
            check(device.memory.copyOut(queue, error.address(), word, 8), "reading the error word");
            finish();
        }
        used = false;
        long found = word.get(ValueLayout.JAVA_LONG, 0);
        if (found != 0) {
            reset();
        }
        return found;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        library().finish(queue);
        List.copyOf(events).forEach(OpenClEvent::release);
        library().releaseQueue(queue);
        arena.close();
    }
}
