package org.portolan.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.cuda.image.TensorMap;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.PeerQueue;
import org.portolan.runtime.device.StagingMemory;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Each function of the vendor's driver that is called gives each status that its documentation has (CUDA 13, {@code CUresult}),
/// while two devices do all that devices do.
class EveryStatusTest {
    /// What gives something back, or goes before that; refused, it stays where it is.
    private static final List<String> GIVING_BACK = List.of(
            "cuCtxSetCurrent",
            "cuDevicePrimaryCtxRelease_v2", "cuModuleUnload", "cuMemFree_v2", "cuMemFreeAsync", "cuMemFreeHost", "cuMemPoolDestroy",
            "cuStreamDestroy_v2", "cuEventDestroy_v2", "cuGraphExecDestroy", "cuGraphDestroy");

    /// Those that are treated differently come at the last call of each function as well as at the first.
    private static final List<Integer> AT_THE_END_TOO = List.of(2, 222, 600, 700, 801, 999);

    private static final Map<String, Long> COUNTS = counts();

    private static CudaDriver driver() {
        var library = DriverLibrary.open(FakeDriver.library());
        return new CudaDriver(() -> library);
    }

    private static void begin() {
        FakeDriver.reset();
        FakeDriver.devices(2, 9, 0);
    }

    /// How often everything calls each function.
    private static Map<String, Long> counts() {
        begin();
        everything();
        assertEquals(0, FakeDriver.live());
        var counts = new HashMap<String, Long>();
        DriverCalls.NAMES.forEach(name -> counts.put(name, FakeDriver.calls(name)));
        return counts;
    }

    private static MemorySegment image(Arena arena, String kernel, long sharedBytes) {
        var box = new TensorMap(0, ElementType.F32, List.of(Dim.symbol("$1")), List.of(8L), 32);
        var maps = kernel.equals("boxed") ? List.of(box) : List.<TensorMap>of();
        var entry = new KernelEntry(kernel, 128, Points.THREADS, sharedBytes, 2, maps);
        var module = new CudaImage.Module(entry, ".version 7.8\n.visible .entry " + kernel + "(\n)", Optional.empty());
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, new CudaImage("sm_90", List.of(module)).toBytes());
    }

    /// Runs, captured and replayed; copies of all kinds; events; what is refused for its size or its version.
    private static void everything() {
        var driver = driver();
        driver.list();
        try (var first = driver.open(0, DeviceOptions.defaults());
                var second = driver.open(1, DeviceOptions.defaults());
                var arena = Arena.ofConfined()) {
            model(first);
            try (var image = first.load(image(arena, "twice", 60_000));
                    var boxed = first.load(image(arena, "boxed", 0));
                    var queue = first.openQueue(StopSignal.NEVER);
                    var other = (PeerQueue) second.openQueue(StopSignal.NEVER)) {
                var host = ((StagingMemory) first).allocateStaging(arena, 64, 64);
                long there = first.allocate(arena, 64, 64).address();
                queue.copyIn(host, there, 64);
                queue.launch(image.kernel("twice"), arena.allocateFrom(ValueLayout.JAVA_LONG, there, 16), 2, new long[] {16}, 0);
                queue.launch(boxed.kernel("boxed"), arena.allocateFrom(ValueLayout.JAVA_LONG, there, 16), 2, new long[] {16}, 0);
                queue.copyOut(there, host, 64);
                var event = queue.record();
                while (!event.done()) {
                    Thread.onSpinWait();
                }
                other.copyFrom(first, there, second.allocate(arena, 64, 64).address(), 64);
                other.record().await();
                assertEquals(0, queue.takeError() + other.takeError());
            }
            refused(LimitExceeded.class, () -> {
                first.allocate(arena, 600 << 20, 64);
                first.allocate(arena, 600 << 20, 64);
            });
            refused(DeviceFailed.class, () -> first.load(image(arena, "newer", 0)));
        }
    }

    private static void refused(Class<? extends PortolanException> expected, Runnable work) {
        var error = assertThrows(PortolanException.class, work::run);
        if (!expected.isInstance(error)) {
            throw error;
        }
    }

    private static void model(Device device) {
        try (var session = CudaGraphTest.open(device, "twice")) {
            for (int round = 0; round < 3; round++) {
                CudaGraphTest.run(session, 1, 2, round);
            }
        }
    }

    @Test
    void everyFunctionIsCalled() {
        var never = DriverCalls.NAMES.stream().filter(name -> COUNTS.get(name) == 0).toList();
        assertEquals(List.of(), never);
    }

    @ParameterizedTest
    @ValueSource(ints = {
        1, 2, 3, 4, 5, 6, 7, 8, 34, 35, 46, 100, 101, 102, 200, 201, 202, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215,
        216, 217, 218, 219, 220, 221, 222, 223, 224, 225, 226, 300, 301, 302, 303, 304, 400, 401, 402, 500, 600, 700, 701, 702,
        703, 704, 705, 708, 709, 710, 711, 712, 713, 714, 715, 716, 717, 718, 719, 720, 721, 800, 801, 802, 803, 804, 805, 806,
        807, 808, 809, 810, 811, 812, 900, 901, 902, 903, 904, 905, 906, 907, 908, 909, 910, 911, 912, 913, 914, 915, 916, 999,
        4242
    })
    void anyCallMayFail(int status) {
        assertEquals(status == 4242, CudaStatus.of(status).name().startsWith("status"), "a documented status has a name");
        var problems = new ArrayList<String>();
        int failed = 0;
        for (var function : DriverCalls.NAMES) {
            var numbers = new TreeSet<>(List.of(1L));
            if (AT_THE_END_TOO.contains(status)) {
                numbers.add(COUNTS.get(function));
            }
            for (long call : numbers) {
                var found = attempt(function, (int) call, status);
                failed += found.isEmpty() ? 0 : 1;
                problems.addAll(found.stream().filter(line -> !line.isBlank()).map(line -> function + ", call " + call + ": " + line).toList());
            }
        }
        assertEquals(List.of(), problems);
        assertTrue(failed > 20, "only " + failed + " calls could fail");
    }

    /// @return what is wrong, and a blank line where the failure was told of
    private static List<String> attempt(String function, int call, int status) {
        begin();
        boolean lost = CudaStatus.of(status).lost();
        var problems = new ArrayList<String>();
        FakeDriver.fail(function, call, status, lost);
        try {
            everything();
        } catch (DeviceFailed | DeviceLost | LimitExceeded | DeviceMissing typed) {
            problems.add("");
        } catch (RuntimeException | Error other) {
            problems.add(other.toString());
        }
        FakeDriver.fail("", 0, 0, false);
        if (!lost) {
            long most = GIVING_BACK.contains(function) ? 1 : 0;
            if (FakeDriver.live() > most) {
                problems.add(FakeDriver.live() + " things are kept");
            }
            again(problems, "afterwards", () -> use(0));
        } else if (!FakeDriver.broken()) {
            // Of two devices one is lost, and the next session takes the other.
            int working = FakeDriver.isCrashed(0) ? 1 : 0;
            again(problems, "on the other device", () -> use(working));
        }
        return problems;
    }

    private static void use(int ordinal) {
        try (var device = driver().open(ordinal, DeviceOptions.defaults())) {
            model(device);
        }
    }

    private static void again(List<String> problems, String when, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            problems.add(when + ": " + e);
        }
    }
}
