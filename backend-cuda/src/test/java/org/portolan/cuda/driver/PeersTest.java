package org.portolan.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.PeerQueue;
import org.portolan.runtime.device.StopSignal;

/// Two devices: copies between them, and one that goes on when the other is lost. On a library of the vendor's that is none,
/// and on emulated ones.
class PeersTest {
    private static final String EMULATED = "portolan.emulated.devices";
    private static final float[] VALUES = {1, -2, 3.5f, 4};

    private final CudaDriver fake = new CudaDriver(() -> DriverLibrary.open(FakeDriver.library()));
    private final CudaDriver emulated = new CudaDriver(() -> new DriverLibrary(null, "no driver is asked for"));

    @BeforeEach
    void twoDevices() {
        FakeDriver.reset();
        FakeDriver.devices(2, 9, 0);
        System.setProperty(EMULATED, "2");
    }

    @AfterEach
    void asBefore() {
        System.clearProperty(EMULATED);
    }

    private static float[] across(Device from, Device to) {
        try (var arena = Arena.ofConfined();
                var source = from.openQueue(StopSignal.NEVER);
                var target = (PeerQueue) to.openQueue(StopSignal.NEVER)) {
            assertTrue(target.reaches(from));
            long there = from.allocate(arena, 64, 64).address();
            long here = to.allocate(arena, 64, 64).address();
            source.copyIn(arena.allocateFrom(ValueLayout.JAVA_FLOAT, VALUES), there + 16, 16);
            source.record().await();
            target.copyFrom(from, there + 16, here + 4, 16);
            target.copyFrom(from, there, here, 0);
            var found = arena.allocate(16);
            target.copyOut(here + 4, found, 16);
            target.record().await();
            assertEquals(0, target.takeError());
            return found.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void bytesGoFromOneToTheOther() {
        try (var first = fake.open(0, DeviceOptions.defaults());
                var second = fake.open(1, DeviceOptions.defaults())) {
            assertArrayEquals(VALUES, across(first, second));
            assertArrayEquals(VALUES, across(first, second));
            assertEquals(2, FakeDriver.calls("cuMemcpyPeerAsync"));
            assertEquals(1, FakeDriver.calls("cuCtxEnablePeerAccess"), "once for two devices");
            assertEquals(1, FakeDriver.calls("cuMemPoolSetAccess"));
            assertArrayEquals(VALUES, across(second, first));
            assertArrayEquals(VALUES, across(first, first));
        }
        assertEquals(0, FakeDriver.live());
    }

    /// A virtual thread that waited for a lock goes on upon another carrier, whose context is another or none.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatFollowsALockIsDoneInItsContext(boolean none) {
        try (var first = (CudaDevice) fake.open(0, DeviceOptions.defaults());
                var second = (CudaDevice) fake.open(1, DeviceOptions.defaults());
                var arena = Arena.ofConfined()) {
            Runnable elsewhere = () -> first.context().calls.setCurrent(none ? 0 : first.context().handle());
            long there = first.allocate(arena, 16, 64).address();
            long here = second.allocate(arena, 2 << 20, 64).address();
            var context = second.context();
            context.enter();
            var stream = CudaStream.create(context);
            var peers = new Peers(context);
            for (int copy = 0; copy < 2; copy++) {
                elsewhere.run();
                peers.copyFrom(first, there, here, 16, stream);
            }
            context.enter();
            var staging = new Staging(context, stream, () -> 0);
            elsewhere.run();
            // The second half waits for the first.
            staging.copyOut(here, arena.allocate(2 << 20), 2 << 20);
            elsewhere.run();
            staging.copyOut(here, arena.allocate(16), 16);
            context.enter();
            staging.close();
            stream.destroy();
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void devicesThatAreNotConnectedCopyThroughTheHost() {
        FakeDriver.peers(false);
        try (var first = fake.open(0, DeviceOptions.defaults());
                var second = fake.open(1, DeviceOptions.defaults())) {
            assertArrayEquals(VALUES, across(first, second));
            assertEquals(0, FakeDriver.calls("cuCtxEnablePeerAccess"));
        }
        assertEquals(0, FakeDriver.live());
    }

    /// Being refused a connection is no error; being refused the copy is one.
    @ParameterizedTest
    @ValueSource(ints = {1, 217, 704, 711, 801})
    void connectionsMayBeRefused(int status) {
        for (var function : List.of(
                "cuDeviceCanAccessPeer", "cuCtxEnablePeerAccess", "cuMemPoolCreate", "cuMemPoolSetAccess")) {
            FakeDriver.fail(function, 1, status, false);
            try (var first = fake.open(0, DeviceOptions.defaults());
                    var second = fake.open(1, DeviceOptions.defaults())) {
                assertArrayEquals(VALUES, across(first, second), function);
            }
        }
        FakeDriver.fail("cuMemcpyPeerAsync", 1, status, false);
        try (var first = fake.open(0, DeviceOptions.defaults());
                var second = fake.open(1, DeviceOptions.defaults())) {
            var error = assertThrows(DeviceFailed.class, () -> across(first, second));
            assertTrue(error.getMessage().contains("cuda:0") && error.getMessage().contains("cuda:1"), error.getMessage());
            assertArrayEquals(VALUES, across(first, second));
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void emulatedDevicesHaveNamesAndCopy() {
        var names = emulated.list().devices().stream().map(DeviceDescription::name).toList();
        assertEquals(List.of("cuda:emulated", "cuda:emulated1"), names);
        try (var first = emulated.open(0, DeviceOptions.defaults());
                var second = emulated.open(1, DeviceOptions.defaults())) {
            assertEquals("cuda:emulated1", second.description().name());
            assertArrayEquals(VALUES, across(first, second));
            assertArrayEquals(VALUES, across(second, first));
            try (var arena = Arena.ofConfined();
                    var queue = (PeerQueue) second.openQueue(StopSignal.NEVER)) {
                long there = first.allocate(arena, 16, 64).address();
                long here = second.allocate(arena, 16, 64).address();
                assertThrows(DeviceFailed.class, () -> queue.copyFrom(first, there, here, 17));
                assertThrows(DeviceFailed.class, () -> queue.copyFrom(first, there + 4096, here, 16));
            }
        }
    }

    @Test
    void anotherKindOfDeviceIsNotReached() {
        try (var card = fake.open(0, DeviceOptions.defaults());
                var software = emulated.open(0, DeviceOptions.defaults());
                var queue = (PeerQueue) card.openQueue(StopSignal.NEVER);
                var other = (PeerQueue) software.openQueue(StopSignal.NEVER)) {
            assertFalse(queue.reaches(software));
            assertFalse(other.reaches(card));
            assertThrows(IllegalArgumentException.class, () -> queue.copyFrom(software, 0, 0, 4));
            assertThrows(IllegalArgumentException.class, () -> other.copyFrom(card, 0, 0, 4));
        }
    }

    private static void crash(Device device, Arena arena) {
        var module = new CudaImage.Module(
                new KernelEntry("crash", 32, Points.THREADS, 0, 2), ".version 7.0\n.visible .entry crash(\n)",
                Optional.empty());
        MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, new CudaImage("sm_80", List.of(module)).toBytes());
        try (var image = device.load(bytes); var queue = device.openQueue(StopSignal.NEVER)) {
            queue.launch(image.kernel("crash"), arena.allocate(16, 8), 2, new long[] {1}, 0);
            queue.takeError();
        }
    }

    /// A kernel has ended one device, and the copy is the first to meet it: only that device is given up.
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aCopyThatFailsSaysWhichOfTheTwoIsLost(int lost) {
        var devices = List.of(fake.open(0, DeviceOptions.defaults()), fake.open(1, DeviceOptions.defaults()));
        var other = devices.get(1 - lost);
        try (var arena = Arena.ofConfined(); var queue = (PeerQueue) devices.get(1).openQueue(StopSignal.NEVER)) {
            long there = devices.get(0).allocate(arena, 16, 64).address();
            long here = devices.get(1).allocate(arena, 16, 64).address();
            queue.copyFrom(devices.get(0), there, here, 16);
            FakeDriver.crash(lost);
            assertEquals(DeviceHealth.WORKING, devices.get(lost).health());
            var error = assertThrows(DeviceLost.class, () -> queue.copyFrom(devices.get(0), there, here, 16));
            assertTrue(error.getMessage().contains("cuda:0 to cuda:1"), error.getMessage());
            assertEquals(DeviceHealth.LOST, devices.get(lost).health());
            assertEquals(DeviceHealth.WORKING, other.health());
            assertArrayEquals(VALUES, across(other, other));
        }
        devices.forEach(Device::close);
    }

    @Test
    void oneDeviceIsLostAndTheOtherGoesOn() {
        var first = fake.open(0, DeviceOptions.defaults());
        try (var second = fake.open(1, DeviceOptions.defaults());
                var arena = Arena.ofConfined();
                var queue = (PeerQueue) second.openQueue(StopSignal.NEVER)) {
            assertThrows(DeviceLost.class, () -> crash(first, arena));
            assertEquals(DeviceHealth.LOST, first.health());
            assertEquals(DeviceHealth.WORKING, second.health());
            assertThrows(DeviceLost.class, () -> queue.copyFrom(first, 0, 0, 4));
            assertEquals(DeviceHealth.WORKING, second.health());
            assertArrayEquals(VALUES, across(second, second));
            first.close();
            PortolanException closed = assertThrows(PortolanException.class, () -> queue.copyFrom(first, 0, 0, 4));
            assertTrue(closed.getMessage().contains("cuda:0"), closed.getMessage());
        }
    }
}
