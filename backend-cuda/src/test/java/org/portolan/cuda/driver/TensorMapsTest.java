package org.portolan.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.cuda.image.TensorMap;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.CapturingQueue;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// What a launch describes for the copy engine, on a library of the vendor's that is none: its kernel `boxed` doubles the floats
/// that the description names, and it refuses descriptions that a GPU's driver refuses.
class TensorMapsTest {
    private final CudaDriver driver = new CudaDriver(() -> DriverLibrary.open(FakeDriver.library()));

    @BeforeEach
    void reset() {
        FakeDriver.reset();
    }

    private Device open() {
        return driver.open(0, DeviceOptions.defaults());
    }

    private static TensorMap map(String rows) {
        return new TensorMap(0, ElementType.F32, List.of(Dim.of(8), Dim.parse(rows)), List.of(8L, 64L), 32);
    }

    private static MemorySegment image(Arena arena, TensorMap map) {
        var entry = new KernelEntry("boxed", 128, Points.BLOCKS, 0, 2, List.of(map));
        var module = new CudaImage.Module(entry, ".version 8.0\n.visible .entry boxed(\n)", Optional.empty());
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, new CudaImage("sm_90a", List.of(module)).toBytes());
    }

    @Test
    void anImageKeepsItsMaps() {
        var map = new TensorMap(
                1, ElementType.BF16, List.of(Dim.parse("8*$2"), Dim.of(3), Dim.parse("$2")), List.of(64L, 1L, 128L), 128);
        var entry = new KernelEntry("k", 128, Points.BLOCKS, 5, 3, List.of(map));
        var bytes = new CudaImage("sm_90a", List.of(new CudaImage.Module(entry, "text", Optional.empty()))).toBytes();
        assertEquals(entry, CudaImage.read(MemorySegment.ofArray(bytes)).modules().getFirst().entry());
    }

    /// Entries took their parameters in another order before there were maps.
    @Test
    void anImageOfTheFormBeforeIsRefused() {
        try (var arena = Arena.ofConfined()) {
            var bytes = image(arena, map("$1"));
            assertEquals('2', bytes.get(ValueLayout.JAVA_BYTE, "portolan-cuda ".length()));
            bytes.set(ValueLayout.JAVA_BYTE, "portolan-cuda ".length(), (byte) '1');
            var problem = assertThrows(BadProgramFile.class, () -> CudaImage.read(bytes));
            assertTrue(problem.getMessage().contains("compile the model again"), problem.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"$2", "$1+$9", "m"})
    void aMapOfAWordThatIsNotThereIsRefused(String rows) {
        try (var arena = Arena.ofConfined()) {
            var bytes = image(arena, map(rows));
            assertThrows(BadProgramFile.class, () -> CudaImage.read(bytes));
        }
    }

    @Test
    void theDriverDescribesOnceForEachContent() {
        try (var device = open();
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, map("$1")));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var first = filled(device, arena, queue, 80);
            var second = filled(device, arena, queue, 80);
            for (var memory : List.of(first, first, second, first)) {
                queue.launch(image.kernel("boxed"), words(arena, memory.address(), 10), 2, new long[] {1}, 0);
            }
            queue.launch(image.kernel("boxed"), words(arena, first.address(), 5), 2, new long[] {1}, 0);
            assertEquals(3, FakeDriver.calls("cuTensorMapEncodeTiled"), "two buffers, one of them of two sizes");
            assertEquals(16, floats(queue, first, 80)[39]);
            assertEquals(8, floats(queue, first, 80)[40], "beyond the smaller size");
            assertEquals(2, floats(queue, second, 80)[79]);
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void aGraphHoldsWhatWasDescribedWhenItWasTaken() {
        try (var device = open();
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, map("$1")));
                var queue = (CapturingQueue) device.openQueue(StopSignal.NEVER)) {
            var memory = filled(device, arena, queue, 80);
            var words = words(arena, memory.address(), 10);
            try (var taken = queue.capture(() -> queue.launch(image.kernel("boxed"), words, 2, new long[] {1}, 0))
                    .orElseThrow()) {
                words.set(ValueLayout.JAVA_LONG, 0, 16);
                taken.replay();
                taken.replay();
            }
            assertEquals(4, floats(queue, memory, 80)[0]);
        }
    }

    /// @param address added to that of the buffer
    @ParameterizedTest
    @CsvSource({"8, 10, addresses", "0, 2147483648, elements"})
    void whatTheEngineCannotTakeIsRefused(long address, long rows, String said) {
        try (var device = open();
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, map("$1")));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var words = words(arena, filled(device, arena, queue, 8).address() + address, rows);
            var problem = assertThrows(
                    DeviceFailed.class, () -> queue.launch(image.kernel("boxed"), words, 2, new long[] {1}, 0));
            assertTrue(problem.getMessage().contains(said) && problem.getMessage().contains("boxed"), problem.getMessage());
            assertEquals(0, FakeDriver.calls("cuTensorMapEncodeTiled"));
        }
    }

    /// A launch with two maps of which only the second is new, while no more are kept: the address of the first stays right.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void roomIsMadeBeforeALaunchNotInIt(int left) {
        var map = map("$1");
        var entry = new KernelEntry("boxed", 128, Points.BLOCKS, 0, 2, List.of(map, map));
        try (var device = (CudaDevice) open()) {
            device.context().enter();
            var maps = new TensorMaps(device.context());
            for (int i = 0; i < TensorMaps.MOST - left; i++) {
                maps.of(entry, map, new long[] {1024, i + 1});
            }
            maps.room(entry.maps().size());
            var first = maps.of(entry, map, new long[] {1024, 1});
            maps.of(entry, map, new long[] {1024, TensorMaps.MOST + 1});
            assertSame(first, maps.of(entry, map, new long[] {1024, 1}), "still held");
        }
    }

    @Test
    void aQueueForgetsWhatIsTooMuch() {
        try (var device = open();
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, map("$1")));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var memory = filled(device, arena, queue, 8 * (TensorMaps.MOST + 1));
            for (int i = 0; i <= TensorMaps.MOST + 1; i++) {
                // The last is the first again.
                long address = memory.address() + 32L * (i % (TensorMaps.MOST + 1));
                queue.launch(image.kernel("boxed"), words(arena, address, 1), 2, new long[] {1}, 0);
            }
            assertEquals(TensorMaps.MOST + 2, FakeDriver.calls("cuTensorMapEncodeTiled"), "the first was forgotten");
            var found = floats(queue, memory, 8 * (TensorMaps.MOST + 1));
            assertEquals(4, found[7]);
            assertEquals(2, found[8]);
            assertEquals(2, found[found.length - 1]);
        }
        assertEquals(0, FakeDriver.live());
    }

    /// An empty sum: the engine brings nothing, and takes a description all the same.
    @Test
    void distancesOfWhatIsEmptyAreWhatTheEngineTakes() {
        var sizes = List.of(Dim.parse("8*$1"), Dim.of(7), Dim.of(3));
        var map = new TensorMap(0, ElementType.BF16, sizes, List.of(8L, 1L, 1L), 16);
        assertEquals(new TensorMap.Bound(1024, List.of(1L, 7L, 3L), List.of(16L, 112L)), map.bind("k", 1024, 0));
        assertEquals(new TensorMap.Bound(1024, List.of(8L, 7L, 3L), List.of(16L, 112L)), map.bind("k", 1024, 1));
    }

    @Test
    void distancesThatAreNoMultipleOf16AreRefused() {
        var odd = new TensorMap(0, ElementType.F32, List.of(Dim.symbol("$1"), Dim.of(4)), List.of(8L, 4L), 32);
        assertEquals(List.of(48L), odd.bind("k", 1024, 12).strides());
        var problem = assertThrows(DeviceFailed.class, () -> odd.bind("k", 1024, 13));
        assertTrue(problem.getMessage().contains("[52]"), problem.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"257 8 128", "0 8 128", "8 12 48", "3 8 16", "64 8 128"})
    void boxesThatTheEngineDoesNotKnowAreRefused(String sizes) {
        var numbers = List.of(sizes.split(" ")).stream().map(Integer::parseInt).toList();
        assertThrows(
                IllegalArgumentException.class,
                () -> new TensorMap(
                        0,
                        ElementType.F32,
                        List.of(Dim.of(99), Dim.of(99)),
                        List.of((long) numbers.get(0), (long) numbers.get(1)),
                        numbers.get(2)));
    }

    @Test
    void aDriverThatCannotDescribeIsTooOld() {
        var old = new CudaDriver(() -> FakeDriver.without("cuTensorMapEncodeTiled"));
        try (var device = old.open(0, DeviceOptions.defaults());
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, map("$1")));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var words = words(arena, filled(device, arena, queue, 8).address(), 1);
            var problem = assertThrows(
                    DeviceFailed.class, () -> queue.launch(image.kernel("boxed"), words, 2, new long[] {1}, 0));
            assertTrue(problem.getMessage().contains("too old"), problem.getMessage());
        }
    }

    /// Every kind of status of the call is a typed error; nothing is remembered of what was refused, and the next launch describes anew.
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 100, 101, 201, 209, 700, 719, 801, 999})
    void theDriverMayRefuse(int status) {
        boolean lost = CudaStatus.of(status).lost();
        try (var device = open();
                var arena = Arena.ofConfined();
                var image = device.load(image(arena, map("$1")));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var memory = filled(device, arena, queue, 8);
            var words = words(arena, memory.address(), 1);
            FakeDriver.fail("cuTensorMapEncodeTiled", 1, status, lost);
            var problem = assertThrows(
                    PortolanException.class, () -> queue.launch(image.kernel("boxed"), words, 2, new long[] {1}, 0));
            assertTrue(problem.getMessage().contains("boxed"), problem.getMessage());
            if (!lost) {
                queue.launch(image.kernel("boxed"), words, 2, new long[] {1}, 0);
                assertEquals(2, floats(queue, memory, 8)[7]);
            }
        }
    }

    private static MemorySegment words(Arena arena, long address, long rows) {
        return arena.allocateFrom(ValueLayout.JAVA_LONG, address, rows);
    }

    private static MemorySegment filled(Device device, Arena arena, org.portolan.runtime.device.Queue queue, int count) {
        var host = arena.allocate(4L * count, 64);
        for (int i = 0; i < count; i++) {
            host.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        }
        var memory = device.allocate(arena, 4L * count, 64);
        queue.copyIn(host, memory.address(), host.byteSize());
        return memory;
    }

    private static float[] floats(org.portolan.runtime.device.Queue queue, MemorySegment memory, int count) {
        var result = new float[count];
        queue.copyOut(memory.address(), MemorySegment.ofArray(result), 4L * count);
        queue.takeError();
        return result;
    }
}
