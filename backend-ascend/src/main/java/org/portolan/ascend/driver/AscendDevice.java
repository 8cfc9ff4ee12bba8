package org.portolan.ascend.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.Faults;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;

/// A card, or the emulated one. Threads have to say which device they mean before anything else; each does so once.
class AscendDevice implements Device {
    private static final long NATURAL_ALIGNMENT = 64;
    /// Pieces of memory are read in whole blocks.
    private static final long PADDING = 32;

    private static final int MOST_TRIES = 100;

    /// Kinds of memory that a card may have.
    private static final int STACKED_MEMORY = 1;

    private static final int PLAIN_MEMORY = 0;

    final AclLibrary library;
    final KernelBuilder builder;
    final Chips chip;
    private final DeviceDescription description;
    private final int number;
    private final long bytes;
    private volatile DeviceHealth health = DeviceHealth.WORKING;
    private volatile boolean closed;

    AscendDevice(AclLibrary library, DeviceDescription description, int number, KernelBuilder builder) {
        this.library = library;
        this.number = number;
        this.builder = builder;
        this.description = description;
        choose();
        var soc = library.text("aclrtGetSocName").orElse(description.label());
        chip = Chips.find(soc).orElseThrow(() -> new DeviceFailed(
                description.name() + " is " + soc + ", and there are kernels for Ascend910B, 910_93, 310P and 950 only; use another device",
                null));
        bytes = description.memoryBytes() > 0 ? description.memoryBytes() : memory();
    }

    /// The bytes of the card's memory, of whichever kind it has.
    private long memory() {
        try (var arena = Arena.ofConfined()) {
            var free = arena.allocate(ValueLayout.JAVA_LONG);
            var all = arena.allocate(ValueLayout.JAVA_LONG);
            for (int kind : new int[] {STACKED_MEMORY, PLAIN_MEMORY}) {
                if (call("aclrtGetMemInfo", kind, free, all) == AclError.SUCCESS && all.get(ValueLayout.JAVA_LONG, 0) > 0) {
                    return all.get(ValueLayout.JAVA_LONG, 0);
                }
            }
            return 0;
        }
    }

    /// The emulated one, which can be made to fail.
    static final class Emulated extends AscendDevice implements Faults {
        Emulated(AclLibrary library, DeviceDescription description, int number, KernelBuilder builder) {
            super(library, description, number, builder);
        }

        @Override
        public void lose() {
            super.health = DeviceHealth.LOST;
        }
    }

    int number() {
        return number;
    }

    /// Makes this the calling thread's device.
    void choose() {
        if (closed) {
            throw new DeviceFailed("the device " + description.name() + " is closed", null);
        }
        if (health == DeviceHealth.LOST) {
            throw new DeviceLost("the device " + description.name() + " is lost; only a new process gets it back", null);
        }
        // A virtual thread may run on another thread of the system than before.
        if (library.chosen.get() != number || Thread.currentThread().isVirtual()) {
            check(library.call("aclrtSetDevice", number), "taking the device " + description.name());
            library.chosen.set(number);
        }
    }

    /// Calls a function of the library that gives a code. A virtual thread may have moved to another thread of the system
    /// since it chose the device, so it chooses anew; and should it have moved between that and the call, which then does
    /// nothing, once more. A device that cannot be chosen gives the code of that.
    int call(String function, Object... arguments) {
        if (!Thread.currentThread().isVirtual()) {
            return library.call(function, arguments);
        }
        library.ready(function, arguments);
        int code = AclError.NO_CONTEXT;
        for (int tries = 0; tries < MOST_TRIES && code == AclError.NO_CONTEXT; tries++) {
            int chosen = library.call("aclrtSetDevice", number);
            if (chosen != AclError.SUCCESS) {
                return chosen;
            }
            code = library.call(function, arguments);
        }
        return code;
    }

    /// Throws what an error code means.
    void check(int code, String what) {
        if (code == AclError.SUCCESS) {
            return;
        }
        var failure = AclError.of(code, what, library.text("aclGetRecentErrMsg").orElse(""));
        if (failure instanceof DeviceLost) {
            health = DeviceHealth.LOST;
        }
        throw failure;
    }

    /// Calls a function that gives a handle through its argument at {@code position}.
    long handle(String what, String function, int position, Object... others) {
        try (var arena = Arena.ofConfined()) {
            var place = arena.allocate(ValueLayout.ADDRESS);
            var arguments = new Object[others.length + 1];
            for (int i = 0, next = 0; i < arguments.length; i++) {
                arguments[i] = i == position ? place : others[next++];
            }
            check(call(function, arguments), what);
            return place.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    static MemorySegment pointer(long address) {
        return MemorySegment.ofAddress(address);
    }

    @Override
    public DeviceDescription description() {
        return description.memoryBytes() == bytes
                ? description
                : new DeviceDescription(
                        description.driver(),
                        description.ordinal(),
                        description.label(),
                        description.emulated(),
                        description.sharesHostMemory(),
                        bytes,
                        description.features(),
                        description.machine(),
                        description.limits());
    }

    @Override
    public MemorySegment allocate(Arena arena, long bytes, long alignment) {
        choose();
        long size;
        try {
            long extra = alignment > NATURAL_ALIGNMENT ? alignment : 0;
            size = Math.addExact(Math.ceilDiv(Math.max(1, bytes), PADDING) * PADDING + PADDING, extra);
        } catch (ArithmeticException overflow) {
            throw new LimitExceeded("no device has " + bytes + " bytes");
        }
        long address = handle("allocating " + bytes + " bytes", "aclrtMalloc", 0, size, 0);
        long aligned = Math.ceilDiv(address, alignment) * alignment;
        return MemorySegment.ofAddress(aligned).reinterpret(0, arena, _ -> free(address));
    }

    private void free(long address) {
        if (!closed && health != DeviceHealth.LOST) {
            choose();
            call("aclrtFree", pointer(address));
        }
    }

    @Override
    public KernelImage load(MemorySegment image) {
        choose();
        return AscendImage.load(this, image);
    }

    @Override
    public Queue openQueue(StopSignal stop) {
        choose();
        return new AscendQueue(this, stop);
    }

    @Override
    public DeviceHealth health() {
        return health;
    }

    @Override
    public void close() {
        closed = true;
    }
}
