package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.device.JavaDevice;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.plan.Plan;

/// The same on a device that has memory of its own, and all kinds of requests at once.
final class DetachedConcurrencyTest extends SessionConcurrencyTest {
    private static final int THREADS = 6;
    private static final int REQUESTS = 400;
    private static final long MEMORY = 64L << 20;

    /// Doubles what the indices pick, on the host in the middle.
    private static final String PLAN =
            """
            plan 1
            symbol n 1 1000
            input "x" f32 [n] slot 0
            input "at" i64 [n] slot 1
            output "y" f32 [n] slot 2
            slot input 0
            slot input 1
            slot output 0
            slot temporary 0 n*4
            kernel "gather"
            kernel "double"
            arena ceildiv(n*4,64)*64
            steps {
              launch 0 [0, 1, 3] [n] grid [n] cost n device 0 writes [2] "gather"
              launch 1 [3] [] grid [n] cost n device 1 writes [0] "double"
              launch 1 [3] [] grid [n] cost n device 0 writes [0] "double"
              copy 3 0 to 2 0 bytes 4*n
            }
            """;

    private static final Map<String, JavaDevice.Body> KERNELS = Map.of(
            "gather",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    long index = words.i64(1, i);
                    if (index < 0 || index >= words.word(3)) {
                        words.fail(KernelError.INDEX_OUT_OF_RANGE, 1);
                    } else {
                        words.f32(2, i, words.f32(0, index));
                    }
                }
            },
            "double",
            (words, begin, end) -> {
                for (long i = begin; i < end; i++) {
                    words.f32(0, i, words.f32(0, i) * 2);
                }
            });

    private enum Request {
        GOOD,
        BAD_INDEX,
        BAD_SHAPE,
        NO_TIME,
        CANCELLED,
        CLOSED_MEMORY
    }

    @Override
    boolean detached() {
        return true;
    }

    @Test
    void everyRequestGetsTheAnswerOfItsKindAndNothingIsLeft() throws Exception {
        var device = new JavaDevice(KERNELS, true, 1, MEMORY);
        var host = new JavaDevice(KERNELS, false, 2, MEMORY);
        var counts = new EnumMap<Request, Integer>(Request.class);
        try (var executor = Executors.newFixedThreadPool(THREADS)) {
            var session = Session.open(
                    Plan.parse(PLAN),
                    List.of(device, host),
                    List.of(MemorySegment.NULL, MemorySegment.NULL),
                    _ -> MemorySegment.NULL,
                    SessionOptions.defaults().withConcurrentRuns(3));
            var futures = new ArrayList<Future<List<Request>>>();
            for (int thread = 0; thread < THREADS; thread++) {
                var random = new Random(thread);
                Callable<List<Request>> client = () -> {
                    var done = new ArrayList<Request>();
                    for (int i = 0; i < REQUESTS; i++) {
                        var request = Request.values()[random.nextInt(Request.values().length)];
                        answer(session, request, 1 + random.nextInt(300));
                        done.add(request);
                    }
                    return done;
                };
                futures.add(executor.submit(client));
            }
            for (var future : futures) {
                future.get().forEach(request -> counts.merge(request, 1, Integer::sum));
            }
            session.close();
        }
        assertEquals(Request.values().length, counts.size());
        assertEquals(MEMORY, device.freeBytes());
        assertEquals(MEMORY, host.freeBytes());
        device.close();
        host.close();
    }

    /// Sends a request and checks its answer.
    private static void answer(Session session, Request request, int n) {
        var x = new float[n];
        var at = new long[n];
        for (int i = 0; i < n; i++) {
            x[i] = i;
            at[i] = n - 1 - i;
        }
        if (request == Request.BAD_INDEX) {
            at[n / 2] = n;
        }
        var options = RunOptions.none();
        if (request == Request.NO_TIME) {
            options = options.withTimeout(Duration.ZERO);
        }
        if (request == Request.CANCELLED) {
            var token = new CancelToken();
            token.cancel();
            options = options.withCancelToken(token);
        }
        var data = Tensor.of(x, n);
        if (request == Request.CLOSED_MEMORY) {
            try (var arena = Arena.ofShared()) {
                data = Tensor.allocate(data.type(), arena, n);
            }
        }
        var indices = request == Request.BAD_SHAPE ? Tensor.of(new long[n + 1], n + 1) : Tensor.of(at, n);
        Class<?> expected = switch (request) {
            case GOOD -> null;
            case BAD_INDEX -> PortolanException.RunFailed.class;
            case BAD_SHAPE, CLOSED_MEMORY -> PortolanException.InvalidInput.class;
            case NO_TIME -> PortolanException.DeadlineExceeded.class;
            case CANCELLED -> PortolanException.Cancelled.class;
        };
        try (var outputs = session.run(Map.of("x", data, "at", indices), options)) {
            assertEquals(null, expected, request.toString());
            var y = outputs.get("y").asFloatBuffer();
            for (int i = 0; i < n; i++) {
                assertEquals(4f * (n - 1 - i), y.get(i));
            }
        } catch (PortolanException e) {
            assertEquals(expected, e.getClass(), () -> request + ": " + e);
            assertTrue(!e.getMessage().isBlank());
        }
    }
}
