package org.portolan.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;

/// One model here and in ONNX Runtime, on the same inputs in interleaved rounds: CPU time of the process and wall time,
/// the medians, the best rounds and their ratios. The ratio is what carries over to another machine.
///
/// Arguments: {@code MODEL.onnx [--threads N] [--seconds S] NAME=1x128 ...}, several {@code ,}-separated shapes for each
/// input give one row each.
public final class ModelComparison {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static final long PAUSE_NANOS = 50_000_000;

    /// Whether the caller's thread does everything: then its own clock counts, which is finer than the process's.
    private static boolean alone;

    private ModelComparison() {}

    private static long processorTime() {
        return alone ? THREADS.getCurrentThreadCpuTime() : SYSTEM.getProcessCpuTime();
    }

    public static void main(String[] arguments) throws IOException, OrtException {
        var file = Path.of(arguments[0]);
        int threads = 1;
        double seconds = 5;
        var shapes = new LinkedHashMap<String, List<long[]>>();
        for (int i = 1; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--threads" -> threads = Integer.parseInt(arguments[++i]);
                case "--seconds" -> seconds = Double.parseDouble(arguments[++i]);
                default -> {
                    var parts = arguments[i].split("=");
                    shapes.put(parts[0], Arrays.stream(parts[1].split(",")).map(ModelComparison::shape).toList());
                }
            }
        }
        var program = Files.createTempFile("comparison", ".portolan");
        var function = new OnnxImporter().function(new OnnxReader().model(file));
        new Compiler().compile(function, List.of(Targets.resolve("cpu")), program);
        var environment = OrtEnvironment.getEnvironment();
        try (var device = Devices.open("cpu", new DeviceOptions(threads));
                var ours = Portolan.load(program, device);
                var options = new OrtSession.SessionOptions()) {
            alone = threads == 1;
            options.setIntraOpNumThreads(threads);
            try (var theirs = environment.createSession(file.toString(), options)) {
                System.out.println("| " + file.getFileName() + ", " + threads + " thread(s) | ours wall ms | ORT wall ms |"
                        + " speed-up | ours best ms | ORT best ms | speed-up | ours CPU ms | ORT CPU ms | speed-up"
                        + " | ours best CPU ms | ORT best CPU ms | speed-up"
                        + " | largest difference |");
                System.out.println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
                int rows = shapes.values().stream().mapToInt(List::size).max().orElse(1);
                for (int row = 0; row < rows; row++) {
                    compare(ours, theirs, environment, inputs(ours, shapes, row), seconds);
                }
            }
        } finally {
            Files.delete(program);
        }
    }

    private static long[] shape(String text) {
        return Arrays.stream(text.split("x")).mapToLong(Long::parseLong).toArray();
    }

    private static Map<String, Tensor> inputs(Model model, Map<String, List<long[]>> shapes, int row) {
        var random = new Random(7);
        var inputs = new LinkedHashMap<String, Tensor>();
        for (var port : model.inputs()) {
            var choices = shapes.get(port.name());
            var shape = choices == null
                    ? port.dims().stream().mapToLong(dim -> dim.constant().orElse(1)).toArray()
                    : choices.get(Math.min(row, choices.size() - 1));
            int elements = (int) Arrays.stream(shape).reduce(1, Math::multiplyExact);
            if (port.type() == ElementType.I64) {
                var numbers = new long[elements];
                for (int i = 0; i < elements; i++) {
                    numbers[i] = port.name().contains("mask") ? 1 : port.name().contains("type") ? 0 : random.nextInt(1000);
                }
                inputs.put(port.name(), Tensor.of(direct(numbers), shape));
            } else {
                var numbers = ByteBuffer.allocateDirect(4 * elements).order(ByteOrder.nativeOrder()).asFloatBuffer();
                for (int i = 0; i < elements; i++) {
                    numbers.put(i, random.nextFloat());
                }
                inputs.put(port.name(), Tensor.of(numbers, shape));
            }
        }
        return inputs;
    }

    private static LongBuffer direct(long[] numbers) {
        var buffer = ByteBuffer.allocateDirect(8 * numbers.length).order(ByteOrder.nativeOrder()).asLongBuffer();
        buffer.put(0, numbers);
        return buffer;
    }

    private interface Run {
        void run() throws OrtException;
    }

    private static void compare(
            Model ours, OrtSession theirs, OrtEnvironment environment, Map<String, Tensor> inputs, double seconds)
            throws OrtException {
        var theirInputs = new LinkedHashMap<String, OnnxTensor>();
        for (var entry : inputs.entrySet()) {
            var tensor = entry.getValue();
            theirInputs.put(
                    entry.getKey(),
                    tensor.type() == ElementType.I64
                            ? OnnxTensor.createTensor(environment, tensor.asLongBuffer(), tensor.shape())
                            : OnnxTensor.createTensor(environment, tensor.asFloatBuffer(), tensor.shape()));
        }
        double difference = difference(ours, theirs, inputs, theirInputs);
        Run ourRun = () -> ours.run(inputs).close();
        Run theirRun = () -> theirs.run(theirInputs).close();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        var times = new ArrayList<long[]>();
        for (int round = 0; round < 5 || System.nanoTime() < end; round++) {
            var mine = time(ourRun);
            var other = time(theirRun);
            if (round >= 2) {
                times.add(new long[] {mine[0], other[0], mine[1], other[1]});
            }
        }
        double ourWall = median(times, 0);
        double theirWall = median(times, 1);
        double ourCpu = median(times, 2);
        double theirCpu = median(times, 3);
        double ourBestCpu = best(times, 2);
        double theirBestCpu = best(times, 3);
        var label = inputs.values().stream()
                .map(tensor -> Arrays.toString(tensor.shape()))
                .distinct()
                .toList();
        // On a machine that does other work, too, the best round of each side is the one that was disturbed least.
        double ourBest = best(times, 0);
        double theirBest = best(times, 1);
        System.out.printf(
                "| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1e |%n", label, ourWall / 1e6,
                theirWall / 1e6, theirWall / ourWall, ourBest / 1e6, theirBest / 1e6, theirBest / ourBest, ourCpu / 1e6,
                theirCpu / 1e6, theirCpu / ourCpu, ourBestCpu / 1e6,
                theirBestCpu / 1e6, theirBestCpu / ourBestCpu, difference);
        theirInputs.values().forEach(OnnxTensor::close);
    }

    /// The largest difference of any output, relative to the largest number in it.
    private static double difference(
            Model ours, OrtSession theirs, Map<String, Tensor> inputs, Map<String, OnnxTensor> theirInputs)
            throws OrtException {
        double worst = 0;
        try (var outputs = ours.run(inputs);
                var expected = theirs.run(theirInputs)) {
            for (var port : ours.outputs()) {
                if (port.type() != ElementType.F32) {
                    continue;
                }
                var mine = outputs.get(port.name()).toFloatArray();
                FloatBuffer other = ((OnnxTensor) expected.get(port.name()).orElseThrow()).getFloatBuffer();
                double largest = 0;
                double apart = 0;
                for (int i = 0; i < mine.length; i++) {
                    largest = Math.max(largest, Math.abs(other.get(i)));
                    apart = Math.max(apart, Math.abs(other.get(i) - mine[i]));
                }
                worst = Math.max(worst, largest == 0 ? apart : apart / largest);
            }
        }
        return worst;
    }

    private static long[] time(Run run) throws OrtException {
        // The other side's threads may still be spinning in wait for more work; this lets them fall asleep.
        LockSupport.parkNanos(PAUSE_NANOS);
        run.run();
        long cpu = processorTime();
        long wall = System.nanoTime();
        int repeats = 0;
        // The clock of CPU time is coarse: short runs are repeated for a stretch.
        do {
            run.run();
            repeats++;
        } while (System.nanoTime() - wall < 20_000_000);
        return new long[] {(System.nanoTime() - wall) / repeats, (processorTime() - cpu) / repeats};
    }

    private static double best(List<long[]> times, int column) {
        return times.stream().mapToLong(row -> row[column]).min().orElseThrow();
    }

    private static double median(List<long[]> times, int column) {
        var sorted = times.stream().mapToLong(row -> row[column]).sorted().toArray();
        return sorted[sorted.length / 2];
    }
}
