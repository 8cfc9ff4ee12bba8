package org.portolan.cuda.emulator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.portolan.cuda.emulator.EmulatedImage.EmulatedKernel;
import org.portolan.cuda.emulator.run.Allocation;
import org.portolan.cuda.emulator.run.Extent;
import org.portolan.cuda.emulator.run.GridRunner;
import org.portolan.cuda.emulator.run.KernelFault;
import org.portolan.cuda.emulator.run.Launch;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.cuda.image.TensorMap;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.CapturingQueue;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.PeerQueue;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.parallel.ParallelJob;

/// Work is only noted down at first, and done when somebody waits for it: whoever forgets to wait sees old data.
final class EmulatedQueue implements CapturingQueue, PeerQueue {
    private final EmulatedDevice device;
    private final StopSignal stop;
    private final ParallelJob job;
    private final Allocation error;
    private final Deque<Runnable> commands = new ArrayDeque<>();
    private long given;
    private long done;
    /// What is given goes here while a row is captured; else null.
    private List<Runnable> capturing;
    private boolean closed;

    EmulatedQueue(EmulatedDevice device, StopSignal stop) {
        this.device = device;
        this.stop = stop;
        job = device.pool().openJob(stop);
        error = device.memory().allocate(Long.BYTES, Long.BYTES, "the error word", false);
        clearError();
    }

    private void clearError() {
        error.copyIn(MemorySegment.ofArray(new long[1]), 0, Long.BYTES);
    }

    @Override
    public void copyIn(MemorySegment host, long to, long bytes) {
        requireNoCapture("a copy to the device");
        var allocation = held(to, bytes, "a copy to the device");
        add(() -> allocation.copyIn(host, to - allocation.address(), bytes));
    }

    @Override
    public void copyOut(long from, MemorySegment host, long bytes) {
        requireNoCapture("a copy from the device");
        var allocation = held(from, bytes, "a copy from the device");
        add(() -> allocation.copyOut(from - allocation.address(), host, bytes));
    }

    @Override
    public void copy(long from, long to, long bytes) {
        if (capturing != null) {
            requireOpen();
            capturing.add(() -> copy(from, to, bytes)); // what lies there then is what counts
            return;
        }
        var source = held(from, bytes, "a copy on the device");
        var target = held(to, bytes, "a copy on the device");
        add(() -> source.copyTo(from - source.address(), target, to - target.address(), bytes));
    }

    @Override
    public boolean reaches(Device other) {
        return other instanceof EmulatedDevice;
    }

    @Override
    public void copyFrom(Device other, long from, long to, long bytes) {
        requireNoCapture("a copy from another device");
        if (!(other instanceof EmulatedDevice peer)) {
            throw new IllegalArgumentException(
                    device.description().name() + " does not reach the memory of " + other.description().name());
        }
        peer.requireWorking();
        if (bytes == 0) {
            requireOpen();
            return;
        }
        var source = held(peer, from, bytes, "a copy from another device");
        var target = held(to, bytes, "a copy from another device");
        add(() -> {
            peer.requireWorking();
            source.copyTo(from - source.address(), target, to - target.address(), bytes);
        });
    }

    private void requireOpen() {
        device.requireWorking();
        if (closed) {
            throw new DeviceFailed("the queue is closed", null);
        }
    }

    private Allocation held(long address, long bytes, String what) {
        return held(device, address, bytes, what);
    }

    private Allocation held(EmulatedDevice where, long address, long bytes, String what) {
        requireOpen();
        var allocation = where.memory().holding(address, bytes);
        if (allocation == null) {
            throw new DeviceFailed(
                    what + " of " + bytes + " bytes at 0x" + Long.toHexString(address) + " was refused: that is "
                            + where.memory().describe(address),
                    null);
        }
        return allocation;
    }

    @Override
    public void launch(Kernel kernel, MemorySegment parameters, int words, long[] grid, long cost) {
        requireOpen();
        var launched = (EmulatedKernel) kernel;
        var entry = launched.entry();
        if (words != entry.words()) {
            throw new DeviceFailed(
                    "kernel '" + entry.name() + "' takes " + entry.words() + " words, not " + words, null);
        }
        long points = 1;
        for (long extent : grid) {
            points = Math.multiplyExact(points, extent);
        }
        if (points <= 0) {
            return;
        }
        long blocks = entry.points() == Points.THREADS ? Math.ceilDiv(points, (long) entry.threads()) : points;
        if (blocks > Integer.MAX_VALUE) {
            throw new DeviceFailed(
                    "kernel '" + entry.name() + "' was refused: a grid of " + blocks + " blocks; up to "
                            + Integer.MAX_VALUE + " are taken",
                    null);
        }
        var given = new long[words];
        for (int index = 0; index < words; index++) {
            given[index] = parameters.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) Long.BYTES * index);
        }
        var bytes = ByteBuffer.allocate(entry.parameterBytes()).order(ByteOrder.LITTLE_ENDIAN);
        entry.maps().forEach(map -> bytes.put(encode(map, map.bind(entry.name(), given))));
        for (long word : given) {
            bytes.putLong(word);
        }
        bytes.putLong(error.address());
        var launch = new Launch(
                launched.program(),
                device.memory(),
                Extent.of((int) blocks),
                Extent.of(entry.threads()),
                bytes.array(),
                Math.toIntExact(entry.sharedBytes()),
                device.checked(),
                device.launchCounts() != null,
                () -> error.first() != 0);
        var refusals = device.architecture().refusals(launch);
        if (!refusals.isEmpty()) {
            throw new DeviceFailed(
                    "kernel '" + entry.name() + "' was refused: " + String.join("; ", refusals), null);
        }
        if (capturing != null) {
            capturing.add(() -> add(() -> run(launch)));
        } else {
            add(() -> run(launch));
        }
    }

    private static byte[] encode(TensorMap map, TensorMap.Bound bound) {
        return new org.portolan.cuda.emulator.run.TensorMap(
                        bound.address(),
                        map.element().bits() / Byte.SIZE,
                        bound.sizes(),
                        bound.strides(),
                        map.box().stream().map(Math::toIntExact).toList(),
                        map.swizzle())
                .encode();
    }

    @Override
    public Optional<Captured> capture(Runnable steps) {
        requireOpen();
        var row = new ArrayList<Runnable>();
        capturing = row;
        try {
            steps.run();
        } finally {
            capturing = null;
        }
        return Optional.of(new Row(row));
    }

    /// Work that was captured.
    private final class Row implements Captured {
        private List<Runnable> row;

        Row(List<Runnable> row) {
            this.row = row;
        }

        @Override
        public void replay() {
            requireOpen();
            if (row == null) {
                throw new DeviceFailed("a row of work was replayed after it was closed", null);
            }
            row.forEach(Runnable::run);
        }

        @Override
        public void close() {
            row = null;
        }
    }

    /// What a queue that captures cannot take.
    private void requireNoCapture(String what) {
        if (capturing != null) {
            throw new DeviceFailed(what + " was refused: the queue is capturing", null);
        }
    }

    private void run(Launch launch) {
        if (device.launchCounts() != null) {
            device.launchCounts().launched(launch.program().name());
        }
        try {
            GridRunner.run(launch, job, stop, device.launchCounts());
        } catch (KernelFault fault) {
            device.lose(fault.getMessage());
        }
    }

    private synchronized void add(Runnable command) {
        commands.add(command);
        given++;
    }

    /// Does what was given, up to a point.
    private synchronized void perform(long until) {
        while (done < until) {
            var command = commands.remove();
            done++;
            if (!stop.stopped()) {
                device.requireWorking();
                command.run();
                device.requireWorking();
            }
        }
    }

    @Override
    public synchronized Event record() {
        requireOpen();
        requireNoCapture("an event");
        return new Point(given);
    }

    /// A point in the work.
    private final class Point implements Event {
        private final long number;

        Point(long number) {
            this.number = number;
        }

        /// Asking is a way to wait: it does the work.
        @Override
        public boolean done() {
            perform(number);
            return true;
        }

        @Override
        public void await() {
            perform(number);
            device.requireWorking();
        }
    }

    @Override
    public synchronized long takeError() {
        requireOpen();
        requireNoCapture("waiting");
        perform(given);
        device.requireWorking();
        var word = new long[1];
        error.copyOut(0, MemorySegment.ofArray(word), Long.BYTES);
        if (word[0] != 0) {
            clearError();
        }
        return word[0];
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        commands.clear();
        job.close();
        device.memory().free(error);
    }
}
