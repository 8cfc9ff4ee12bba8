package org.portolan.tests.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;

/// A model compiled once, and the same file in ONNX Runtime. What both give must agree to 1e-4 of the largest value, if
/// nothing else is said.
final class ComparedModel implements AutoCloseable {
    private static final double TOLERANCE = 1e-4;

    private final String name;
    private final double tolerance;
    private final List<Device> devices;
    private final Model ours;
    private final Oracle theirs;

    ComparedModel(Path file) throws IOException, OrtException {
        this(file, "cpu");
    }

    /// @param deviceName where our side runs; with the host beside it, if it is an accelerator
    ComparedModel(Path file, String deviceName) throws IOException, OrtException {
        this(file, deviceName, CompileOptions.defaults(), TOLERANCE);
    }

    /// @param options how our side is compiled
    /// @param tolerance of the largest value
    ComparedModel(Path file, String deviceName, CompileOptions options, double tolerance)
            throws IOException, OrtException {
        this.tolerance = tolerance;
        name = file.getFileName().toString();
        var program = file.resolveSibling(name + ".portolan");
        long start = System.nanoTime();
        var function = new OnnxImporter().function(new OnnxReader().model(file));
        var descriptions = Devices.withHost(Devices.find(deviceName));
        var target = deviceName.equals("cpu") ? Targets.resolve("cpu") : Targets.of(descriptions.getFirst());
        new Compiler(options).compile(function, List.of(target), program);
        System.out.printf("%s: compiled in %.1f s%n", name, (System.nanoTime() - start) / 1e9);
        devices = descriptions.stream()
                .map(description -> Devices.open(description.name(), new DeviceOptions(2)))
                .toList();
        ours = Portolan.load(program, devices.toArray(Device[]::new));
        theirs = new Oracle(file);
    }

    /// Runs both on the same inputs and compares.
    ///
    /// @return the outputs of ONNX Runtime
    Map<String, Tensor> agree(Map<String, Tensor> inputs) throws OrtException {
        var expected = theirs.run(inputs);
        var label = inputs.values().stream().map(Tensor::toString).distinct().toList();
        try (var outputs = ours.run(inputs)) {
            for (var port : ours.outputs()) {
                var mine = outputs.get(port.name());
                var wanted = expected.get(port.name());
                assertEquals(wanted.type(), mine.type());
                assertArrayEquals(wanted.shape(), mine.shape());
                var difference = Difference.between(wanted, mine);
                System.out.printf(
                        "%s %s: '%s' %s, largest %.3g, difference %.1e of it%n",
                        name, label, port.name(), mine, difference.largest(), difference.relative());
                assertTrue(difference.largest() > 0, () -> "'" + port.name() + "' is all zeros: nothing is compared");
                assertTrue(
                        difference.relative() <= tolerance,
                        () -> name + " " + label + ": output '" + port.name() + "' differs by " + difference);
            }
        }
        return expected;
    }

    @Override
    public void close() throws OrtException {
        theirs.close();
        ours.close();
        devices.forEach(Device::close);
    }
}
