package org.portolan.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;

/// Host memory that the device copies from and to by itself, between it and the host's other memory: copies in go through
/// two halves by turns, so that one is filled while the other is under way; copies out stay here until somebody has waited.
final class Staging {
    private static final long HALF = 512 << 10;
    private static final long OUT = 1 << 20;
    private static final long ERROR_AT = 2 * HALF + OUT;
    private static final long BYTES = ERROR_AT + 64;

    private final CudaContext context;
    private final CudaStream stream;
    private final MemorySegment memory;
    private final long[] events = new long[2];
    private final boolean[] underWay = new boolean[2];
    private final ArrayDeque<Leaving> leaving = new ArrayDeque<>();
    private int half;
    private long out;
    private long issued;

    /// Bytes that are on their way from {@code at} in this memory to a host segment.
    private record Leaving(long number, long at, MemorySegment host, long offset, long bytes) {}

    /// @param newEvent gives an event for good
    Staging(CudaContext context, CudaStream stream, LongSupplier newEvent) {
        this.context = context;
        this.stream = stream;
        memory = CudaMemory.allocatePinned(context, BYTES);
        try {
            events[0] = newEvent.getAsLong();
            events[1] = newEvent.getAsLong();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    void copyIn(MemorySegment host, long device, long bytes) {
        for (long done = 0; done < bytes; done += HALF) {
            long part = Math.min(HALF, bytes - done);
            if (underWay[half]) {
                context.check(context.calls.eventSynchronize(events[half]), "copying to " + context.name());
            }
            long at = half * HALF;
            MemorySegment.copy(host, done, memory, at, part);
            context.check(
                    context.calls.copyToDevice(device + done, memory.address() + at, part, stream.handle()),
                    "copying " + bytes + " bytes to " + context.name());
            context.check(context.calls.eventRecord(events[half], stream.handle()), "copying to " + context.name());
            underWay[half] = true;
            half = 1 - half;
        }
    }

    synchronized void copyOut(long device, MemorySegment host, long bytes) {
        for (long done = 0; done < bytes; ) {
            // Other threads hold the lock as well: a virtual thread may be upon another carrier now.
            context.enter();
            if (out == OUT) {
                stream.synchronize("copying " + bytes + " bytes from " + context.name());
                arrived(issued);
            }
            long part = Math.min(OUT - out, bytes - done);
            long at = 2 * HALF + out;
            context.check(
                    context.calls.copyToHost(memory.address() + at, device + done, part, stream.handle()),
                    "copying " + bytes + " bytes from " + context.name());
            leaving.add(new Leaving(++issued, at, host, done, part));
            out += part;
            done += part;
        }
    }

    /// The number of the last copy out that was started.
    synchronized long issued() {
        return issued;
    }

    /// Called when the device has done the copies up to a number: their bytes go where they belong.
    synchronized void arrived(long number) {
        while (!leaving.isEmpty() && leaving.peek().number() <= number) {
            var part = leaving.remove();
            MemorySegment.copy(memory, part.at(), part.host(), part.offset(), part.bytes());
        }
        if (leaving.isEmpty()) {
            out = 0;
        }
    }

    /// Starts to fetch the error word.
    void fetch(long device, long bytes) {
        context.check(
                context.calls.copyToHost(memory.address() + ERROR_AT, device, bytes, stream.handle()),
                "reading the error word of " + context.name());
    }

    /// The error word, once the device has done that.
    long fetched() {
        return memory.get(ValueLayout.JAVA_LONG, ERROR_AT);
    }

    void close() {
        CudaMemory.freePinned(context, memory);
    }
}
