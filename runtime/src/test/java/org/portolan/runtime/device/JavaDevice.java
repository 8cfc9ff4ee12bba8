package org.portolan.runtime.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.parallel.ParallelJob;
import org.portolan.runtime.parallel.WorkerPool;

/// A device whose kernels are Java functions over addresses. Attached, it works at once in the host's memory; detached,
/// its memory cannot be touched by the host, and it does its work only when somebody waits.
public final class JavaDevice implements Device {
    private static final MemorySegment ALL_MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final Map<String, Body> kernels;
    private final boolean detached;
    private final WorkerPool pool;
    private final long memoryBytes;
    private final AtomicLong free;
    private final AtomicInteger waits = new AtomicInteger();
    private final AtomicInteger mostPending = new AtomicInteger();
    private final AtomicInteger captures = new AtomicInteger();
    private final AtomicInteger openCaptures = new AtomicInteger();
    private final AtomicInteger submissions = new AtomicInteger();
    private volatile boolean capturesNothing;
    private volatile boolean lost;

    /// What a kernel does for the part of its grid from {@code begin} to {@code end}.
    @FunctionalInterface
    public interface Body {
        void run(Words words, long begin, long end);
    }

    /// The parameters of a kernel.
    public record Words(long[] values, MemorySegment error) {
        public long word(int index) {
            return values[index];
        }

        public float f32(int buffer, long index) {
            return ALL_MEMORY.get(ValueLayout.JAVA_FLOAT, values[buffer] + index * 4);
        }

        public void f32(int buffer, long index, float value) {
            ALL_MEMORY.set(ValueLayout.JAVA_FLOAT, values[buffer] + index * 4, value);
        }

        public long i64(int buffer, long index) {
            return ALL_MEMORY.get(ValueLayout.JAVA_LONG, values[buffer] + index * 8);
        }

        public void i64(int buffer, long index, long value) {
            ALL_MEMORY.set(ValueLayout.JAVA_LONG, values[buffer] + index * 8, value);
        }

        public void bool(int buffer, long index, boolean value) {
            ALL_MEMORY.set(ValueLayout.JAVA_BYTE, values[buffer] + index, (byte) (value ? 1 : 0));
        }

        public void fail(int code, int operation) {
            var handle = ValueLayout.JAVA_LONG.varHandle();
            handle.compareAndSet(error, 0L, 0L, new KernelError(code, operation).word());
        }
    }

    private record JavaKernel(String name, Body body) implements Kernel {}

    public JavaDevice(Map<String, Body> kernels, boolean detached, int threads) {
        this(kernels, detached, threads, 1L << 30);
    }

    /// @param memoryBytes what can be allocated at once
    public JavaDevice(Map<String, Body> kernels, boolean detached, int threads, long memoryBytes) {
        this.memoryBytes = memoryBytes;
        free = new AtomicLong(memoryBytes);
        this.kernels = Map.copyOf(kernels);
        this.detached = detached;
        pool = new WorkerPool(threads, "java-device");
    }

    /// What can still be allocated.
    public long freeBytes() {
        return free.get();
    }

    /// How often somebody has waited for work that was not done.
    public int waits() {
        return waits.get();
    }

    /// The most pieces of work that a queue has held at once.
    public int mostPending() {
        return mostPending.get();
    }

    /// How often a queue was told to capture.
    public int captures() {
        return captures.get();
    }

    /// How many rows have been captured and not been forgotten.
    public int openCaptures() {
        return openCaptures.get();
    }

    /// How often queues were given something to do: a copy, a launch or a captured row.
    public int submissions() {
        return submissions.get();
    }

    /// From now on queues refuse to capture.
    public void captureNothing() {
        capturesNothing = true;
    }

    /// From now on nothing works.
    public void lose() {
        lost = true;
    }

    private void checkHealth() {
        if (lost) {
            throw new DeviceLost("java:0 is gone", null);
        }
    }

    @Override
    public DeviceDescription description() {
        return new DeviceDescription("java", 0, "Java", true, !detached, memoryBytes, Set.of("one", "two"));
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        checkHealth();
        if (free.addAndGet(-bytes) < 0) {
            free.addAndGet(bytes);
            throw new LimitExceeded("java:0 has no " + bytes + " bytes left");
        }
        var memory = arena.allocate(Math.max(1, bytes), alignment).asSlice(0, bytes);
        memory.reinterpret(arena, _ -> free.addAndGet(bytes));
        return detached ? MemorySegment.ofAddress(memory.address()) : memory;
    }

    @Override
    public KernelImage load(MemorySegment image) {
        return new KernelImage() {
            @Override
            public Kernel kernel(String name) {
                var body = kernels.get(name);
                if (body == null) {
                    throw new BadProgramFile("no kernel " + name);
                }
                return new JavaKernel(name, body);
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        return detached ? new LazyQueue(stop) : new EagerQueue(stop);
    }

    @Override
    public DeviceHealth health() {
        return lost ? DeviceHealth.LOST : DeviceHealth.WORKING;
    }

    @Override
    public void close() {
        pool.close();
    }

    private abstract class AbstractQueue implements Queue {
        private final ParallelJob job;
        private final Arena arena = Arena.ofShared();
        final MemorySegment error = arena.allocate(8, 8);

        AbstractQueue(StopSignal stop) {
            job = pool.openJob(stop);
        }

        abstract void submit(Runnable work);

        @Override
        public void copyIn(MemorySegment host, long device, long bytes) {
            submit(() -> MemorySegment.copy(host, 0, ALL_MEMORY, device, bytes));
        }

        @Override
        public void copyOut(long device, MemorySegment host, long bytes) {
            submit(() -> MemorySegment.copy(ALL_MEMORY, device, host, 0, bytes));
        }

        @Override
        public void copy(long from, long to, long bytes) {
            submit(() -> MemorySegment.copy(ALL_MEMORY, from, ALL_MEMORY, to, bytes));
        }

        @Override
        public void launch(Kernel kernel, MemorySegment parameters, int words, long[] grid, long cost) {
            var values = parameters.asSlice(0, words * 8L).toArray(ValueLayout.JAVA_LONG);
            long total = 1;
            for (long extent : grid) {
                total *= extent;
            }
            long all = total;
            var body = ((JavaKernel) kernel).body();
            submit(() -> job.run((begin, end) -> body.run(new Words(values, error), begin, end), all, 16));
        }

        @Override
        public long takeError() {
            record().await();
            checkHealth();
            long word = error.get(ValueLayout.JAVA_LONG, 0);
            error.set(ValueLayout.JAVA_LONG, 0, 0);
            return word;
        }

        @Override
        public void close() {
            job.close();
            arena.close();
        }
    }

    private final class EagerQueue extends AbstractQueue implements SynchronousQueue {
        EagerQueue(StopSignal stop) {
            super(stop);
        }

        @Override
        void submit(Runnable work) {
            work.run();
        }

        @Override
        public Event record() {
            return Event.PAST;
        }

        @Override
        public boolean failed() {
            return error.get(ValueLayout.JAVA_LONG, 0) != 0;
        }
    }

    private final class LazyQueue extends AbstractQueue implements CapturingQueue {
        private final ArrayDeque<Runnable> pending = new ArrayDeque<>();
        private List<Runnable> capturing;

        LazyQueue(StopSignal stop) {
            super(stop);
        }

        @Override
        void submit(Runnable work) {
            checkHealth();
            if (capturing != null) {
                capturing.add(work);
                return;
            }
            submissions.incrementAndGet();
            pending.add(work);
            mostPending.accumulateAndGet(pending.size(), Math::max);
        }

        @Override
        public Optional<Captured> capture(Runnable steps) {
            checkHealth();
            captures.incrementAndGet();
            var row = new ArrayList<Runnable>();
            capturing = row;
            try {
                steps.run();
            } finally {
                capturing = null;
            }
            return capturesNothing ? Optional.empty() : Optional.of(new Row(this, row));
        }

        @Override
        public Event record() {
            if (capturing != null) {
                throw new IllegalStateException("nobody may wait for what is being captured");
            }
            return new Event() {
                @Override
                public boolean done() {
                    return pending.isEmpty();
                }

                @Override
                public void await() {
                    checkHealth();
                    if (!pending.isEmpty()) {
                        waits.incrementAndGet();
                    }
                    while (!pending.isEmpty()) {
                        pending.remove().run();
                    }
                }
            };
        }
    }

    /// Work that a queue has captured.
    private final class Row implements CapturingQueue.Captured {
        private final LazyQueue queue;
        private final List<Runnable> row;
        private boolean closed;

        Row(LazyQueue queue, List<Runnable> row) {
            this.queue = queue;
            this.row = row;
            openCaptures.incrementAndGet();
        }

        @Override
        public void replay() {
            if (closed) {
                throw new IllegalStateException("the row was forgotten");
            }
            queue.submit(() -> row.forEach(Runnable::run));
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                openCaptures.decrementAndGet();
            }
        }
    }
}
