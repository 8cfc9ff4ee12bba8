package org.portolan.tests.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.ir.GraphOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.SessionOptions;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Faults;

/// What a model does when its device stops working.
class LostDeviceTest {
    private static final String TWICE =
            """
            graph.function <name = "twice", symbols = [n:1..1000]> { (%x: f32[n]) ->
              %y = graph.map [%x] { (%a: f32) ->
                %b = arith.add %a, %a : f32
                graph.yield [%b]
              } : f32[n]
              graph.return [%y]
            }
            """;

    private static final String EMULATED_DEVICES = "portolan.emulated.devices";
    private static final int WAITING = 8;

    @TempDir
    private Path folder;

    /// A device that can be made to fail.
    private static Device device() {
        for (var description : Devices.list()) {
            var device = Devices.open(description.name(), DeviceOptions.defaults());
            if (device instanceof Faults) return device;
            device.close();
        }
        return Assumptions.abort("skipped: no device here can be made to stop working");
    }

    private Path compile(String... targets) throws IOException {
        var function = (GraphOp.Function) IrParser.parse(TWICE, "test").getFirst();
        var file = folder.resolve("twice.portolan");
        new Compiler().compile(function, Targets.resolve(List.of(targets)), file);
        return file;
    }

    private static void runs(Model model) {
        try (var outputs = model.run(Map.of("x", Tensor.of(new float[] {1, -2, 3}, 3)))) {
            assertArrayEquals(new float[] {2, -4, 6}, outputs.get("y").toFloatArray());
        }
    }

    @Test
    void runsFailWithATypedError() throws IOException {
        try (var device = device()) {
            var file = compile(device.description().target(), "cpu");
            try (var model = Portolan.load(file, device)) {
                runs(model);
                ((Faults) device).lose();
                for (int round = 0; round < 3; round++) {
                    var error = assertThrows(DeviceLost.class, () -> runs(model));
                    assertTrue(error.getMessage().contains(device.description().name()), error.getMessage());
                }
            }
        }
    }

    /// Of two devices one is lost while many runs wait for it: each gets its error, and the next session takes the other.
    @Test
    void waitingRunsFailAndTheNextSessionTakesAnotherDevice() throws Exception {
        System.setProperty(EMULATED_DEVICES, "2");
        var pair = Devices.list().stream()
                .filter(DeviceDescription::emulated)
                .collect(Collectors.groupingBy(DeviceDescription::driver))
                .values()
                .stream()
                .filter(devices -> devices.size() > 1)
                .findFirst();
        Assumptions.assumeTrue(pair.isPresent(), "skipped: no driver here has two emulated devices");
        try (var device = Devices.open(pair.get().getFirst().name(), DeviceOptions.defaults())) {
            var file = compile(device.description().target());
            var options = SessionOptions.defaults().withConcurrentRuns(1);
            try (var model = Portolan.load(file, options, device); var threads = Executors.newCachedThreadPool()) {
                runs(model);
                var started = new CountDownLatch(WAITING);
                var ends = new ArrayList<Future<DeviceLost>>();
                for (int thread = 0; thread < WAITING; thread++) {
                    ends.add(threads.submit(() -> {
                        started.countDown();
                        while (true) {
                            try {
                                runs(model);
                            } catch (DeviceLost lost) {
                                return lost;
                            }
                        }
                    }));
                }
                started.await();
                ((Faults) device).lose();
                for (var end : ends) {
                    var lost = end.get(30, TimeUnit.SECONDS);
                    assertTrue(lost.getMessage().contains(device.description().name()), lost.getMessage());
                }
                try (var second = Devices.open(pair.get().getLast().name(), DeviceOptions.defaults());
                        var next = Portolan.load(file, second)) {
                    runs(next);
                }
            }
        } finally {
            System.clearProperty(EMULATED_DEVICES);
        }
    }

    @Test
    void theHostGoesOnWhereThatIsAskedFor() throws IOException {
        try (var device = device()) {
            var file = compile(device.description().target(), "cpu");
            var options = SessionOptions.defaults().withHostFallback(true);
            try (var model = Portolan.load(file, options, device)) {
                runs(model);
                assertFalse(model.fellBack());
                ((Faults) device).lose();
                for (int round = 0; round < 3; round++) {
                    runs(model);
                    assertTrue(model.fellBack());
                }
            }
        }
    }

    @Test
    void withoutATargetForTheHostThatIsRefused() throws IOException {
        try (var device = device()) {
            var file = compile(device.description().target());
            var options = SessionOptions.defaults().withHostFallback(true);
            assertThrows(DeviceMissing.class, () -> Portolan.load(file, options, device));
        }
    }
}
