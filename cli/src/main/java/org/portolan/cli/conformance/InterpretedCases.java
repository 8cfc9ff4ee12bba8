package org.portolan.cli.conformance;

import java.util.Map;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.onnx.OnnxModel;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.runtime.Tensor;

/// Runs cases on the interpreter, which is the reference: what fails here is wrong before anything is compiled.
public final class InterpretedCases implements CaseCompiler {
    /// The name that picks this in place of a device.
    public static final String NAME = "interpreter";

    @Override
    public ReadyCase prepare(OnnxModel model) {
        var function = new OnnxImporter().function(model);
        return new Interpreted(new GraphInterpreter(function));
    }

    private record Interpreted(GraphInterpreter interpreter) implements ReadyCase {
        @Override
        public Map<String, Tensor> run(Map<String, Tensor> inputs) {
            return interpreter.run(inputs);
        }

        @Override
        public long deviceKernels() {
            return 0;
        }

        @Override
        public long hostKernels() {
            return 0;
        }

        @Override
        public boolean needsHost() {
            return false;
        }

        @Override
        public void close() {
            // Nothing is held.
        }
    }
}
