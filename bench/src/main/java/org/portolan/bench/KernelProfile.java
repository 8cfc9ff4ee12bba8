package org.portolan.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.type.ElementType;

/// Where a model's time goes on one thread of this processor: the best time of each launch over many runs, in the order of the
/// plan, and its share of them all.
///
/// Arguments: `MODEL.onnx [--runs N] [--target T] NAME=1x128 ...`.
public final class KernelProfile {
    private KernelProfile() {}

    /// What one launch is and the shortest time it took.
    private static final class Launch {
        private final String name;
        private final String grid;
        private long best = Long.MAX_VALUE;

        Launch(String name, String grid) {
            this.name = name;
            this.grid = grid;
        }
    }

    public static void main(String[] arguments) throws IOException {
        int runs = 30;
        var target = "cpu";
        var shapes = new LinkedHashMap<String, long[]>();
        for (int i = 1; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--runs" -> runs = Integer.parseInt(arguments[++i]);
                case "--target" -> target = arguments[++i];
                default -> {
                    var parts = arguments[i].split("=");
                    shapes.put(parts[0], Arrays.stream(parts[1].split("x")).mapToLong(Long::parseLong).toArray());
                }
            }
        }
        var program = Files.createTempFile("profile", ".portolan");
        var function = new OnnxImporter().function(new OnnxReader().model(Path.of(arguments[0])));
        new Compiler().compile(function, List.of(Targets.resolve(target)), program);
        var launches = new ArrayList<Launch>();
        try (var device = new TimedDevice(Devices.open("cpu", new DeviceOptions(1)), launches);
                var model = Portolan.load(program, device)) {
            var inputs = inputs(model, shapes);
            for (int run = 0; run < runs; run++) {
                device.next = 0;
                model.run(inputs).close();
            }
        } finally {
            Files.delete(program);
        }
        print(launches);
    }

    private static void print(List<Launch> launches) {
        double total = launches.stream().mapToLong(launch -> launch.best).sum();
        System.out.println("| launch | kernel | grid | microseconds | share |");
        System.out.println("|---|---|---|---|---|");
        for (int i = 0; i < launches.size(); i++) {
            var launch = launches.get(i);
            System.out.printf(
                    "| %d | %s | %s | %.1f | %.1f %% |%n", i, launch.name, launch.grid, launch.best / 1e3, 100 * launch.best / total);
        }
        System.out.printf("| all | %d launches | | %.1f | 100 %% |%n", launches.size(), total / 1e3);
    }

    private static Map<String, Tensor> inputs(Model model, Map<String, long[]> shapes) {
        var random = new Random(7);
        return model.inputs().stream().collect(Collectors.toMap(port -> port.name(), port -> {
            var shape = shapes.getOrDefault(
                    port.name(), port.dims().stream().mapToLong(dim -> dim.constant().orElse(1)).toArray());
            int elements = (int) Arrays.stream(shape).reduce(1, Math::multiplyExact);
            if (port.type() == ElementType.I64) return Tensor.of(new long[elements], shape);
            var numbers = new float[elements];
            for (int i = 0; i < elements; i++) numbers[i] = random.nextFloat();
            return Tensor.of(numbers, shape);
        }));
    }

    /// A device whose queues wait for each launch and note its time.
    private static final class TimedDevice implements Device {
        private final Device device;
        private final List<Launch> launches;
        private int next;

        TimedDevice(Device device, List<Launch> launches) {
            this.device = device;
            this.launches = launches;
        }

        private void time(Kernel kernel, long[] grid, Runnable launch) {
            if (next == launches.size()) launches.add(new Launch(kernel.name(), Arrays.toString(grid)));
            var entry = launches.get(next++);
            long start = System.nanoTime();
            launch.run();
            entry.best = Math.min(entry.best, System.nanoTime() - start);
        }

        @Override
        public DeviceDescription description() {
            return device.description();
        }

        @Override
        public MemorySegment allocate(Arena arena, long bytes, long alignment) {
            return device.allocate(arena, bytes, alignment);
        }

        @Override
        public KernelImage load(MemorySegment image) {
            return device.load(image);
        }

        @Override
        public Queue openQueue(StopSignal stop) {
            return new TimedQueue(device.openQueue(stop), this);
        }

        @Override
        public DeviceHealth health() {
            return device.health();
        }

        @Override
        public void close() {
            device.close();
        }
    }

    private record TimedQueue(Queue queue, TimedDevice device) implements Queue {
        @Override
        public void copyIn(MemorySegment host, long to, long bytes) {
            queue.copyIn(host, to, bytes);
        }

        @Override
        public void copyOut(long from, MemorySegment host, long bytes) {
            queue.copyOut(from, host, bytes);
        }

        @Override
        public void copy(long from, long to, long bytes) {
            queue.copy(from, to, bytes);
        }

        @Override
        public void launch(Kernel kernel, MemorySegment parameters, int words, long[] grid, long cost) {
            device.time(kernel, grid, () -> {
                queue.launch(kernel, parameters, words, grid, cost);
                queue.record().await();
            });
        }

        @Override
        public Event record() {
            return queue.record();
        }

        @Override
        public long takeError() {
            return queue.takeError();
        }

        @Override
        public void close() {
            queue.close();
        }
    }
}
