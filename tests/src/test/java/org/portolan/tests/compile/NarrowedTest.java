package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.pass.Narrow;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.CompileOptions;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;

/// An f32 function whose products were narrowed to f16, on each kind of device: it agrees with the narrowed function on the
/// interpreter as closely as f32 does, and with the wide one to what eleven bits of a factor leave.
class NarrowedTest {
    private static final String FUNCTION =
            """
            graph.function <name = main> { (%ids: i64[9]) ->
              %table = graph.constant <data = random(5)> : f32[31,64]
              %w = graph.constant <data = random(3)> : f32[64,48]
              %v = graph.constant <data = random(4)> : f32[48,33]
              %g = graph.gather %table, %ids <axis = 0> : f32[9,64]
              %y = graph.mat-mul %g, %w <accumulate = f32> : f32[9,48]
              %t = graph.map [%y] { (%a: f32) ->
                %b = arith.tanh %a : f32
                graph.yield [%b]
              } : f32[9,48]
              %z = graph.mat-mul %t, %v <accumulate = f32> : f32[9,33]
              graph.return [%z]
            }
            """;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "cuda:emulated", "ascend:emulated"})
    void agreesWithTheInterpreter(String name) throws IOException {
        var present = Devices.list().stream()
                .anyMatch(device -> name.equals("cpu") || device.emulated() && name.startsWith(device.driver() + ":"));
        Assumptions.assumeTrue(present, "skipped: there is no " + name);
        var module = IrParser.parse(FUNCTION, "narrowed.ir");
        var narrow = new Narrow(ElementType.F16);
        var inputs = Map.of("ids", RandomTensors.integers(ElementType.I64, 2, 0, 31, 9));
        var wide = output(new GraphInterpreter((GraphOp.Function) module.getFirst()).run(inputs));
        var expected = output(new GraphInterpreter((GraphOp.Function) narrow.run(module).getFirst()).run(inputs));

        var descriptions = Devices.withHost(Devices.find(name));
        var target = name.equals("cpu") ? Targets.resolve("cpu") : Targets.of(descriptions.getFirst());
        var compiler = new Compiler(CompileOptions.defaults().withNarrow(narrow));
        var file = folder.resolve("narrowed.portolan");
        compiler.compile((GraphOp.Function) module.getFirst(), List.of(target), file);
        var devices = descriptions.stream().map(one -> Devices.open(one.name(), new DeviceOptions(2))).toList();
        try (var model = Portolan.load(file, devices.toArray(Device[]::new)); var outputs = model.run(inputs)) {
            var found = outputs.get("z");
            double most = 0;
            for (long i = 0; i < expected.elements(); i++) {
                // A sum that lies between two numbers of f16 may be rounded to either: a factor is then off by 2^-11.
                assertEquals(expected.getDouble(i), found.getDouble(i), 4e-3, "element " + i);
                most = Math.max(most, Math.abs(wide.getDouble(i) - found.getDouble(i)));
            }
            assertTrue(most > 1e-6 && most < 2e-2, "f32 is " + most + " away");
        } finally {
            devices.forEach(Device::close);
        }
    }

    private static Tensor output(Map<String, Tensor> outputs) {
        return outputs.values().iterator().next();
    }
}
