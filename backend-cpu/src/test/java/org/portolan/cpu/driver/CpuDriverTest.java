package org.portolan.cpu.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.runtime.CancelToken;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.Cancelled;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.PortolanException.RunFailed;
import org.portolan.runtime.PortolanException.SessionClosed;
import org.portolan.runtime.RunOptions;
import org.portolan.runtime.Session;
import org.portolan.runtime.SessionOptions;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.program.ProgramFileWriter;
import org.portolan.runtime.program.ProgramFileWriter.KernelBytes;

@Timeout(120)
final class CpuDriverTest {
    private static final String ADD = """
            plan 1
            symbol n 1 1000000
            input "x" f32 [n] slot 0
            input "y" f32 [n] slot 1
            output "z" f32 [n] slot 2
            slot input 0
            slot input 1
            slot output 0
            slot temporary 0 n*4
            kernel "add"
            arena n*4
            steps {
              launch 0 [0, 1, 3] [] grid [n] cost n*1000 device 0 "Add_0"
              launch 0 [3, 1, 2] [] grid [n] cost 1 device 0 "Add_1"
            }
            """;

    private static Session open(String plan, Device device) {
        return Session.open(Plan.parse(plan), List.of(device), List.of(TestKernels.image()), _ -> MemorySegment.NULL,
                SessionOptions.defaults());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void kernelsRunOnAnyNumberOfThreads(int threads) {
        try (var device = Devices.open("cpu", new DeviceOptions(threads)); var session = open(ADD, device)) {
            for (int n = 1; n < 20_000; n = n * 3 + 1) {
                runOnce(session, n);
            }
        }
    }

    private static void runOnce(Session session, int n) {
        var x = new float[n];
        var y = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = i;
            y[i] = 2 * n;
        }
        try (var outputs = session.run(Map.of("x", Tensor.of(x, n), "y", Tensor.of(y, n)))) {
            var z = outputs.get("z").asFloatBuffer();
            for (int i = 0; i < n; i++) {
                assertEquals(i + 4f * n, z.get(i));
            }
        }
    }

    @Test
    void anErrorInAKernelNamesTheStep() {
        var gather = """
                plan 1
                symbol n 1 100
                symbol k 1 100000
                input "table" f32 [n] slot 0
                input "indices" i64 [k] slot 1
                output "y" f32 [k] slot 2
                slot input 0
                slot input 1
                slot output 0
                kernel "gather"
                arena 0
                steps {
                  launch 0 [0, 1, 2] [n] grid [k] cost k*1000 device 0 "Gather_12"
                }
                """;
        try (var device = Devices.open("cpu", new DeviceOptions(2)); var session = open(gather, device)) {
            var table = Tensor.of(new float[] {1, 2, 3}, 3);
            var indices = new long[1000];
            indices[500] = 3;
            indices[900] = -1;
            for (int round = 0; round < 20; round++) {
                var error = assertThrows(RunFailed.class,
                        () -> session.run(Map.of("table", table, "indices", Tensor.of(indices, 1000))));
                assertEquals(1, error.code());
                assertEquals(5, error.operation());
                assertTrue(error.getMessage().contains("Gather_12: an index is out of range"), error.getMessage());
            }
            try (var outputs = session.run(Map.of("table", table, "indices", Tensor.of(new long[] {2, 0}, 2)))) {
                assertArrayEquals(new float[] {3, 1}, outputs.get("y").toFloatArray());
            }
        }
    }

    private static final String SLOW = """
            plan 1
            input "x" f32 [1] slot 0
            output "y" f32 [1] slot 1
            slot input 0
            slot output 0
            kernel "slow"
            arena 0
            steps {
              launch 0 [1] [] grid [10000, 10000] cost 600000000000 device 0 "Slow_0"
            }
            """;

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aLongKernelIsCancelled(int threads) throws Exception {
        try (var device = Devices.open("cpu", new DeviceOptions(threads));
                var session = open(SLOW, device);
                var executor = Executors.newSingleThreadExecutor()) {
            var token = new CancelToken();
            var run = executor.submit(() -> session.run(
                    Map.of("x", Tensor.of(new float[1], 1)), RunOptions.none().withCancelToken(token)));
            Thread.sleep(30);
            long begin = System.nanoTime();
            token.cancel();
            assertInstanceOf(Cancelled.class, assertThrows(ExecutionException.class, run::get).getCause());
            assertTrue(System.nanoTime() - begin < 5_000_000_000L);
        }
    }

    @Test
    void closingDuringNativeKernelsIsSafe() throws Exception {
        try (var device = Devices.open("cpu", new DeviceOptions(2)); var executor = Executors.newFixedThreadPool(8)) {
            for (int round = 0; round < 25; round++) {
                var session = open(ADD, device);
                var ready = new CountDownLatch(8);
                var clients = new ArrayList<Future<?>>();
                for (int client = 0; client < 8; client++) {
                    clients.add(executor.submit(() -> {
                        ready.countDown();
                        while (true) {
                            runOnce(session, 300);
                        }
                    }));
                }
                ready.await();
                session.close();
                for (var client : clients) {
                    assertInstanceOf(SessionClosed.class,
                            assertThrows(ExecutionException.class, client::get).getCause());
                }
            }
        }
    }

    @Test
    void imagesWithTheSameNamesDoNotMix() {
        var other = TestKernels.link(TestKernels.TEXT.replace("fadd", "fsub"));
        try (var device = Devices.open("cpu", DeviceOptions.defaults())) {
            for (int round = 0; round < 5; round++) {
                try (var adding = device.load(TestKernels.image());
                        var subtracting = device.load(other);
                        var queue = device.openQueue(StopSignal.NEVER);
                        var arena = Arena.ofConfined()) {
                    var data = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 5, 3, 0);
                    var words = arena.allocateFrom(
                            ValueLayout.JAVA_LONG, data.address(), data.address() + 4, data.address() + 8);
                    queue.launch(adding.kernel("add"), words, 3, new long[] {1}, 0);
                    assertEquals(8, data.getAtIndex(ValueLayout.JAVA_FLOAT, 2));
                    queue.launch(subtracting.kernel("add"), words, 3, new long[] {}, 0);
                    assertEquals(2, data.getAtIndex(ValueLayout.JAVA_FLOAT, 2));
                }
            }
        }
    }

    @Test
    void whatIsNoImageIsRefused() {
        try (var device = Devices.open("cpu:0", DeviceOptions.defaults())) {
            assertThrows(DeviceFailed.class, () -> device.load(MemorySegment.ofArray(new byte[1000])));
            var cut = TestKernels.image().asSlice(0, 200);
            assertThrows(DeviceFailed.class, () -> device.load(cut));
            try (var image = device.load(TestKernels.image())) {
                assertThrows(BadProgramFile.class, () -> image.kernel("nothing"));
            }
        }
    }

    @Test
    void largeMemoryBeginsOnALargePage() {
        try (var device = Devices.open("cpu", DeviceOptions.defaults())) {
            for (long bytes : new long[] {100, 3 << 20, (16L << 20) + 5}) {
                try (var arena = Arena.ofShared()) {
                    var memory = device.allocate(arena, bytes, 64);
                    assertEquals(bytes, memory.byteSize());
                    assertEquals(0, memory.address() % (bytes > 4 << 20 ? 2 << 20 : 64));
                    memory.fill((byte) 1);
                }
            }
        }
    }

    @Test
    void devicesAreFoundByName() {
        assertEquals("cpu:0", Devices.find("cpu").name());
        var error = assertThrows(DeviceMissing.class, () -> Devices.get("cuda:1"));
        assertTrue(error.getMessage().contains("'cuda:1'") && error.getMessage().contains("cpu has [cpu:0]"),
                error.getMessage());
        assertThrows(DeviceMissing.class, () -> Devices.get("cpu:1"));
        assertThrows(DeviceMissing.class, () -> new CpuDriver().open(1, DeviceOptions.defaults()));
        assertEquals(Devices.get("cpu"), Devices.get("cpu:0"));
    }

    @Test
    void aProgramFileRunsOnTheBestDevice(@TempDir Path folder) throws Exception {
        var path = folder.resolve("add.portolan");
        try (var writer = new ProgramFileWriter(path)) {
            writer.addTarget("cpu", Plan.parse(ADD), List.of(new KernelBytes("cpu", List.of(), TestKernels.bytes())));
            writer.addTarget(
                    "cpu:future",
                    Plan.parse(ADD),
                    List.of(new KernelBytes("cpu", List.of("no-such-feature"), new byte[100])));
            writer.finish();
        }
        try (var model = Portolan.load(path);
                var outputs = model.run(
                        Map.of("x", Tensor.of(new float[] {1, 2}, 2), "y", Tensor.of(new float[] {10, 20}, 2)))) {
            assertArrayEquals(new float[] {21, 42}, outputs.get("z").toFloatArray());
        }
        var model = Portolan.load(path);
        model.close();
        model.close();
    }

    @Test
    void featuresAreInTheWordsOfLlvm() {
        var old = HostProcessor.parse(
                "amd64",
                List.of("model name\t: Old", "flags\t\t: fpu cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"),
                List.of("MemTotal:       1000 kB"));
        assertTrue(old.features().containsAll(List.of("x86-64", "x86-64-v2", "sse4.2", "sahf", "sse3")));
        assertTrue(!old.features().contains("x86-64-v3") && !old.features().contains("avx512vnni"));
        assertEquals(1_024_000, old.memoryBytes());
        assertEquals("Old", old.label());
        var arm = HostProcessor.parse("aarch64", List.of("Features : fp asimd asimddp atomics"), List.of());
        assertTrue(arm.features().containsAll(List.of("neon", "dotprod", "lse")));
        assertNotEquals(0, HostProcessor.get().memoryBytes());
    }
}
