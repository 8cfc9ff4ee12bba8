package org.portolan.runtime.selftest;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.portolan.runtime.Model;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeadlineExceeded;
import org.portolan.runtime.PortolanException.RunFailed;
import org.portolan.runtime.RunOptions;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.selftest.Report.Result;
import org.portolan.runtime.selftest.Report.Timing;

/// Runs a pack on a device: what the device does without kernels, every case, many runs at once, and the times.
public final class Selftest implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int RUNS_AT_ONCE = 20;

    private final PackFile file;
    private final Device device;
    private final Device[] devices;
    private final Consumer<String> progress;
    private final List<Result> results = new ArrayList<>();
    private final List<Timing> timings = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final Map<String, Tensor> firstOfFamily = new HashMap<>();

    /// @param devices an accelerator and then the host, or one device; the caller closes them afterwards
    /// @param progress told what is being done
    public Selftest(Path pack, List<Device> devices, Consumer<String> progress) throws IOException {
        file = new PackFile(pack);
        device = devices.getFirst();
        this.devices = devices.toArray(Device[]::new);
        this.progress = progress;
    }

    public Report run() {
        DeviceChecks.all().forEach((name, check) -> attempt(name, () -> check.run(device)));
        for (var item : file.pack().cases()) {
            switch (item.kind()) {
                case CHECK, CONFORMANCE -> attempt(item.name(), () -> check(item));
                case FAILURE -> attempt(item.name(), () -> failure(item));
                case MODEL -> {
                    if (device.description().emulated() && item.outputs().isEmpty()) {
                        notes.add(item.name() + " was left out: an emulated device has no speed");
                    } else {
                        attempt(item.name(), () -> time(item));
                    }
                }
                case SPEED -> {}
            }
        }
        file.pack().cases().stream()
                .filter(item -> item.kind() == Pack.Kind.CHECK)
                .findFirst()
                .ifPresent(item -> {
                    attempt("many runs at once", () -> atOnce(item));
                    attempt("a deadline ends a run, and not the next", () -> deadline(item));
                });
        new SpeedTable(file, devices, progress, timings, notes).run(this::attempt);
        var measured = device.health() == DeviceHealth.LOST || timings.isEmpty()
                ? timings
                : new PeerTimes(file, device.description(), progress, notes).beside(timings);
        return new Report(device.description(), file.pack().target(), results, measured, notes);
    }

    /// Runs a check and notes what became of it. After the device is lost nothing else is tried.
    private void attempt(String name, Callable<String> check) {
        if (device.health() == DeviceHealth.LOST) {
            results.add(new Result(name, "not tried: the device is lost", 0));
            return;
        }
        progress.accept(name);
        long start = System.nanoTime();
        String problem;
        try {
            problem = check.call();
        } catch (Exception | StackOverflowError | OutOfMemoryError e) {
            problem = e.getClass().getSimpleName() + ": " + e.getMessage();
        }
        results.add(new Result(name, problem, (System.nanoTime() - start) / 1e6));
    }

    private Map<String, Tensor> inputs(Pack.Case item) throws IOException {
        var inputs = new LinkedHashMap<String, Tensor>();
        for (var data : item.inputs()) {
            inputs.put(data.name(), file.tensor(data));
        }
        return inputs;
    }

    private String check(Pack.Case item) throws IOException {
        try (var model = file.load(item, devices)) {
            return differences(item, model, inputs(item));
        }
    }

    /// What is wrong with the first of three runs that is. The second works in memory that the first has left behind, and where
    /// the device captures runs it captures this one; the third is a replay.
    private String differences(Pack.Case item, Model model, Map<String, Tensor> inputs) throws IOException {
        for (int round = 1; round <= 3; round++) {
            var found = difference(item, model, inputs);
            if (!found.isEmpty()) {
                return "run " + round + ": " + found;
            }
        }
        return "";
    }

    private String difference(Pack.Case item, Model model, Map<String, Tensor> inputs) throws IOException {
        try (var outputs = model.run(inputs)) {
            for (var expected : item.outputs()) {
                var found = outputs.get(expected.name());
                var difference = item.kind() == Pack.Kind.CONFORMANCE
                        ? TensorCheck.elementwise(expected.name(), file.tensor(expected), found, item.tolerance())
                        : TensorCheck.difference(expected.name(), file.tensor(expected), found, item.tolerance());
                if (!difference.isEmpty()) {
                    return difference;
                }
            }
            return "";
        }
    }

    private String failure(Pack.Case item) throws IOException {
        try (var model = file.load(item, devices)) {
            var inputs = inputs(item);
            for (int round = 0; round < 2; round++) {
                try {
                    model.run(inputs).close();
                    return "the run ended without the error that it should have";
                } catch (RunFailed e) {
                    if (e.code() != item.failure()) {
                        return "the run failed with code " + e.code() + ", expected " + item.failure() + ": " + e.getMessage();
                    }
                }
            }
            return "";
        }
    }

    /// Checks what is expected, if anything, and measures a run, copies of inputs and outputs included.
    private String time(Pack.Case item) throws IOException {
        try (var model = file.load(item, devices)) {
            var inputs = inputs(item);
            var difference = differences(item, model, inputs);
            if (difference.isEmpty()) {
                difference = begins(item, model, inputs);
            }
            if (difference.isEmpty() && !device.description().emulated()) {
                var milliseconds = Stopwatch.median(() -> model.run(inputs).close()) / 1e6;
                timings.add(new Timing(item.name(), milliseconds, 0, item.speed().work()));
            }
            return difference;
        }
    }

    /// Whether the outputs begin with those of the first model of the family, whose inputs are the beginning of these.
    private String begins(Pack.Case item, Model model, Map<String, Tensor> inputs) {
        if (item.speed().family().isEmpty()) {
            return "";
        }
        try (var outputs = model.run(inputs)) {
            var found = outputs.asMap().values().iterator().next();
            var first = firstOfFamily.get(item.speed().family());
            if (first == null) {
                var kept = Tensor.allocate(found.type(), Arena.ofAuto(), found.shape());
                kept.data().copyFrom(found.data());
                firstOfFamily.put(item.speed().family(), kept);
                return "";
            }
            var beginning = Tensor.of(
                    found.type(), found.data().asSlice(0, first.data().byteSize()), first.shape());
            return TensorCheck.difference("the beginning", first, beginning, item.tolerance());
        }
    }

    private String atOnce(Pack.Case item) throws Exception {
        try (var model = file.load(item, devices); var executor = Executors.newFixedThreadPool(THREADS)) {
            var inputs = inputs(item);
            Callable<String> runs = () -> {
                for (int run = 0; run < RUNS_AT_ONCE; run++) {
                    var difference = difference(item, model, inputs);
                    if (!difference.isEmpty()) {
                        return difference;
                    }
                }
                return "";
            };
            var futures = new ArrayList<Future<String>>();
            for (int thread = 0; thread < THREADS; thread++) {
                futures.add(executor.submit(runs));
            }
            for (var future : futures) {
                if (!future.get().isEmpty()) {
                    return future.get();
                }
            }
            return "";
        } catch (ExecutionException e) {
            throw e.getCause() instanceof PortolanException cause ? cause : e;
        }
    }

    private String deadline(Pack.Case item) throws IOException {
        try (var model = file.load(item, devices)) {
            var inputs = inputs(item);
            try {
                model.run(inputs, RunOptions.none().withTimeout(Duration.ZERO)).close();
                return "a run with no time at all ended well";
            } catch (DeadlineExceeded e) {
                return difference(item, model, inputs);
            }
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
