package org.portolan.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.cuda.image.KernelEntry.Points;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.Cancelled;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.RunFailed;
import org.portolan.runtime.Session;
import org.portolan.runtime.SessionOptions;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.plan.Plan;

/// Runs of a fixed shape as graphs, on a library of the vendor's that is none.
class CudaGraphTest {
    /// y = 8 x.
    private static final String PLAN =
            """
            plan 1
            symbol n 1 1000
            input "x" f32 [n] slot 0
            output "y" f32 [n] slot 1
            slot input 0
            slot output 0
            kernel "KERNEL"
            arena 0
            steps {
              copy 0 0 to 1 0 bytes 4*n
              launch 0 [1] [n] grid [n] cost n device 0 writes [0] "first"
              launch 0 [1] [n] grid [n] cost n device 0 writes [0] "second"
              launch 0 [1] [n] grid [n] cost n device 0 writes [0] "third"
            }
            """;

    private static final List<String> CALLS = List.of(
            "cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphLaunch", "cuGraphDestroy",
            "cuGraphExecDestroy");

    private final CudaDriver driver = new CudaDriver(() -> DriverLibrary.open(FakeDriver.library()));

    @BeforeEach
    void reset() {
        FakeDriver.reset();
    }

    static Session open(Device device, String kernel) {
        var entry = new KernelEntry(kernel, 128, Points.THREADS, 0, 2);
        var module = new CudaImage.Module(
                entry, ".version 7.0\n.visible .entry " + kernel + "(\n)", Optional.empty());
        var image = Arena.ofAuto()
                .allocateFrom(ValueLayout.JAVA_BYTE, new CudaImage("sm_80", List.of(module)).toBytes());
        return Session.open(
                Plan.parse(PLAN.replace("KERNEL", kernel)), List.of(device), List.of(image), _ -> MemorySegment.NULL,
                SessionOptions.defaults());
    }

    static void run(Session session, float... x) {
        var expected = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            expected[i] = 8 * x[i];
        }
        try (var outputs = session.run(Map.of("x", Tensor.of(x, x.length)))) {
            assertArrayEquals(expected, outputs.get("y").toFloatArray());
        }
    }

    @Test
    void theSecondRunIsCapturedAndOneLaunchAndLaterOnesAreOneLaunch() {
        try (var device = driver.open(0, DeviceOptions.defaults())) {
            try (var session = open(device, "twice")) {
                run(session, 1, 2, 3);
                assertEquals(3, FakeDriver.calls("cuLaunchKernel"));
                run(session, 4, 5, 6);
                assertEquals(1, FakeDriver.calls("cuStreamBeginCapture_v2"));
                assertEquals(1, FakeDriver.calls("cuGraphLaunch"));
                long launched = FakeDriver.calls("cuLaunchKernel");
                for (int i = 2; i < 7; i++) {
                    run(session, i, 8, -9);
                    assertEquals(i, FakeDriver.calls("cuGraphLaunch"));
                }
                assertEquals(launched, FakeDriver.calls("cuLaunchKernel"));
                assertEquals(0, FakeDriver.calls("cuMemcpyDtoDAsync_v2") - 2, "the copy is in the graph as well");
                assertEquals(1, FakeDriver.calls("cuStreamBeginCapture_v2"));
            }
            assertEquals(1, FakeDriver.calls("cuGraphExecDestroy"));
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void aShapeOfItsOwnHasAGraphOfItsOwn() {
        try (var device = driver.open(0, DeviceOptions.defaults())) {
            try (var session = open(device, "twice")) {
                for (int round = 0; round < 4; round++) {
                    run(session, 1, 2, 3, round);
                    run(session, 1, round);
                }
                assertEquals(2, FakeDriver.calls("cuGraphInstantiateWithFlags"));
            }
        }
        assertEquals(0, FakeDriver.live());
    }

    /// Whatever the driver says about graphs, a run is right, or the device is lost and that is what it says.
    @ParameterizedTest
    @ValueSource(ints = {-1, 1, 2, 400, 700, 719, 801, 900, 901, 902, 903, 904, 905, 906, 907, 908, 999})
    void aDriverThatRefusesGraphsRunsStepByStep(int status) {
        boolean lost = status > 0 && CudaStatus.of(status).lost();
        for (var function : CALLS) {
            FakeDriver.reset();
            FakeDriver.fail(function, 1, status, lost);
            var device = driver.open(0, DeviceOptions.defaults());
            int failed = 0;
            try (var session = open(device, "twice")) {
                for (int round = 0; round < 4; round++) {
                    run(session, 1, 2, round);
                }
            } catch (PortolanException e) {
                failed++;
                assertTrue(lost ? e instanceof DeviceLost : function.equals("cuGraphLaunch"), () -> function + ": " + e);
            }
            assertEquals(lost ? DeviceHealth.LOST : DeviceHealth.WORKING, device.health(), function);
            device.close();
            if (!lost) {
                // A handle that the driver did not take back is all that can be left.
                assertTrue(FakeDriver.live() <= (function.endsWith("Destroy") ? 1 : 0), function);
                assertEquals(function.equals("cuGraphLaunch") ? 1 : 0, failed, function);
            }
        }
    }

    @Test
    void aLaunchThatCannotBeCapturedIsDoneByItself() {
        try (var device = driver.open(0, DeviceOptions.defaults())) {
            try (var session = open(device, "twice")) {
                run(session, 1);
                FakeDriver.fail("cuLaunchKernel", 2, 900, false);
                for (int i = 0; i < 4; i++) {
                    run(session, i);
                }
                assertEquals(0, FakeDriver.calls("cuGraphLaunch"));
                assertEquals(1, FakeDriver.calls("cuStreamBeginCapture_v2"), "it is not tried again");
                assertEquals(1, FakeDriver.calls("cuStreamEndCapture"));
            }
        }
        assertEquals(0, FakeDriver.live());
    }

    /// Whatever ends the steps, the stream takes work again.
    @Test
    void anErrorWhileCapturingEndsTheCapture() {
        try (var device = (CudaDevice) driver.open(0, DeviceOptions.defaults())) {
            var stream = CudaStream.create(device.context());
            for (var thrown : new Throwable[] {new StackOverflowError(), new IllegalStateException()}) {
                var found = assertThrows(Throwable.class, () -> CudaGraph.capture(device.context(), stream, () -> {
                    if (thrown instanceof Error error) {
                        throw error;
                    }
                    throw (RuntimeException) thrown;
                }));
                assertEquals(thrown, found);
                stream.synchronize("waiting"); // is refused while a stream is captured
            }
            assertEquals(2, FakeDriver.calls("cuStreamEndCapture"));
            stream.destroy();
        }
        assertEquals(0, FakeDriver.live());
    }

    /// Who interrupts a load waits for the kernels that are being compiled, and not for all others.
    @Test
    void anInterruptedLoadDoesNotCompileTheRest() {
        var modules = new ArrayList<CudaImage.Module>();
        for (int i = 0; i < 2000; i++) {
            var entry = new KernelEntry("twice" + i, 128, Points.THREADS, 0, 2);
            modules.add(new CudaImage.Module(
                    entry, ".version 7.0\n.visible .entry twice" + i + "(\n)", Optional.empty()));
        }
        try (var device = driver.open(0, DeviceOptions.defaults()); var arena = Arena.ofConfined()) {
            var image = arena.allocateFrom(ValueLayout.JAVA_BYTE, new CudaImage("sm_80", modules).toBytes());
            Thread.currentThread().interrupt();
            assertThrows(Cancelled.class, () -> device.load(image));
            assertTrue(Thread.interrupted());
            assertTrue(FakeDriver.calls("cuModuleLoadDataEx") < modules.size());
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void anErrorWordInAGraphFailsThatRunAndNoOther() {
        try (var device = driver.open(0, DeviceOptions.defaults())) {
            try (var session = open(device, "wrong")) {
                for (int i = 0; i < 4; i++) {
                    assertThrows(RunFailed.class, () -> run(session, 1, 2));
                }
                assertEquals(3, FakeDriver.calls("cuGraphLaunch"));
            }
        }
        assertEquals(0, FakeDriver.live());
    }

    @Test
    void aCrashInAGraphLosesTheDevice() {
        var device = driver.open(0, DeviceOptions.defaults());
        var session = open(device, "twice");
        run(session, 1);
        run(session, 2);
        FakeDriver.fail("cuGraphLaunch", 1, 700, true);
        var lost = assertThrows(DeviceLost.class, () -> run(session, 3));
        assertTrue(lost.getMessage().contains("ILLEGAL_ADDRESS"), lost.getMessage());
        assertThrows(DeviceLost.class, () -> run(session, 4));
        session.close();
        device.close();
    }
}
