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
import org.portolan.runtime.device.CapturingQueue;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.selftest.Report.Part;
import org.portolan.runtime.selftest.Report.Result;
import org.portolan.runtime.selftest.Report.Timing;
import org.portolan.runtime.selftest.suite.CheckFailed;
import org.portolan.runtime.selftest.suite.CheckSkipped;
import org.portolan.runtime.selftest.suite.DeviceSuite;
import org.portolan.runtime.selftest.suite.SuiteImages;

/// Runs a pack on a device: the device suite, every case, many runs at once, and the times.
public final class Selftest implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int ROUNDS = 3;
    private static final long LONG_RUN = 5_000_000_000L;
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
        suite();
        for (var item : file.pack().cases()) {
            switch (item.kind()) {
                case CHECK -> attempt(Part.OPERATORS, item.name(), () -> check(item));
                case CONFORMANCE -> attempt(Part.ONNX, item.name(), () -> check(item));
                case FAILURE -> attempt(Part.OPERATORS, item.name(), () -> failure(item));
                case MODEL -> {
                    if (device.description().emulated() && item.outputs().isEmpty()) {
                        notes.add(item.name() + " was left out: an emulated device has no speed");
                    } else {
                        attempt(Part.MODELS, item.name(), () -> time(item));
                    }
                }
                case SPEED -> {}
            }
        }
        file.pack().cases().stream()
                .filter(item -> item.kind() == Pack.Kind.CHECK)
                .findFirst()
                .ifPresent(item -> {
                    attempt(Part.DEVICE, "many runs at once", () -> Finding.of(atOnce(item)));
                    attempt(Part.DEVICE, "a deadline ends a run, and not the next", () -> deadline(item));
                });
        new SpeedTable(file, devices, progress, timings, notes).run((name, check) -> attempt(Part.LARGE, name, check));
        var measured = device.health() == DeviceHealth.LOST || timings.isEmpty()
                ? timings
                : new PeerTimes(file, device.description(), progress, notes).beside(timings);
        return new Report(device.description(), file.pack().target(), results, measured, notes);
    }

    /// What every device must do, on devices that are opened for it.
    private void suite() {
        var entries = file.pack().suite();
        if (entries.kernels().isEmpty()) {
            notes.add("the device suite is not in this pack");
            return;
        }
        for (var check : DeviceSuite.checks()) {
            attempt(Part.DEVICE, "device: " + check.name(), () -> {
                var images = new SuiteImages(file.entry(entries.kernels()), file.entry(entries.others()));
                DeviceSuite.run(check, device.description(), images);
                return Finding.FINE;
            });
        }
    }

    /// Runs a check and notes what became of it. After the device is lost nothing else is tried.
    private void attempt(Part part, String name, Callable<Finding> check) {
        if (device.health() == DeviceHealth.LOST) {
            note(part, name, Finding.of("not tried: the device is lost"), "", Advice.NOT_TRIED, 0);
            return;
        }
        progress.accept(name);
        long start = System.nanoTime();
        var finding = Finding.FINE;
        var skipped = "";
        var advice = Advice.WRONG_RESULT;
        try {
            finding = check.call();
        } catch (CheckSkipped left) {
            skipped = left.getMessage();
        } catch (CheckFailed wrong) {
            finding = Finding.of(wrong.getMessage());
        } catch (Exception | StackOverflowError | OutOfMemoryError e) {
            finding = Finding.of(e.getClass().getSimpleName() + ": " + e.getMessage());
            advice = Advice.of(e);
        }
        note(part, name, finding, skipped, advice, (System.nanoTime() - start) / 1e6);
    }

    private void note(Part part, String name, Finding finding, String skipped, String advice, double milliseconds) {
        results.add(new Result(
                part, name, finding.problem(), skipped, finding.isFine() ? "" : advice, finding.error(), finding.limit(), milliseconds));
    }

    private Map<String, Tensor> inputs(Pack.Case item) throws IOException {
        var inputs = new LinkedHashMap<String, Tensor>();
        for (var data : item.inputs()) {
            inputs.put(data.name(), file.tensor(data));
        }
        return inputs;
    }

    private Finding check(Pack.Case item) throws IOException {
        try (var model = file.load(item, devices)) {
            return differences(item, model, inputs(item));
        }
    }

    /// What is wrong with the first of three runs that is. The second works in memory that the first has left behind, and where
    /// the device captures runs it captures this one; the third is a replay. On an emulated device a run that takes long is the
    /// only one.
    private Finding differences(Pack.Case item, Model model, Map<String, Tensor> inputs) throws IOException {
        var all = Finding.FINE;
        for (int round = 1; round <= ROUNDS && all.isFine(); round++) {
            long start = System.nanoTime();
            all = all.and(difference(item, model, inputs).during("run " + round));
            if (device.description().emulated() && round < ROUNDS && System.nanoTime() - start > LONG_RUN) {
                notes.add(item.name() + " was run " + (round == 1 ? "once" : round + " times") + ": the emulator takes long");
                return all;
            }
        }
        return all;
    }

    private Finding difference(Pack.Case item, Model model, Map<String, Tensor> inputs) throws IOException {
        try (var outputs = model.run(inputs)) {
            var all = Finding.FINE;
            for (var expected : item.outputs()) {
                var found = outputs.get(expected.name());
                all = all.and(
                        item.kind() == Pack.Kind.CONFORMANCE
                                ? TensorCheck.elementwise(expected.name(), file.tensor(expected), found, item.tolerance())
                                : TensorCheck.difference(expected.name(), file.tensor(expected), found, item.tolerance()));
                if (!all.isFine()) {
                    return all;
                }
            }
            return all;
        }
    }

    private Finding failure(Pack.Case item) throws IOException {
        try (var model = file.load(item, devices)) {
            var inputs = inputs(item);
            for (int round = 0; round < ROUNDS; round++) {
                try {
                    model.run(inputs).close();
                    return Finding.of("the run ended without the error that it should have");
                } catch (RunFailed e) {
                    if (e.code() != item.failure()) {
                        return Finding.of(
                                "the run failed with code " + e.code() + ", expected " + item.failure() + ": " + e.getMessage());
                    }
                }
            }
            return Finding.FINE;
        }
    }

    /// Checks what is expected, if anything, and measures a run, copies of inputs and outputs included.
    private Finding time(Pack.Case item) throws IOException {
        var inputs = inputs(item);
        try (var model = file.load(item, devices)) {
            var finding = differences(item, model, inputs);
            if (finding.isFine()) {
                finding = finding.and(begins(item, model, inputs));
            }
            if (finding.isFine() && !device.description().emulated()) {
                var milliseconds = Stopwatch.median(() -> model.run(inputs).close()) / 1e6;
                timings.add(new Timing(item.name(), milliseconds, 0, item.speed().work()));
                walk(item, inputs);
            }
            return finding;
        }
    }

    /// The same without replays, so that it can be seen what they save.
    private void walk(Pack.Case item, Map<String, Tensor> inputs) throws IOException {
        try (var queue = device.openQueue(StopSignal.NEVER)) {
            if (!(queue instanceof CapturingQueue)) {
                return;
            }
        }
        var walking = devices.clone();
        walking[0] = new WalkingDevice(device);
        try (var model = file.load(item, walking)) {
            var milliseconds = Stopwatch.median(() -> model.run(inputs).close()) / 1e6;
            timings.add(new Timing(item.name() + ", started kernel by kernel", milliseconds, 0, Pack.Work.NONE));
        }
    }

    /// Whether the outputs begin with those of the first model of the family, whose inputs are the beginning of these.
    private Finding begins(Pack.Case item, Model model, Map<String, Tensor> inputs) {
        if (item.speed().family().isEmpty()) {
            return Finding.FINE;
        }
        try (var outputs = model.run(inputs)) {
            var found = outputs.asMap().values().iterator().next();
            var first = firstOfFamily.get(item.speed().family());
            if (first == null) {
                var kept = Tensor.allocate(found.type(), Arena.ofAuto(), found.shape());
                kept.data().copyFrom(found.data());
                firstOfFamily.put(item.speed().family(), kept);
                return Finding.FINE;
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
                    if (!difference.isFine()) {
                        return difference.problem();
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

    private Finding deadline(Pack.Case item) throws IOException {
        try (var model = file.load(item, devices)) {
            var inputs = inputs(item);
            try {
                model.run(inputs, RunOptions.none().withTimeout(Duration.ZERO)).close();
                return Finding.of("a run with no time at all ended well");
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
