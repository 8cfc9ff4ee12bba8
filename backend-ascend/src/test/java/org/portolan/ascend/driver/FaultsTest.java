package org.portolan.ascend.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.StopSignal;

/// What can go wrong between the driver and the library: each is a typed error with what to do, and afterwards the
/// process works on.
class FaultsTest {
    private static final String KERNELS =
            """
            //: chip dav-2201 cores=40
            //: kernel twice twice buffers=2 symbols=1 cores=1 all=0 of twice
            //: kernel hasty hasty buffers=2 symbols=1 cores=1 all=0 of hasty
            #include "kernel_operator.h"
            using namespace AscendC;
            template <bool waits> void work(GM_ADDR x, GM_ADDR y, int64_t count) {
                TPipe pipe;
                TQue<TPosition::VECIN, 1> in;
                TQue<TPosition::VECOUT, 1> out;
                pipe.InitBuffer(in, 1, 1024);
                pipe.InitBuffer(out, 1, 1024);
                GlobalTensor<float> from, to;
                from.SetGlobalBuffer((__gm__ float *)x, count);
                to.SetGlobalBuffer((__gm__ float *)y, count);
                auto a = in.AllocTensor<float>();
                DataCopy(a, from, count);
                in.EnQue(a);
                a = in.DeQue<float>();
                auto b = out.AllocTensor<float>();
                Muls(b, a, 2.0f, count);
                if (waits) PipeBarrier<PIPE_V>();
                Adds(b, b, 0.0f, count);
                in.FreeTensor(a);
                out.EnQue(b);
                b = out.DeQue<float>();
                DataCopy(to, b, count);
                out.FreeTensor(b);
            }
            extern "C" __global__ __aicore__ void twice(GM_ADDR x, GM_ADDR y, GM_ADDR, GM_ADDR sizes) { work<true>(x, y, *(__gm__ int64_t *)sizes); }
            extern "C" __global__ __aicore__ void hasty(GM_ADDR x, GM_ADDR y, GM_ADDR, GM_ADDR sizes) { work<false>(x, y, *(__gm__ int64_t *)sizes); }
            """;
    private static final int COUNT = 64;

    private static DeviceDescription emulated;
    private static MethodHandle plan;

    @BeforeAll
    static void find() {
        emulated = new AscendDriver()
                .list().devices().stream().filter(DeviceDescription::emulated).findFirst().orElse(null);
        assumeTrue(emulated != null, () -> "skipped: " + AscendEmulator.missing().orElse("no emulator"));
        assumeTrue(emulated.features().contains("dav-2201"), "skipped: another chip is emulated");
        plan = Linker.nativeLinker().downcallHandle(
                SymbolLookup.libraryLookup(AscendEmulator.library(), Arena.global()).findOrThrow("portolan_emulator_fault"),
                FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    }

    /// The next call of this name fails with the code.
    private static void planned(String call, int code) {
        planned(call, code, 0);
    }

    /// @param after how many calls that do not fail
    private static void planned(String call, int code, int after) {
        try (var arena = Arena.ofConfined()) {
            plan.invoke(arena.allocateFrom(call), code, after);
        } catch (Throwable failure) {
            throw new AssertionError(failure);
        }
    }

    private static Device open() {
        return new AscendDriver().open(emulated.ordinal(), DeviceOptions.defaults());
    }

    /// Doubles some numbers, and wants the result.
    static void works(Device device, String kernel) {
        try (var arena = Arena.ofShared();
                var image = device.load(bytes(arena, KERNELS));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var host = arena.allocate(COUNT * 4L, 64);
            for (int i = 0; i < COUNT; i++) host.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
            var x = device.allocate(arena, COUNT * 4L, 64);
            var y = device.allocate(arena, COUNT * 4L, 64);
            queue.copyIn(host, x.address(), COUNT * 4L);
            var words = arena.allocate(ValueLayout.JAVA_LONG, 3);
            words.setAtIndex(ValueLayout.JAVA_LONG, 0, x.address());
            words.setAtIndex(ValueLayout.JAVA_LONG, 1, y.address());
            words.setAtIndex(ValueLayout.JAVA_LONG, 2, COUNT);
            queue.launch(image.kernel(kernel), words, 3, new long[] {1}, 0);
            assertEquals(0, queue.takeError());
            queue.copyOut(y.address(), host, COUNT * 4L);
            queue.record().await();
            for (int i = 0; i < COUNT; i++) assertEquals(2f * i, host.getAtIndex(ValueLayout.JAVA_FLOAT, i));
        }
    }

    private static MemorySegment bytes(Arena arena, String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        return arena.allocate(bytes.length, 8).copyFrom(MemorySegment.ofArray(bytes));
    }

    private static void says(Throwable failure, String... words) {
        for (var word : words) assertTrue(failure.getMessage().contains(word), failure.getMessage());
    }

    @Test
    void faultsOfKernelsAreToldWhereSomebodyWaits() {
        for (int code : new int[] {507014, 507015, 507035}) {
            var device = open();
            planned("kernel", code);
            says(assertThrows(PortolanException.class, () -> works(device, "twice")), Integer.toString(code));
            device.close();
        }
        try (var again = open()) {
            works(again, "twice");
        }
    }

    @Test
    void aKernelThatBreaksARuleIsNamedWithItsLine() {
        var device = open();
        var failure = assertThrows(PortolanException.class, () -> works(device, "hasty"));
        says(failure, "507035", "kernel hasty, line 22", "was written by pipe V (Muls in line 20)", "PipeBarrier<PIPE_V>", "EMULATED");
        device.close();
        try (var again = open()) {
            works(again, "twice");
        }
    }

    @Test
    void memoryThatIsNotThereIsALimit() {
        try (var device = open(); var arena = Arena.ofConfined()) {
            planned("aclrtMalloc", 207001);
            says(assertThrows(LimitExceeded.class, () -> device.allocate(arena, 1000, 64)), "1000", "207001");
            works(device, "twice");
        }
    }

    @Test
    void aDeviceThatAnotherProcessHoldsIsRefused() throws Exception {
        // A thread of its own, since this one may have the device already.
        var failure = Executors.newSingleThreadExecutor().submit(() -> {
            planned("aclrtSetDevice", 507008);
            return assertThrows(DeviceFailed.class, FaultsTest::open);
        }).get();
        says(failure, "507008", "another process");
        try (var again = open()) {
            works(again, "twice");
        }
    }

    @Test
    void whatWasLoadedBeforeAPartThatFailsIsUnloaded() {
        int begin = KERNELS.indexOf("#include");
        var code = KERNELS.substring(begin);
        var parts = KERNELS.substring(0, begin) + "//: source vector\n" + code + "//: source cube\n" + code;
        try (var device = open(); var arena = Arena.ofConfined()) {
            planned("aclrtBinaryLoadFromFile", 107000, 1);
            planned("aclrtBinaryUnLoad", 207001);
            says(assertThrows(DeviceFailed.class, () -> device.load(bytes(arena, parts))), "107000", "loading the kernels");
            // The planned fault was met by the one call that there was.
            assertNotEquals(207001, ((AscendDevice) device).call("aclrtBinaryUnLoad", MemorySegment.NULL));
            works(device, "twice");
        }
    }

    @Test
    void aVirtualThreadThatCannotTakeTheDeviceIsTold() throws InterruptedException {
        try (var device = open()) {
            var code = new AtomicInteger();
            Thread.ofVirtual().start(() -> {
                planned("aclrtSetDevice", 507008);
                code.set(((AscendDevice) device).call("aclrtBinaryUnLoad", MemorySegment.NULL));
            }).join();
            assertEquals(507008, code.get());
            works(device, "twice");
        }
    }

    private static final List<String> CALLS = List.of(
            "aclrtCreateStream", "aclrtBinaryLoadFromFile", "aclrtBinaryGetFunction", "aclrtKernelArgsInit", "aclrtKernelArgsAppend",
            "aclrtKernelArgsAppendPlaceHolder", "aclrtKernelArgsGetPlaceHolderBuffer", "aclrtKernelArgsFinalize",
            "aclrtLaunchKernelWithConfig", "aclrtMalloc", "aclrtMemset", "aclrtMemcpy", "aclrtMemcpyAsync", "aclrtSynchronizeStream",
            "aclrtCreateEventWithFlag", "aclrtRecordEvent", "aclrtSynchronizeEvent");

    @Test
    void eachCallThatFailsIsATypedError() {
        try (var device = open()) {
            for (var call : CALLS) {
                planned(call, 107000);
                says(assertThrows(DeviceFailed.class, () -> works(device, "twice"), call), "107000");
                planned(call, 207001);
                says(assertThrows(LimitExceeded.class, () -> works(device, "twice"), call), "207001", "free memory");
                works(device, "twice");
            }
        }
    }

    /// The device is lost for whoever holds it, what they hold is closed without harm, and who opens it anew works.
    @Test
    void aDeviceThatFaultsInAnyCallIsLostAndTheProcessLives() {
        for (var call : CALLS) {
            var device = open();
            planned(call, 507899);
            says(assertThrows(DeviceLost.class, () -> works(device, "twice"), call), "507899");
            assertEquals(DeviceHealth.LOST, device.health(), call);
            says(assertThrows(DeviceLost.class, () -> works(device, "twice"), call), "lost");
            device.close();
        }
        try (var again = open()) {
            works(again, "twice");
        }
    }

    @Test
    void aChipThatNoKernelsAreForIsRefused() {
        for (var soc : List.of("Ascend910B4", "Ascend910_9391")) assertEquals("910b", Chips.find(soc).orElseThrow().machine());
        for (var soc : List.of("Ascend310B1", "Ascend910A", "Ascend910ProB", "Ascend310", "")) {
            assertTrue(Chips.find(soc).isEmpty(), soc);
        }
        assertEquals("950", Chips.find("Ascend950PR_9589").orElseThrow().machine());
        assertEquals("310p", Chips.find("Ascend310P3").orElseThrow().machine());
    }

    /// Kept in the listing where the library can say it, else asked for when the device is taken.
    @Test
    void theCardsMemoryIsKnown() {
        var unknown = new DeviceDescription(
                emulated.driver(), emulated.ordinal(), emulated.label(), true, false, 0, emulated.features(), emulated.machine(), Map.of());
        var library = AclLibrary.open(AscendEmulator.library());
        assertTrue(library.call("aclInit", MemorySegment.NULL) >= 0);
        try (var device = new AscendDevice(library, unknown, 0, new EmulatorBuilder())) {
            assertTrue(device.description().memoryBytes() >= 1L << 30, device.description().toString());
            assertEquals(emulated.machine(), device.description().machine());
        }
    }

    @Test
    void kernelsOfAnotherChipAreRefused() {
        try (var device = open(); var arena = Arena.ofConfined()) {
            var other = bytes(arena, KERNELS.replace("dav-2201", "dav-3510"));
            says(assertThrows(PortolanException.class, () -> device.load(other)), "dav-3510", "dav-2201");
            assertThrows(BadProgramFile.class, () -> device.load(bytes(arena, "no kernels")));
            var broken = bytes(arena, KERNELS.replace("Muls(b, a, 2.0f, count)", "Exp(b, a.ReinterpretCast<int32_t>(), count)"));
            says(assertThrows(DeviceFailed.class, () -> device.load(broken)), "no matching function");
            works(device, "twice");
        }
    }

    @Test
    void aLibraryThatIsNoneIsNamed() {
        var none = AclLibrary.open("libm.so.6");
        says(assertThrows(DeviceFailed.class, () -> none.call("aclInit", MemorySegment.NULL)), "aclInit", "install CANN");
        var listing = new AscendDriver().list();
        if (listing.devices().stream().allMatch(DeviceDescription::emulated)) {
            assertTrue(listing.reason().contains("libascendcl.so"), listing.reason());
        }
        says(assertThrows(DeviceMissing.class, () -> new AscendDriver().open(99, DeviceOptions.defaults())), "ascend:99");
    }

    /// Threads that come and go between carriers: each call finds its device all the same.
    @Test
    void virtualThreadsHaveTheDevice() throws Exception {
        try (var device = open(); var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var results = new ArrayList<Future<Boolean>>();
            for (int i = 0; i < 40; i++) {
                results.add(threads.submit((Callable<Boolean>) () -> {
                    for (int round = 0; round < 3; round++) {
                        works(device, "twice");
                        Thread.sleep(1);
                    }
                    return true;
                }));
            }
            for (var result : results) assertTrue(result.get());
        }
    }

    /// Two cards, and threads that come and go between carriers and use both by turns: nothing of one gets to the other, which the
    /// library would refuse.
    @Test
    void virtualThreadsHaveTheOneOfTwoDevicesThatTheyMean() throws Exception {
        var library = AclLibrary.open(AscendEmulator.library());
        devices(2);
        try (var first = new AscendDevice(library, emulated, 0, new EmulatorBuilder());
                var second = new AscendDevice(library, emulated, 1, new EmulatorBuilder());
                var threads = Executors.newVirtualThreadPerTaskExecutor();
                var arena = Arena.ofConfined()) {
            var results = new ArrayList<Future<Boolean>>();
            for (int i = 0; i < 30; i++) {
                var own = i % 2 == 0 ? first : second;
                results.add(threads.submit((Callable<Boolean>) () -> {
                    try (var memory = Arena.ofShared(); var queue = own.openQueue(StopSignal.NEVER)) {
                        var host = memory.allocate(64, 64);
                        var x = own.allocate(memory, 64, 64);
                        for (int round = 0; round < 10; round++) {
                            // Meanwhile others choose their device on this carrier, and this thread may get another one.
                            Thread.sleep(1);
                            queue.copyIn(host, x.address(), 64);
                            assertEquals(0, queue.takeError());
                        }
                    }
                    return true;
                }));
            }
            for (var result : results) assertTrue(result.get());
            works(first, "twice");
            works(second, "twice");
            // What one has, the other may not touch.
            var memory = first.allocate(arena, 64, 64);
            try (var queue = second.openQueue(StopSignal.NEVER)) {
                var mixed = assertThrows(DeviceFailed.class, () -> queue.copyIn(arena.allocate(64, 64), memory.address(), 64));
                says(mixed, "107003", "is memory of device 0, and this thread's is device 1");
            }
        } finally {
            devices(1);
        }
    }

    private static void devices(int count) {
        var call = Linker.nativeLinker().downcallHandle(
                SymbolLookup.libraryLookup(AscendEmulator.library(), Arena.global()).findOrThrow("portolan_emulator_devices"),
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
        try {
            call.invoke(count);
        } catch (Throwable failure) {
            throw new AssertionError(failure);
        }
    }
}
