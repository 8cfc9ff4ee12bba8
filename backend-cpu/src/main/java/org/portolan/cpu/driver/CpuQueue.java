package org.portolan.cpu.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.device.SynchronousQueue;
import org.portolan.runtime.parallel.ParallelJob;
import org.portolan.runtime.parallel.RangeTask;
import org.portolan.runtime.parallel.WorkerPool;

/// Runs everything before each call returns, kernels on the calling thread and those of the pool.
final class CpuQueue implements SynchronousQueue, RangeTask {
    /// Below this the workers are not worth waking: about what it takes to reach them, twice.
    private static final long ALONE_NANOS = 10_000;
    /// A chunk should take longer than it takes to claim it, many times over,
    private static final long SMALLEST_CHUNK_NANOS = 3_000;
    /// and should end soon after a run is cancelled.
    private static final long LARGEST_CHUNK_NANOS = 1_000_000;
    private static final int CHUNKS_PER_THREAD = 8;

    private static final MemorySegment ALL_MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final WorkerPool pool;
    private final ParallelJob job;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment error = arena.allocate(64, 64);
    private CpuKernel kernel;
    private long parameters;
    private boolean closed;

    CpuQueue(WorkerPool pool, StopSignal stop) {
        this.pool = pool;
        job = pool.openJob(stop);
    }

    @Override
    public void copyIn(MemorySegment host, long device, long bytes) {
        checkOpen();
        MemorySegment.copy(host, 0, ALL_MEMORY, device, bytes);
    }

    @Override
    public void copyOut(long device, MemorySegment host, long bytes) {
        checkOpen();
        MemorySegment.copy(ALL_MEMORY, device, host, 0, bytes);
    }

    @Override
    public void copy(long from, long to, long bytes) {
        checkOpen();
        MemorySegment.copy(ALL_MEMORY, from, ALL_MEMORY, to, bytes);
    }

    @Override
    public void launch(Kernel launched, MemorySegment words, int count, long[] grid, long cost) {
        checkOpen();
        long total = 1;
        for (long extent : grid) {
            total = Math.multiplyExact(total, extent);
        }
        if (total <= 0) {
            return;
        }
        kernel = (CpuKernel) launched;
        parameters = words.address();
        long chunks = chunks(cost);
        if (chunks <= 1) {
            run(0, total);
        } else {
            job.run(this, total, chunks);
        }
    }

    private long chunks(long cost) {
        long byLength = cost / LARGEST_CHUNK_NANOS;
        if (cost < ALONE_NANOS || pool.threads() == 1) {
            return byLength;
        }
        return Math.max(byLength, Math.min(cost / SMALLEST_CHUNK_NANOS, (long) pool.threads() * CHUNKS_PER_THREAD));
    }

    @Override
    public void run(long begin, long end) {
        kernel.call(parameters, begin, end, error.address());
    }

    @Override
    public boolean failed() {
        return error.get(ValueLayout.JAVA_LONG, 0) != 0;
    }

    @Override
    public Event record() {
        return Event.PAST;
    }

    @Override
    public long takeError() {
        long word = error.get(ValueLayout.JAVA_LONG, 0);
        if (word != 0) {
            error.set(ValueLayout.JAVA_LONG, 0, 0);
        }
        return word;
    }

    private void checkOpen() {
        if (closed) {
            throw new DeviceFailed("the queue is closed; open another one", null);
        }
    }

    @Override
    public void close() {
        closed = true;
        job.close();
        arena.close();
    }
}
