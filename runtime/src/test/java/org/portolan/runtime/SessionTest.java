package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.InvalidInput;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.PortolanException.RunFailed;
import org.portolan.runtime.device.JavaDevice;
import org.portolan.runtime.device.JavaDevice.Body;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.type.ElementType;

final class SessionTest {
    private static final MemorySegment NO_IMAGE = MemorySegment.NULL;

    /// Kernels for the plans below. Each goes over its grid one number a point.
    private static final Map<String, Body> KERNELS = Map.of(
            "add",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(2, i, words.f32(0, i) + words.f32(1, i));
                }
            },
            "double",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(1, i, words.f32(0, i) * 2);
                }
            },
            "double-in-place",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(0, i, words.f32(0, i) * 2);
                }
            },
            "positive", // writes the positive numbers to the front, and how many there are
            (words, begin, end) -> {
                if (begin == 0) {
                    long count = 0;
                    for (long i = 0; i < words.word(3); i++) {
                        if (words.f32(0, i) > 0) {
                            words.f32(1, count++, words.f32(0, i));
                        }
                    }
                    words.i64(2, 0, count);
                }
            },
            "less", // is the sum of the values below the limit?
            (words, begin, end) -> words.bool(1, 0, words.f32(0, 0) < words.word(2)),
            "gather",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    long index = words.i64(1, i);
                    if (index < 0 || index >= words.word(3)) {
                        words.fail(KernelError.INDEX_OUT_OF_RANGE, 7);
                    } else {
                        words.f32(2, i, words.f32(0, index));
                    }
                }
            });

    private static final String ADD = """
            plan 1
            symbol n 1 1000
            symbol m 1 1000
            input "x" f32 [n, m] slot 0
            input "y" f32 [n, m] slot 1
            output "sum" f32 [n, m] slot 2
            slot input 0
            slot input 1
            slot output 0
            kernel "add"
            arena 0
            steps {
              launch 0 [0, 1, 2] [] grid [n, m] cost n*m*100 device 0 "Add_0"
            }
            """;

    private static Session open(String plan, boolean detached) {
        return open(plan, detached, SessionOptions.defaults());
    }

    private static Session open(String plan, boolean detached, SessionOptions options) {
        var device = new JavaDevice(KERNELS, detached, 2);
        return Session.open(Plan.parse(plan), List.of(device), List.of(NO_IMAGE), _ -> MemorySegment.NULL, options);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void runsWithEveryShapeThatTheSymbolsAllow(boolean detached) {
        try (var session = open(ADD, detached)) {
            for (int n = 1; n < 50; n += 7) {
                var x = new float[n * 3];
                var y = new float[n * 3];
                var expected = new float[n * 3];
                for (int i = 0; i < x.length; i++) {
                    x[i] = i;
                    y[i] = 1000 * i;
                    expected[i] = 1001 * i;
                }
                try (var outputs = session.run(Map.of("x", Tensor.of(x, n, 3), "y", Tensor.of(y, n, 3)))) {
                    assertArrayEquals(expected, outputs.get("sum").toFloatArray());
                    assertArrayEquals(new long[] {n, 3}, outputs.get("sum").shape());
                }
            }
        }
    }

    @Test
    void saysWhatIsWrongWithAnInput() {
        try (var session = open(ADD, false)) {
            var good = Tensor.of(new float[6], 2, 3);
            refuses(session, Map.of("x", good), "no tensor was given for input [y]");
            refuses(session, Map.of("x", good, "y", good, "z", good), "the model has no input 'z'");
            refuses(session, Map.of("x", good, "y", Tensor.of(new double[6], 2, 3)),
                    "'y' must have elements of type f32");
            refuses(session, Map.of("x", good, "y", Tensor.of(new float[6], 6)), "'y' must have 2 axes");
            refuses(session, Map.of("x", good, "y", Tensor.of(new float[8], 2, 4)),
                    "input 'y', axis 1: the extent must be m = 3 and is 4");
            refuses(session, Map.of("x", Tensor.of(new float[0], 0, 3), "y", good),
                    "input 'x', axis 0: n must be from 1 to 1000 and is 0");
        }
    }

    private static void refuses(Session session, Map<String, Tensor> inputs, String message) {
        var error = assertThrows(InvalidInput.class, () -> session.run(inputs));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void refusesMemoryThatIsFreedOrAnotherThreads() throws InterruptedException {
        try (var session = open(ADD, false)) {
            var good = Tensor.of(new float[6], 2, 3);
            var arena = Arena.ofConfined();
            var confined = Tensor.allocate(ElementType.F32, arena, 2, 3);
            var message = new String[1];
            var thread = new Thread(() -> {
                try {
                    session.run(Map.of("x", good, "y", confined));
                } catch (InvalidInput e) {
                    message[0] = e.getMessage();
                }
            });
            thread.start();
            thread.join();
            assertTrue(message[0].contains("only another thread may read"), message[0]);
            arena.close();
            refuses(session, Map.of("x", good, "y", confined), "has been freed");
        }
    }

    @Test
    void takesAndGivesMemoryInPlace() {
        try (var session = open(ADD, false); var arena = Arena.ofConfined()) {
            var x = Tensor.allocate(ElementType.F32, arena, 2, 2);
            var sum = Tensor.allocate(ElementType.F32, arena, 2, 2);
            x.asFloatBuffer().put(new float[] {1, 2, 3, 4});
            var direct = ByteBuffer.allocateDirect(20).order(ByteOrder.nativeOrder()).position(4).slice()
                    .order(ByteOrder.nativeOrder()).asFloatBuffer().put(new float[] {5, 6, 7, 8}).flip();
            try (var outputs = session.run(
                    Map.of("x", x, "y", Tensor.of(direct, 2, 2)), RunOptions.none().withOutput("sum", sum))) {
                assertSame(sum, outputs.get("sum"));
                assertArrayEquals(new float[] {6, 8, 10, 12}, sum.toFloatArray());
            }
            var heap = new float[4];
            try (var outputs = session.run(
                    Map.of("x", x, "y", x), RunOptions.none().withOutput("sum", Tensor.of(heap, 2, 2)))) {
                assertArrayEquals(new float[] {2, 4, 6, 8}, heap);
                assertEquals(1, outputs.names().size());
            }
            var overlapping = RunOptions.none().withOutput("sum", x);
            var error = assertThrows(InvalidInput.class, () -> session.run(Map.of("x", x, "y", x), overlapping));
            assertTrue(error.getMessage().contains("overlaps input"), error.getMessage());
            var wrongShape = RunOptions.none().withOutput("sum", Tensor.of(new float[4], 4));
            assertThrows(InvalidInput.class, () -> session.run(Map.of("x", x, "y", x), wrongShape));
        }
    }

    @Test
    void closedOutputsAreNotRead() {
        try (var session = open(ADD, false)) {
            var x = Tensor.of(new float[] {1}, 1, 1);
            var outputs = session.run(Map.of("x", x, "y", x));
            var sum = outputs.get("sum");
            outputs.close();
            outputs.close();
            assertThrows(IllegalStateException.class, sum::data);
        }
    }

    private static final String IN_PLACE = """
            plan 1
            symbol n 0 1000
            input "cache" f32 [n] slot 0
            output "updated" f32 [n] slot 0
            slot input 0
            kernel "double-in-place"
            arena 0
            steps {
              launch 0 [0] [n] grid [n] cost 1 device 0 "Update"
            }
            """;

    @Test
    void updatesAnInputInPlaceWhereItMay() {
        try (var session = open(IN_PLACE, false); var arena = Arena.ofConfined()) {
            var cache = Tensor.allocate(ElementType.F32, arena, 3);
            cache.asFloatBuffer().put(new float[] {1, 2, 3});
            try (var outputs = session.run(Map.of("cache", cache))) {
                assertEquals(cache.data().address(), outputs.get("updated").data().address());
                assertArrayEquals(new float[] {2, 4, 6}, cache.toFloatArray());
            }
            var frozen = Tensor.of(ElementType.F32, cache.data().asReadOnly(), 3);
            try (var outputs = session.run(Map.of("cache", frozen))) {
                assertArrayEquals(new float[] {4, 8, 12}, outputs.get("updated").toFloatArray());
                assertArrayEquals(new float[] {2, 4, 6}, cache.toFloatArray());
            }
            try (var outputs = session.run(Map.of("cache", Tensor.of(new float[0], 0)))) {
                assertEquals(0, outputs.get("updated").elements());
            }
        }
    }

    /// Counts and packs the positive numbers, then doubles as many as there are.
    private static final String POSITIVE = """
            plan 1
            symbol n 0 1000
            symbol count 0 1000
            input "x" f32 [n] slot 0
            output "positive" f32 [count] slot 1
            output "shape" i64 [2] slot 5
            slot input 0
            slot output 0
            slot temporary 0 n*4
            slot temporary ceildiv(n*4,64)*64 8
            slot late count*4
            slot output 1
            kernel "positive"
            kernel "double"
            arena ceildiv(n*4,64)*64+64
            steps {
              launch 0 [0, 2, 3] [n] grid [1] cost n device 0 "NonZero_0"
              read-symbols 3 i64 [count]
              check count <= n "more than there are"
              launch 1 [2, 4] [] grid [count] cost count device 0 "Mul_1"
              copy 4 0 to 1 0 bytes count*4
              write-dims 5 i64 [count, n-count]
            }
            """;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bindsSizesThatAKernelComputes(boolean detached) {
        try (var session = open(POSITIVE, detached)) {
            for (int round = 0; round < 3; round++) {
                var x = Tensor.of(new float[] {-1, 2, 0, 3, -5, 4}, 6);
                try (var outputs = session.run(Map.of("x", x))) {
                    assertArrayEquals(new float[] {4, 6, 8}, outputs.get("positive").toFloatArray());
                    assertArrayEquals(new long[] {3, 3}, outputs.get("shape").toLongArray());
                }
                try (var outputs = session.run(Map.of("x", Tensor.of(new float[] {-1}, 1)))) {
                    assertArrayEquals(new long[] {0}, outputs.get("positive").shape());
                }
            }
        }
    }

    @Test
    void checksSizesThatAKernelComputes() {
        try (var session = open(POSITIVE.replace("symbol count 0 1000", "symbol count 0 2"), false)) {
            var error = assertThrows(RunFailed.class,
                    () -> session.run(Map.of("x", Tensor.of(new float[] {1, 2, 3}, 3))));
            assertTrue(error.getMessage().contains("count") && error.getMessage().contains("is 3"), error.getMessage());
        }
        try (var session = open(POSITIVE.replace("count <= n", "count > 2*n"), false)) {
            var error = assertThrows(RunFailed.class, () -> session.run(Map.of("x", Tensor.of(new float[1], 1))));
            assertTrue(error.getMessage().contains("more than there are"), error.getMessage());
        }
    }

    /// Doubles a number while it is below 100, at most `limit` times, and collects the states.
    private static final String LOOP = """
            plan 1
            symbol limit 0 1000000
            symbol i 0 1000000
            symbol trips 0 1000000
            input "x" f32 [1] slot 0
            input "limit" i64 [1] slot 1
            output "last" f32 [1] slot 2
            output "states" f32 [trips] slot 3
            slot input 0
            slot input 1
            slot output 0
            slot output 1
            slot temporary 0 1
            slot temporary 64 4
            kernel "less"
            kernel "double"
            arena 128
            steps {
              read-symbols 1 i64 [limit]
              copy 0 0 to 2 0 bytes 4
              launch 0 [2, 4] [100] grid [1] cost 1 device 0 "Less_0"
              loop limit limit while 4 iteration i trips trips carry [5 2 4] {
                launch 1 [2, 5] [] grid [1] cost 1 device 0 "Mul_0"
                launch 0 [5, 4] [100] grid [1] cost 1 device 0 "Less_1"
                copy 5 0 to 3 i*4 bytes 4
              }
            }
            """;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void loopsUntilTheConditionOrTheLimitEndsIt(boolean detached) {
        try (var session = open(LOOP, detached)) {
            loops(session, 3, 1000, 192, 6, 12, 24, 48, 96, 192);
            loops(session, 3, 2, 12, 6, 12);
            loops(session, 3, 0, 3);
            loops(session, 200, 5, 200);
        }
    }

    private static void loops(Session session, float x, long limit, float last, float... states) {
        var inputs = Map.of("x", Tensor.of(new float[] {x}, 1), "limit", Tensor.of(new long[] {limit}, 1));
        try (var outputs = session.run(inputs)) {
            assertArrayEquals(new float[] {last}, outputs.get("last").toFloatArray());
            assertArrayEquals(states, outputs.get("states").toFloatArray());
        }
    }

    @Test
    void limitsWhatALoopCollects() {
        var endless = LOOP.replace("while 4", "while -");
        try (var session = open(endless, false, SessionOptions.defaults().withLateLimit(1 << 16))) {
            var error = assertThrows(LimitExceeded.class, () -> loops(session, 1, 1_000_000, 0));
            assertTrue(error.getMessage().contains("withLateLimit"), error.getMessage());
            loops(session, 1, 2, 4, 2, 4);
        }
    }

    private static final String BRANCH = """
            plan 1
            input "x" f32 [1] slot 0
            output "y" f32 [1] slot 1
            slot input 0
            slot output 0
            slot temporary 0 1
            kernel "less"
            kernel "double"
            arena 64
            steps {
              launch 0 [0, 2] [10] grid [1] cost 1 device 0 "Less_0"
              if 2 {
                launch 1 [0, 1] [] grid [1] cost 1 device 0 "Mul_0"
              } else {
                copy 0 0 to 1 0 bytes 4
              }
            }
            """;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void branches(boolean detached) {
        try (var session = open(BRANCH, detached)) {
            try (var low = session.run(Map.of("x", Tensor.of(new float[] {4}, 1)));
                    var high = session.run(Map.of("x", Tensor.of(new float[] {40}, 1)))) {
                assertEquals(8, low.get("y").getDouble(0));
                assertEquals(40, high.get("y").getDouble(0));
            }
        }
    }

    private static final String GATHER = """
            plan 1
            symbol n 1 100
            symbol k 1 100
            input "table" f32 [n] slot 0
            input "indices" i64 [k] slot 1
            output "y" f32 [k] slot 2
            slot input 0
            slot input 1
            slot output 0
            kernel "gather"
            arena 0
            steps {
              launch 0 [0, 1, 2] [n] grid [k] cost k device 0 "Gather_12"
            }
            """;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aKernelsErrorIsTheRunsAndTheNextRunIsFine(boolean detached) {
        try (var session = open(GATHER, detached)) {
            var table = Tensor.of(new float[] {10, 20, 30}, 3);
            var error = assertThrows(RunFailed.class,
                    () -> session.run(Map.of("table", table, "indices", Tensor.of(new long[] {1, 3}, 2))));
            assertEquals(KernelError.INDEX_OUT_OF_RANGE, error.code());
            assertEquals(7, error.operation());
            assertTrue(detached || error.getMessage().contains("Gather_12"), error.getMessage());
            try (var outputs = session.run(Map.of("table", table, "indices", Tensor.of(new long[] {2, 0}, 2)))) {
                assertArrayEquals(new float[] {30, 10}, outputs.get("y").toFloatArray());
            }
        }
    }

    @Test
    void memoryIsCheckedBeforeItIsTaken() {
        var large = ADD.replace("1000", "4611686018427387904").replace("arena 0", "arena n*m*64");
        try (var session = open(large, false, SessionOptions.defaults().withArenaLimit(1 << 20))) {
            var x = Tensor.of(new float[20_000], 20_000, 1);
            var error = assertThrows(LimitExceeded.class, () -> session.run(Map.of("x", x, "y", x)));
            assertTrue(error.getMessage().contains("withArenaLimit"), error.getMessage());
            var empty = Tensor.of(ElementType.F32, MemorySegment.NULL, 1L << 62, 0);
            assertThrows(InvalidInput.class, () -> session.run(Map.of("x", empty, "y", empty)));
        }
        var overflowing = ADD.replace("symbol m 1 1000", "symbol m 0 1000").replace("symbol n 1 1000",
                "symbol n 1 4611686018427387904").replace("arena 0", "arena n*n");
        try (var session = open(overflowing, false)) {
            var empty = Tensor.of(ElementType.F32, MemorySegment.NULL, 1L << 62, 0);
            var error = assertThrows(LimitExceeded.class, () -> session.run(Map.of("x", empty, "y", empty)));
            assertTrue(error.getMessage().contains("n*n"), error.getMessage());
        }
    }

    @Test
    void refusesPlansThatAreNotSound() {
        unsound(ADD.replace("[0, 1, 2]", "[0, 1, 9]"), "no slot 9");
        unsound(ADD.replace("launch 0", "launch 1"), "names kernel 1");
        unsound(ADD.replace("device 0", "device 3"), "device 3");
        unsound(ADD.replace("grid [n, m]", "grid [n, k]"), "symbol k");
        unsound(ADD.replace("\"add\"", "\"sub\""), "no kernel sub");
        unsound(ADD.replace("slot input 1", "slot input 0"), "do not name each other");
        unsound(POSITIVE.replace("  read-symbols 3 i64 [count]\n", ""), "needs symbol count before it is bound");
        unsound(BRANCH.replace("copy 0 0 to 1 0", "copy 0 0 to 7 0"), "no slot 7");
        unsound(LOOP.replace("[1] cost 1 device 0 \"Less_0\"", "[trips] cost 1 device 0 \"Less_0\""), "trips");
    }

    private static void unsound(String plan, String message) {
        var error = assertThrows(BadProgramFile.class, () -> open(plan, false));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void temporariesStayInsideTheArena() {
        try (var session = open(POSITIVE.replace("arena ceildiv(n*4,64)*64+64", "arena n*4"), false)) {
            assertThrows(BadProgramFile.class, () -> session.run(Map.of("x", Tensor.of(new float[3], 3))));
        }
    }
}
