package org.portolan.opencl.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.StopSignal;

/// A device that runs out of something, or fails, in each call there is: a typed error with OpenCL's number, nothing of the
/// library's is left behind, and the device works on unless it is lost.
class FaultsTest {
    private static final int COUNT = 50;

    private final FakeOpenCl fake = new FakeOpenCl();

    private static void works(Device device, String text) {
        try (var arena = Arena.ofShared()) {
            var bytes = text.getBytes(StandardCharsets.UTF_8);
            try (var image = device.load(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes));
                    var queue = device.openQueue(StopSignal.NEVER)) {
                var host = arena.allocate(COUNT * 4L, 64);
                for (int i = 0; i < COUNT; i++) {
                    host.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
                }
                var x = device.allocate(arena, COUNT * 4L, 64).address();
                var y = device.allocate(arena, COUNT * 4L + 64, 64).address() + 64;
                queue.copyIn(host, x, COUNT * 4L);
                var words = arena.allocateFrom(ValueLayout.JAVA_LONG, x, y, COUNT);
                queue.launch(image.kernel("twice"), words, 3, new long[] {COUNT}, 0);
                queue.copy(y, x, COUNT * 4L);
                queue.record().await();
                assertEquals(0, queue.takeError());
                queue.copyOut(x, host, COUNT * 4L);
                queue.record().await();
                for (int i = 0; i < COUNT; i++) {
                    assertEquals(2f * i, host.getAtIndex(ValueLayout.JAVA_FLOAT, i));
                }
            }
        }
    }

    static Stream<Arguments> faults() {
        var calls = List.of(
                "clCreateCommandQueue", "clCreateBuffer", "clCreateProgramWithSource", "clBuildProgram", "clCreateKernel",
                "clSetKernelArg", "clEnqueueNDRangeKernel", "clEnqueueReadBuffer", "clEnqueueWriteBuffer", "clEnqueueCopyBuffer",
                "clEnqueueMarkerWithWaitList", "clFlush", "clFinish", "clWaitForEvents");
        // CL_DEVICE_NOT_AVAILABLE, CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY,
        // CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, CL_INVALID_COMMAND_QUEUE, and one that nobody knows.
        return calls.stream()
                .flatMap(call -> Stream.of(-2, -4, -5, -6, -14, -36, -9999).map(code -> Arguments.of(call, code)));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void eachCallThatFailsIsATypedError(String call, int code) {
        // The first call of some comes with a queue, the later ones with work.
        for (int first = 0; first < 3; first++) {
            try (var device = fake.open()) {
                fake.fail(call, code, first);
                try {
                    works(device, FakeOpenCl.KERNEL);
                    // Closing a queue waits for it, and tells nobody what became of the work.
                    boolean closing = call.equals("clFinish") && first == 2;
                    assertTrue((fake.waits() || closing) && first > 0, () -> call + " failed and nobody noticed");
                    return;
                } catch (PortolanException failure) {
                    assertTrue(failure.getMessage().contains("(OpenCL error " + code + ")"), failure.getMessage());
                    assertEquals(expected(code), failure.getClass(), failure.getMessage());
                }
                if (code == -2) {
                    assertEquals(DeviceHealth.LOST, device.health());
                    assertThrows(DeviceLost.class, () -> works(device, FakeOpenCl.KERNEL));
                } else {
                    works(device, FakeOpenCl.KERNEL);
                }
            }
            assertEquals(0, fake.live(), () -> call + " leaves something behind");
        }
    }

    private static Class<?> expected(int code) {
        return switch (code) {
            case -2 -> DeviceLost.class;
            case -4, -5, -6 -> LimitExceeded.class;
            default -> DeviceFailed.class;
        };
    }

    private static PortolanException failure(Supplier<?> work) {
        return assertThrows(PortolanException.class, work::get);
    }

    @Test
    void aDeviceThatCannotBeOpened() {
        fake.fail("clCreateContext", -6, 0);
        assertInstanceOf(LimitExceeded.class, failure(fake::open));
        fake.fail("clCreateContext", -2, 0);
        assertInstanceOf(DeviceLost.class, failure(fake::open));
        assertEquals(0, fake.live());
        fake.open().close();
    }

    @Test
    void aCompilerThatRefusesSaysWhyAndAboutWhat() {
        try (var device = fake.open()) {
            fake.log("<kernel>:3:17: error: too many registers");
            fake.fail("clBuildProgram", -11, 0);
            var message = failure(() -> {
                works(device, FakeOpenCl.KERNEL);
                return 0;
            }).getMessage();
            assertTrue(message.contains("too many registers") && message.contains("/model/Add"), message);
            assertTrue(message.contains("> 3: __kernel void twice("), message);
            works(device, FakeOpenCl.KERNEL);
        }
        assertEquals(0, fake.live());
    }

    @Test
    void moreMemoryThanThereIs() {
        try (var device = fake.open(); var arena = Arena.ofConfined()) {
            var message = failure(() -> device.allocate(arena, 2 << 20, 64)).getMessage();
            assertTrue(message.contains("2097152") && message.contains("1048576"), message);
        }
    }

    /// Warps of 16 are whole in sub-groups of 16 and 32, and in no others.
    @Test
    void subGroupsMustHoldWholeWarps() {
        var kernel = FakeOpenCl.KERNEL.replace("block=0 shared=0", "block=64 shared=0 warp=16");
        try (var device = fake.open()) {
            var message = failure(() -> {
                works(device, kernel);
                return 0;
            }).getMessage();
            assertTrue(message.contains("cl_khr_subgroup_shuffle"), message);
            assertFalse(device.description().features().contains("sub_group_exchange"));
            assertEquals(1, device.description().limits().get("warp"));
        }
        fake.text(0x1030, "cl_khr_subgroups cl_intel_subgroups");
        fake.number(0x4108, 16);
        try (var device = fake.open()) {
            assertTrue(device.description().features().contains("sub_group_exchange"));
            assertEquals(16, device.description().limits().get("warp"));
            works(device, kernel);
            fake.subGroup = 32;
            works(device, kernel);
            for (long other : new long[] {8, 0}) {
                fake.subGroup = other;
                var message = failure(() -> {
                    works(device, kernel);
                    return 0;
                }).getMessage();
                assertTrue(message.contains("sub-groups of 16") && message.contains("/model/Add"), message);
            }
            // A driver that is older than the question must not be asked.
            fake.subGroup = 16;
            int asked = fake.calls("clGetKernelSubGroupInfo");
            for (var version : new String[] {"OpenCL 1.2 Fake", "OpenCL 2.0", "OpenCL", ""}) {
                fake.text(0x102F, version);
                var message = failure(() -> {
                    works(device, kernel);
                    return 0;
                }).getMessage();
                assertTrue(message.contains("a size that it does not say"), message);
            }
            assertEquals(asked, fake.calls("clGetKernelSubGroupInfo"));
            fake.text(0x102F, "OpenCL 3.0 Fake");
            works(device, kernel);
        }
        assertEquals(0, fake.live());
    }
}
