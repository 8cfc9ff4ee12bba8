package org.portolan.cli.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.portolan.cli.inspect.PlanView;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Machines;
import org.portolan.lowering.Target;
import org.portolan.lowering.plan.ElementTypesUsed;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.program.ProgramFile;

/// Compiles each case for one target into a program file of its own, and runs that on the devices.
///
/// @param devices an accelerator and the host, or one device; shared by all cases and closed by the caller
/// @param scratch where program files lie while they are loaded
public record CompiledCases(Target target, List<Device> devices, Path scratch) implements CaseCompiler {

    @Override
    public ReadyCase prepare(OnnxModel model) throws IOException {
        var function = new OnnxImporter().function(model);
        var program = Files.createTempFile(scratch, "case", ".portolan");
        try {
            new Compiler().compile(function, List.of(target), program);
            var plan = plan(program);
            var lacking = ElementTypesUsed.of(function.body());
            lacking.retainAll(Machines.missingTypes(target.machine()));
            var loaded = Portolan.load(program, devices.toArray(Device[]::new));
            return new Compiled(loaded, plan, !lacking.isEmpty());
        } finally {
            Files.delete(program); // what was loaded stays mapped
        }
    }

    private static PlanView plan(Path program) throws IOException {
        try (var file = ProgramFile.open(program)) {
            return PlanView.of(file.plan(file.manifest().targets().getFirst()), Map.of());
        }
    }

    private record Compiled(Model model, PlanView plan, boolean needsHost) implements ReadyCase {
        @Override
        public Map<String, Tensor> run(Map<String, Tensor> inputs) {
            return model.run(inputs).asMap();
        }

        @Override
        public long deviceKernels() {
            return plan.deviceKernels();
        }

        @Override
        public long hostKernels() {
            return plan.hostKernels();
        }

        @Override
        public void close() {
            model.close();
        }
    }
}
