package org.portolan.ascend.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// A stream. Kernels are launched by an arguments handle, since the runtime adds arguments of its own to some.
final class AscendQueue implements Queue {
    private static final int TO_DEVICE = 1;
    private static final int TO_HOST = 2;
    private static final int ON_DEVICE = 3;
    private static final int EVENT_SYNC = 1;
    /// Cores of a kernel; each has a block of its own for what fails.
    private static final int MOST_CORES = 64;

    private static final long ERROR_BLOCK = 32;

    private final AscendDevice device;
    private final StopSignal stop;
    private final long stream;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errors;
    private final MemorySegment found = arena.allocate(MOST_CORES * ERROR_BLOCK, 64);
    private final MemorySegment value = arena.allocate(8, 8);
    private final MemorySegment place = arena.allocate(8, 8);
    private final Set<AscendEvent> events = ConcurrentHashMap.newKeySet();
    /// What was given so far, and how much of it is known to be done.
    private final AtomicLong given = new AtomicLong();
    private final AtomicLong done = new AtomicLong();
    private boolean used;
    private boolean closed;

    AscendQueue(AscendDevice device, StopSignal stop) {
        this.device = device;
        this.stop = stop;
        stream = device.handle("opening a stream", "aclrtCreateStream", 0);
        try {
            errors = device.allocate(arena, MOST_CORES * ERROR_BLOCK, 64);
            clear();
        } catch (RuntimeException e) {
            device.call("aclrtDestroyStream", AscendDevice.pointer(stream));
            arena.close();
            throw e;
        }
    }

    AscendDevice device() {
        return device;
    }

    void forget(AscendEvent event) {
        events.remove(event);
    }

    private void begin() {
        if (closed) {
            throw new DeviceFailed("the queue is closed", null);
        }
        device.choose();
    }

    private void work() {
        used = true;
        given.incrementAndGet();
    }

    /// All that was given before is done.
    void finished(long count) {
        done.accumulateAndGet(count, Math::max);
    }

    private void clear() {
        device.check(
                device.call("aclrtMemset", errors, MOST_CORES * ERROR_BLOCK, 0, MOST_CORES * ERROR_BLOCK),
                "clearing the errors");
    }

    private void copy(MemorySegment to, MemorySegment from, long bytes, int kind, String what) {
        begin();
        if (bytes > 0) {
            work();
            device.check(
                    device.call(
                            "aclrtMemcpyAsync", to, bytes, from, bytes, kind, AscendDevice.pointer(stream)),
                    what);
        }
    }

    @Override
    public void copyIn(MemorySegment host, long to, long bytes) {
        copy(AscendDevice.pointer(to), host, bytes, TO_DEVICE, "copying " + bytes + " bytes to the device");
    }

    @Override
    public void copyOut(long from, MemorySegment host, long bytes) {
        copy(host, AscendDevice.pointer(from), bytes, TO_HOST, "copying " + bytes + " bytes from the device");
    }

    @Override
    public void copy(long from, long to, long bytes) {
        copy(AscendDevice.pointer(to), AscendDevice.pointer(from), bytes, ON_DEVICE, "copying " + bytes + " bytes");
    }

    @Override
    public void launch(Kernel launched, MemorySegment parameters, int words, long[] grid, long cost) {
        begin();
        long points = 1;
        for (long extent : grid) {
            points = Math.multiplyExact(points, extent);
        }
        if (points <= 0 || stop.stopped()) {
            return;
        }
        var kernel = (AscendKernel) launched;
        var entry = kernel.entry();
        if (words != entry.buffers() + entry.symbols()) {
            throw new DeviceFailed("kernel " + kernel.name() + " takes " + entry.buffers() + " buffers and "
                    + entry.symbols() + " numbers, and was given " + words + " words", null);
        }
        long wanted = entry.all() ? entry.cores() : Math.min(points, entry.cores());
        int cores = Math.toIntExact(Math.min(wanted, MOST_CORES));
        work();
        var what = "starting kernel " + kernel.name() + " of " + entry.origin() + " on " + cores + " cores";
        long arguments = arguments(kernel, parameters, what);
        device.check(
                device.call(
                        "aclrtLaunchKernelWithConfig",
                        AscendDevice.pointer(kernel.handle()),
                        cores,
                        AscendDevice.pointer(stream),
                        MemorySegment.NULL,
                        AscendDevice.pointer(arguments),
                        MemorySegment.NULL),
                what);
    }

    /// The buffers, the error words, and the numbers in one struct that is copied to the device with the launch.
    private long arguments(AscendKernel kernel, MemorySegment parameters, String what) {
        var entry = kernel.entry();
        long handle = device.handle(what, "aclrtKernelArgsInit", 1, AscendDevice.pointer(kernel.handle()));
        var arguments = AscendDevice.pointer(handle);
        for (int buffer = 0; buffer < entry.buffers(); buffer++) {
            append(arguments, parameters.getAtIndex(ValueLayout.JAVA_LONG, buffer), what);
        }
        append(arguments, errors.address(), what);
        if (entry.symbols() == 0) {
            append(arguments, 0, what);
        } else {
            device.check(device.call("aclrtKernelArgsAppendPlaceHolder", arguments, place), what);
            var holder = place.get(ValueLayout.ADDRESS, 0);
            long bytes = 8L * entry.symbols();
            device.check(
                    device.call("aclrtKernelArgsGetPlaceHolderBuffer", arguments, holder, bytes, place), what);
            MemorySegment.copy(
                    parameters,
                    8L * entry.buffers(),
                    place.get(ValueLayout.ADDRESS, 0).reinterpret(bytes),
                    0,
                    bytes);
        }
        device.check(device.call("aclrtKernelArgsFinalize", arguments), what);
        return handle;
    }

    private void append(MemorySegment arguments, long word, String what) {
        value.set(ValueLayout.JAVA_LONG, 0, word);
        device.check(device.call("aclrtKernelArgsAppend", arguments, value, 8L, place), what);
    }

    @Override
    public Event record() {
        begin();
        long count = given.get();
        if (done.get() == count) {
            return Event.PAST;
        }
        var event = new AscendEvent(
                this, count, device.handle("creating an event", "aclrtCreateEventWithFlag", 0, EVENT_SYNC));
        events.add(event);
        return event.recorded(stream);
    }

    /// Waits for all work; faults of kernels are told here.
    private void finish() {
        long count = given.get();
        device.check(
                device.call("aclrtSynchronizeStream", AscendDevice.pointer(stream)), "waiting for the device");
        finished(count);
    }

    @Override
    public long takeError() {
        if (device.health() == DeviceHealth.LOST) {
            settle();
        }
        begin();
        if (!used) {
            return 0;
        }
        finish();
        device.check(
                device.call(
                        "aclrtMemcpy", found, found.byteSize(), errors, MOST_CORES * ERROR_BLOCK, TO_HOST),
                "reading the errors");
        used = false;
        long word = 0;
        for (long core = 0; core < MOST_CORES && word == 0; core++) {
            word = found.get(ValueLayout.JAVA_LONG, core * ERROR_BLOCK);
        }
        if (word != 0) {
            clear();
        }
        return word;
    }

    /// Waits until a lost device touches the host's memory no more, whatever it answers.
    private void settle() {
        device.library.call("aclrtSetDevice", device.number());
        device.library.call("aclrtSynchronizeStream", AscendDevice.pointer(stream));
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (device.health() == DeviceHealth.LOST) {
            settle();
        } else {
            device.choose();
            device.call("aclrtSynchronizeStream", AscendDevice.pointer(stream));
            List.copyOf(events).forEach(AscendEvent::release);
            device.call("aclrtDestroyStream", AscendDevice.pointer(stream));
        }
        arena.close();
    }
}
