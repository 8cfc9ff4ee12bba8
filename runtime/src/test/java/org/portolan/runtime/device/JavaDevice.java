package org.portolan.runtime.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Set;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.parallel.ParallelJob;
import org.portolan.runtime.parallel.WorkerPool;

/// A device whose kernels are Java functions over addresses. Attached, it works at once in the host's memory; detached,
/// its memory cannot be touched by the host, and it does its work only when somebody waits.
public final class JavaDevice implements Device {
    private static final MemorySegment ALL_MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final Map<String, Body> kernels;
    private final boolean detached;
    private final WorkerPool pool;

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
        this.kernels = Map.copyOf(kernels);
        this.detached = detached;
        pool = new WorkerPool(threads, "java-device");
    }

    @Override
    public DeviceDescription description() {
        return new DeviceDescription("java", 0, "Java", true, !detached, 1L << 30, Set.of("one", "two"));
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        var memory = arena.allocate(bytes, alignment);
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
        return DeviceHealth.WORKING;
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

    private final class LazyQueue extends AbstractQueue {
        private final ArrayDeque<Runnable> pending = new ArrayDeque<>();

        LazyQueue(StopSignal stop) {
            super(stop);
        }

        @Override
        void submit(Runnable work) {
            pending.add(work);
        }

        @Override
        public Event record() {
            return new Event() {
                @Override
                public boolean done() {
                    return pending.isEmpty();
                }

                @Override
                public void await() {
                    while (!pending.isEmpty()) {
                        pending.remove().run();
                    }
                }
            };
        }
    }
}
