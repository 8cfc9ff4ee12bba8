package org.portolan.tests.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.CancelToken;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.Cancelled;
import org.portolan.runtime.PortolanException.DeadlineExceeded;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.InvalidInput;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.PortolanException.SessionClosed;
import org.portolan.runtime.RunOptions;
import org.portolan.runtime.SessionOptions;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Faults;

/// Many requests at once, of several shapes, some of which are cancelled, late or wrong, on devices that capture what they
/// run again: each gets one answer of its kind, equal to that of a run alone, and afterwards the device has all its memory.
@Timeout(300)
class SoakTest {
    private static final String MEMORY = "portolan.emulated.memory";
    private static final String DEVICES = "portolan.emulated.devices";
    private static final long SMALL = 96L << 20;
    private static final int LONGEST = 24;
    private static final int THREADS = 6;
    private static final int REQUESTS = 15;
    private static final int MOST_REQUESTS = 100_000;

    /// Four products one after the other, with more rows than one block has: several kernels a run.
    private static final String CHAIN =
            """
            graph.function <name = "chain", symbols = [n:1..24]> { (%x: f32[n,40]) ->
              %w = graph.constant <data = random(3)> : f32[40,40]
              %a = graph.mat-mul %x, %w <accumulate = f32> : f32[n,40]
              %b = graph.mat-mul %a, %w <accumulate = f32> : f32[n,40]
              %c = graph.mat-mul %b, %w <accumulate = f32> : f32[n,40]
              %d = graph.mat-mul %c, %w <accumulate = f32> : f32[n,40]
              graph.return [%d]
            }
            """;

    private enum Answer {
        RIGHT,
        CANCELLED,
        LATE,
        REFUSED,
        CLOSED,
        LOST
    }

    @TempDir
    private Path folder;

    @BeforeEach
    void small() {
        System.setProperty(MEMORY, Long.toString(SMALL));
        System.setProperty(DEVICES, "2");
    }

    @AfterEach
    void asBefore() {
        System.clearProperty(MEMORY);
        System.clearProperty(DEVICES);
    }

    private Model load(Device device) throws IOException {
        var file = folder.resolve("chain-" + device.description().driver() + ".portolan");
        new Compiler().compile(
                (GraphOp.Function) IrParser.parse(CHAIN, "test").getFirst(),
                Targets.resolve(List.of(device.description().target())), file);
        return Portolan.load(file, SessionOptions.defaults().withConcurrentRuns(3), device);
    }

    private static Device open(String name) {
        var there = Devices.list().stream().map(DeviceDescription::name).anyMatch(name::equals);
        Assumptions.assumeTrue(there, "skipped: there is no " + name);
        return Devices.open(name, new DeviceOptions(2));
    }

    private static Tensor input(int rows) {
        var values = new float[rows * 40];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i * 37 % 101 - 50) / 50f;
        }
        return Tensor.of(values, rows, 40);
    }

    private static float[] run(Model model, int rows, RunOptions options) {
        try (var outputs = model.run(Map.of("x", input(rows)), options)) {
            return outputs.asMap().values().iterator().next().toFloatArray();
        }
    }

    private static List<float[]> alone(Model model) {
        var expected = new ArrayList<float[]>();
        for (int rows = 0; rows <= LONGEST; rows++) {
            expected.add(rows == 0 ? new float[0] : run(model, rows, RunOptions.none()));
        }
        return expected;
    }

    /// One request of a kind that the random numbers decide; what may be answered depends on the kind.
    private static Answer request(Model model, List<float[]> expected, SplittableRandom random) {
        int rows = 1 + random.nextInt(LONGEST);
        int kind = random.nextInt(10);
        var token = new CancelToken();
        var options = RunOptions.none();
        if (kind == 0) {
            options = options.withTimeout(Duration.ofNanos(random.nextInt(3_000_000)));
        } else if (kind == 1) {
            options = options.withCancelToken(token);
            int microseconds = random.nextInt(3000);
            Thread.ofVirtual().start(() -> {
                try {
                    Thread.sleep(Duration.ofNanos(microseconds * 1000L));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                token.cancel();
            });
        }
        try {
            if (kind == 2) {
                model.run(Map.of("x", Tensor.of(new float[41], 1, 41))).close();
                throw new AssertionError("41 columns were taken for 40");
            }
            assertArrayEquals(expected.get(rows), run(model, rows, options), 0, "a run beside others is another");
            return Answer.RIGHT;
        } catch (DeadlineExceeded late) {
            assertEquals(0, kind, late.getMessage());
            return Answer.LATE;
        } catch (Cancelled cancelled) {
            assertEquals(1, kind, cancelled.getMessage());
            return Answer.CANCELLED;
        } catch (InvalidInput refused) {
            assertEquals(2, kind, refused.getMessage());
            return Answer.REFUSED;
        } catch (SessionClosed closed) {
            return Answer.CLOSED;
        } catch (DeviceLost lost) {
            return Answer.LOST;
        }
    }

    private static Map<Answer, Integer> requests(Model model, List<float[]> expected, Callable<?> meanwhile) throws Exception {
        var answers = requests(model, expected, REQUESTS, null, meanwhile);
        assertEquals(THREADS * REQUESTS, answers.values().stream().mapToInt(Integer::intValue).sum());
        return answers;
    }

    /// Each thread asks until it gets the last answer: what ends it comes in the middle, however fast the device is.
    private static Map<Answer, Integer> requestsUntil(Answer last, Model model, List<float[]> expected, Callable<?> meanwhile)
            throws Exception {
        var answers = requests(model, expected, MOST_REQUESTS, last, meanwhile);
        assertEquals(THREADS, answers.get(last), () -> "each thread hears of it once: " + answers);
        return answers;
    }

    private static Map<Answer, Integer> requests(
            Model model, List<float[]> expected, int most, Answer last, Callable<?> meanwhile) throws Exception {
        var answers = new EnumMap<Answer, Integer>(Answer.class);
        try (var threads = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().factory())) {
            var all = new ArrayList<Future<List<Answer>>>();
            for (int thread = 0; thread < THREADS; thread++) {
                var random = new SplittableRandom(thread);
                all.add(threads.submit(() -> {
                    var own = new ArrayList<Answer>();
                    for (int number = 0; number < most && (own.isEmpty() || own.getLast() != last); number++) {
                        own.add(request(model, expected, random));
                    }
                    return own;
                }));
            }
            meanwhile.call();
            for (var one : all) {
                one.get().forEach(answer -> answers.merge(answer, 1, Integer::sum));
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) throw error;
            throw (Exception) e.getCause();
        }
        return answers;
    }

    /// All of it can be had: nothing that was closed holds any.
    private static void isEmpty(Device device) {
        if (device.description().sharesHostMemory()) return;
        try (var arena = Arena.ofConfined()) {
            assertNotEquals(0, device.allocate(arena, SMALL, 64).address());
        }
    }

    /// The same question must be answered with no while a model is loaded.
    private static void isInUse(Device device) {
        if (device.description().sharesHostMemory()) return;
        try (var arena = Arena.ofConfined()) {
            assertThrows(LimitExceeded.class, () -> device.allocate(arena, SMALL, 64));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda:emulated", "cpu:0"})
    void everyRequestGetsItsAnswerAndNothingIsKept(String name) throws Exception {
        try (var device = open(name)) {
            try (var model = load(device)) {
                var expected = alone(model);
                var answers = requests(model, expected, () -> null);
                assertTrue(answers.get(Answer.RIGHT) > THREADS * REQUESTS / 2, answers::toString);
                assertTrue(answers.get(Answer.REFUSED) > 0, answers::toString);
                assertTrue(!answers.containsKey(Answer.CLOSED) && !answers.containsKey(Answer.LOST), answers::toString);
                isInUse(device);
                // What has been cancelled or late before a replay leaves the next run whole.
                assertArrayEquals(expected.get(7), run(model, 7, RunOptions.none()));
            }
            isEmpty(device);
        }
    }

    /// A model is closed while its requests are under way: each ends whole or with an error that says so.
    @ParameterizedTest
    @ValueSource(strings = {"cuda:emulated", "cpu:0"})
    void closingEndsRequestsAndGivesMemoryBack(String name) throws Exception {
        try (var device = open(name)) {
            var model = load(device);
            requestsUntil(Answer.CLOSED, model, alone(model), () -> {
                Thread.sleep(5);
                model.close();
                return null;
            });
            assertThrows(SessionClosed.class, () -> run(model, 3, RunOptions.none()));
            isEmpty(device);
        }
    }

    /// Two devices of one driver in one process: requests side by side, one device is lost, and the other does not notice.
    @Test
    void oneOfTwoDevicesIsLostUnderLoad() throws Exception {
        try (var first = open("cuda:emulated"); var second = open("cuda:emulated1")) {
            try (var there = load(first); var here = load(second)) {
                var expected = alone(here);
                assertArrayEquals(expected.get(9), alone(there).get(9), "both give the same bits");
                var answers = requests(here, expected, () -> {
                    requestsUntil(Answer.LOST, there, expected, () -> {
                        Thread.sleep(5);
                        ((Faults) first).lose();
                        return null;
                    });
                    return null;
                });
                assertTrue(!answers.containsKey(Answer.LOST) && !answers.containsKey(Answer.CLOSED), answers::toString);
                assertArrayEquals(expected.get(5), run(here, 5, RunOptions.none()));
                assertThrows(PortolanException.class, () -> run(there, 5, RunOptions.none()));
            }
            isEmpty(second);
        }
    }
}
