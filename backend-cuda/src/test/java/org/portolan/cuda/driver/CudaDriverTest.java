package org.portolan.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.device.StagingMemory;
import org.portolan.runtime.device.StopSignal;

/// The driver on a library of the vendor's that is none: what is called, what becomes of every status, and that nothing is
/// kept.
class CudaDriverTest {
    /// Enough for copies in several parts,
    private static final int MANY = 700_000;
    /// and for two.
    private static final int FLOATS = 140_000;

    private final CudaDriver driver = new CudaDriver(() -> DriverLibrary.open(FakeDriver.library()));

    @BeforeEach
    void reset() {
        FakeDriver.reset();
    }

    private Device open() {
        return driver.open(0, DeviceOptions.defaults());
    }

    private static MemorySegment image(Arena arena, String... names) {
        var modules = new ArrayList<CudaImage.Module>();
        for (var name : names) {
            var entry = new KernelEntry(name, 128, Points.THREADS, 0, 2);
            modules.add(new CudaImage.Module(entry, ".version 7.0\n.visible .entry " + name + "(\n)", Optional.empty()));
        }
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, new CudaImage("sm_80", modules).toBytes());
    }

    /// Copies floats in, lets a kernel double them, and copies them out.
    private float[] run(Device device, String kernel, int floats) {
        try (var arena = Arena.ofConfined();
                var image = device.load(image(arena, kernel));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var host = arena.allocate(4L * floats, 64);
            for (int i = 0; i < floats; i++) {
                host.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
            }
            var memory = device.allocate(arena, 4L * floats, 64);
            queue.copyIn(host, memory.address(), host.byteSize());
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, memory.address(), floats);
            queue.launch(image.kernel(kernel), words, 2, new long[] {floats / 100, 100}, 0);
            var result = MemorySegment.ofArray(new float[floats]);
            queue.copyOut(memory.address(), result, host.byteSize());
            queue.record().await();
            long error = queue.takeError();
            if (error != 0) {
                throw new IllegalStateException(KernelError.ofWord(error).reason());
            }
            return (float[]) result.heapBase().orElseThrow();
        }
    }

    @Test
    void aKernelRuns() {
        var expected = new float[MANY];
        for (int i = 0; i < MANY; i++) {
            expected[i] = 2 * i;
        }
        try (var device = open()) {
            assertArrayEquals(expected, run(device, "twice", MANY));
            assertArrayEquals(expected, run(device, "twice", MANY));
            assertEquals(DeviceHealth.WORKING, device.health());
        }
        assertEquals(0, FakeDriver.live(), "something was not given back");
    }

    @Test
    void theErrorWordIsReadOnceAndForgotten() {
        try (var device = open();
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, "wrong"));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, 0, 0);
            queue.launch(image.kernel("wrong"), words, 2, new long[] {5}, 0);
            queue.launch(image.kernel("wrong"), words, 2, new long[] {5}, 0);
            assertEquals(new KernelError(1, 3), KernelError.ofWord(queue.takeError()));
            assertEquals(0, queue.takeError());
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void memoryThatIsLockedForCopiesNeedsNoDetour() {
        try (var device = open();
                var queue = device.openQueue(StopSignal.NEVER);
                var arena = Arena.ofConfined()) {
            var host = ((StagingMemory) device).allocateStaging(arena, 1000, 4096);
            assertEquals(0, host.address() % 4096);
            host.fill((byte) 7);
            var memory = device.allocate(arena, 1000, 64);
            long before = FakeDriver.calls();
            queue.copyIn(host, memory.address(), 1000);
            assertEquals(2, FakeDriver.calls() - before, "the context and the copy");
            host.fill((byte) 0);
            queue.copyOut(memory.address(), host, 1000);
            assertEquals(0, host.get(ValueLayout.JAVA_BYTE, 999), "not before somebody waits");
            queue.record().await();
            assertEquals(7, host.get(ValueLayout.JAVA_BYTE, 999));
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void memoryThatIsGivenBackIsKeptInAPoolOfItsOwn() {
        try (var device = open(); var arena = Arena.ofConfined()) {
            device.allocate(arena, 100, 64);
            assertEquals(1, FakeDriver.calls("cuMemPoolCreate"));
            assertEquals((1L << 30) / 8, FakeDriver.kept());
            assertEquals(1, FakeDriver.calls("cuMemAllocFromPoolAsync"));
        }
        assertEquals(0, FakeDriver.live());
    }

    /// Such a driver answers the question for pools with an error.
    @Test
    void aDriverThatKnowsNoPoolsIsAskedForPlainMemory() {
        FakeDriver.withoutPools();
        try (var device = open()) {
            run(device, "twice", FLOATS);
            assertEquals(0, FakeDriver.calls("cuMemPoolCreate") + FakeDriver.calls("cuMemAllocFromPoolAsync"));
        }
        FakeDriver.fail("cuMemPoolCreate", 1, 801, false);
        try (var device = open()) {
            run(device, "twice", FLOATS);
        }
        assertEquals(0, FakeDriver.calls("cuMemAllocFromPoolAsync"));
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void useAfterClosingIsRefused() {
        var device = open();
        var queue = device.openQueue(StopSignal.NEVER);
        queue.close();
        queue.close();
        assertThrows(DeviceFailed.class, queue::record);
        assertThrows(DeviceFailed.class, queue::takeError);
        assertThrows(DeviceFailed.class, () -> queue.copy(0, 0, 8));
        device.close();
        device.close();
        assertThrows(DeviceFailed.class, () -> device.openQueue(StopSignal.NEVER));
        assertThrows(DeviceFailed.class, () -> device.allocate(Arena.ofAuto(), 8, 8));
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void whatAStoppedQueueIsGivenIsSkipped() {
        try (var device = open();
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, "wrong"));
                var queue = device.openQueue(() -> true)) {
            queue.launch(image.kernel("wrong"), arena.allocateFrom(ValueLayout.JAVA_LONG, 0, 0), 2, new long[] {5}, 0);
            assertEquals(0, queue.takeError());
        }
    }

    @Test
    void aDeviceIsDescribed() {
        var listing = driver.list();
        var device = listing.devices().getFirst();
        assertEquals("cuda:0", device.name());
        assertEquals("Fake GPU", device.label());
        assertEquals("sm_80", device.machine(), "of the generation 8.6, sm_80 is the best that is described");
        assertEquals(101376L, device.limits().get("shared_bytes"));
        assertTrue(device.features().containsAll(List.of("sm_75", "sm_80")), () -> device.features().toString());
        assertTrue(device.features().stream().noneMatch("sm_89"::equals));
        assertEquals("", listing.reason());
    }

    @ParameterizedTest
    @ValueSource(strings = {"7.5 sm_75", "8.0 sm_80", "8.7 sm_80", "8.9 sm_89", "9.0 sm_90a", "10.0 sm_100", "12.1 sm_100"})
    void generationsHaveMachines(String line) {
        FakeDriver.devices(1, Integer.parseInt(line.split("[. ]")[0]), Integer.parseInt(line.split("[. ]")[1]));
        var device = driver.list().devices().getFirst();
        assertEquals(line.split(" ")[1], device.machine());
        assertTrue(device.features().contains(device.machine()));
    }

    @Test
    void anOldDeviceIsRefusedWithItsGeneration() {
        FakeDriver.devices(1, 6, 1);
        assertTrue(driver.list().devices().stream().allMatch(device -> device.emulated()));
        assertTrue(driver.list().reason().contains("sm_61"), driver.list().reason());
    }

    @Test
    void withoutALibraryTheReasonSaysWhatWasLookedFor() {
        var absent = new CudaDriver(() -> DriverLibrary.open("libcuda-that-is-not-there.so.1"));
        assertTrue(absent.list().reason().contains("libcuda-that-is-not-there.so.1"));
        var problem = assertThrows(DeviceMissing.class, () -> absent.open(7, DeviceOptions.defaults()));
        assertTrue(problem.getMessage().contains("libcuda-that-is-not-there.so.1"), problem.getMessage());
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 34, 35, 100, 802, 803, 999, 12345})
    void aDriverThatDoesNotStartIsAReason(int status) {
        FakeDriver.fail("cuInit", 1, status, false);
        var listing = driver.list();
        assertTrue(listing.devices().stream().allMatch(device -> device.emulated()));
        assertTrue(listing.reason().contains(Integer.toString(status)), listing.reason());
    }

    @Test
    void noDeviceIsAReason() {
        FakeDriver.devices(0, 8, 0);
        assertTrue(driver.list().reason().contains("no device"));
        FakeDriver.reset();
        FakeDriver.fail("cuDeviceGetCount", 1, 100, false);
        assertTrue(driver.list().reason().contains("no device"));
    }

    /// A profiler wants the lines of the kernels' text; the driver keeps them only if it is asked to.
    @Test
    void linesAreAskedForOnDemand() {
        try (var device = open();
                var arena = Arena.ofConfined()) {
            var bytes = image(arena, "refused");
            var usual = assertThrows(DeviceFailed.class, () -> device.load(bytes));
            assertFalse(usual.getMessage().contains("lines are kept"), usual.getMessage());
            System.setProperty("portolan.cuda.lines", "true");
            var asked = assertThrows(DeviceFailed.class, () -> device.load(bytes));
            assertTrue(asked.getMessage().contains("lines are kept"), asked.getMessage());
        } finally {
            System.clearProperty("portolan.cuda.lines");
        }
    }

    @Test
    void whatTheDriversCompilerSaysIsTold() {
        try (var device = open();
                var arena = Arena.ofConfined()) {
            var bytes = image(arena, "twice", "refused");
            var problem = assertThrows(DeviceFailed.class, () -> device.load(bytes));
            assertTrue(problem.getMessage().contains("a name is unknown"), problem.getMessage());
            assertTrue(problem.getMessage().contains("refused"), problem.getMessage());
            assertTrue(problem.getMessage().contains("INVALID_PTX"), problem.getMessage());
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void manyKernelsAreCompiledByManyThreads() {
        var names = IntStream.range(0, 60).mapToObj(number -> "kernel" + number).toArray(String[]::new);
        try (var device = open();
                var arena = Arena.ofConfined()) {
            try (var image = device.load(image(arena, names))) {
                for (var name : names) {
                    assertEquals(name, image.kernel(name).name());
                }
            }
            names[20] = "refused_by_the_driver";
            var bytes = image(arena, names);
            var problem = assertThrows(DeviceFailed.class, () -> device.load(bytes));
            assertTrue(problem.getMessage().contains("refused_by_the_driver"), problem.getMessage());
        }
        assertEquals(0, FakeDriver.live(), "a kernel was not unloaded");
    }

    @Test
    void aDriverThatIsOlderThanTheKernelsIsNamed() {
        try (var device = open();
                var arena = Arena.ofConfined()) {
            var bytes = image(arena, "newer");
            var problem = assertThrows(DeviceFailed.class, () -> device.load(bytes));
            for (var said : List.of("PTX 7.0", "CUDA 11.0 and later", "CUDA 12.4 is here", "newer driver", "--target cuda:sm_75")) {
                assertTrue(problem.getMessage().contains(said), problem.getMessage());
            }
        }
    }

    /// As the PTX ISA's release history has it.
    @ParameterizedTest
    @ValueSource(strings = {"6.3 10.0", "6.5 10.2", "7.0 11.0", "7.8 11.8", "8.0 12.0", "8.5 12.5", "8.6 12.7", "8.8 12.9", "9.0 13.0"})
    void eachVersionOfPtxHasItsFirstDriver(String line) {
        var version = PtxVersion.of("//\n.version " + line.split(" ")[0] + "\n.target sm_80\n").orElseThrow();
        assertEquals(line.split(" ")[0], version.text());
        assertEquals(line.split(" ")[1], version.toolkit());
        assertEquals(Optional.empty(), PtxVersion.of("no version here"));
    }

    /// A driver that lacks any one of the functions: what can do without works, and the rest is a typed error that says so.
    @ParameterizedTest
    @FieldSource("org.portolan.cuda.driver.DriverCalls#NAMES")
    void anOldDriverLacksFunctions(String function) {
        var old = new CudaDriver(() -> FakeDriver.without(function));
        try (var device = old.open(0, DeviceOptions.defaults())) {
            if (!device.description().emulated()) {
                run(device, "twice", FLOATS);
            }
        } catch (DeviceFailed | DeviceMissing problem) {
            assertTrue(problem.getMessage().contains("too old"), problem.getMessage());
        }
    }

    @Test
    void aDamagedImageIsRefused() {
        try (var device = open();
                var arena = Arena.ofConfined()) {
            var whole = image(arena, "twice");
            for (long length = 0; length < whole.byteSize(); length += 7) {
                var part = whole.asSlice(0, length);
                assertThrows(BadProgramFile.class, () -> device.load(part));
            }
            var other = arena.allocateFrom("no image", StandardCharsets.UTF_8);
            assertThrows(BadProgramFile.class, () -> device.load(other));
            try (var image = device.load(whole)) {
                assertThrows(BadProgramFile.class, () -> image.kernel("absent"));
            }
        }
    }

    @Test
    void memoryThatIsNotThereIsALimitWithNumbers() {
        try (var device = open();
                var arena = Arena.ofConfined()) {
            var whole = assertThrows(LimitExceeded.class, () -> device.allocate(arena, 2L << 30, 64));
            assertTrue(whole.getMessage().contains("2147483648") && whole.getMessage().contains("1073741824"));
            device.allocate(arena, 900 << 20, 64);
            var rest = assertThrows(LimitExceeded.class, () -> device.allocate(arena, 200 << 20, 64));
            assertTrue(rest.getMessage().contains("bytes left"), rest.getMessage());
            assertEquals(0, device.allocate(arena, 1, 4096).address() % 4096);
            assertEquals(DeviceHealth.WORKING, device.health());
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void aKernelThatCrashesLosesTheDevice() {
        var device = open();
        var fault = assertThrows(DeviceLost.class, () -> run(device, "crash", FLOATS));
        assertTrue(fault.getMessage().contains("CUDA_LAUNCH_BLOCKING=1"), fault.getMessage());
        assertEquals(DeviceHealth.LOST, device.health());
        FakeDriver.reset();
        long calls = FakeDriver.calls();
        var problem = assertThrows(DeviceLost.class, () -> device.openQueue(StopSignal.NEVER));
        assertTrue(problem.getMessage().contains("ILLEGAL_ADDRESS"), problem.getMessage());
        device.close();
        assertEquals(calls, FakeDriver.calls(), "a lost device is not asked again");
    }

    /// A failure that is no loss, anywhere before things are given back, leaves nothing behind.
    @Test
    void nothingIsKeptAfterAFailure() {
        var kept = new ArrayList<String>();
        for (var function : List.of(
                "cuCtxSetCurrent", "cuStreamCreate", "cuMemHostAlloc", "cuMemAlloc_v2", "cuMemAllocFromPoolAsync", "cuEventCreate",
                "cuEventRecord", "cuModuleLoadDataEx", "cuModuleGetFunction", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
                "cuMemsetD32Async", "cuLaunchKernel", "cuStreamSynchronize", "cuEventSynchronize")) {
            for (int n = 1; n < 12; n++) {
                FakeDriver.reset();
                FakeDriver.fail(function, n, 801, false);
                try (var device = open()) {
                    run(device, "twice", FLOATS);
                } catch (DeviceFailed e) {
                    if (FakeDriver.live() != 0) {
                        kept.add(function + " " + n + ": " + FakeDriver.live());
                    }
                }
            }
        }
        assertEquals(List.of(), kept);
    }
}
