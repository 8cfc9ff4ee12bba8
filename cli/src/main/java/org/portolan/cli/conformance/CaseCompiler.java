package org.portolan.cli.conformance;

import java.util.Map;
import org.portolan.onnx.OnnxModel;
import org.portolan.runtime.Tensor;

/// Makes a case's model ready to run on one device.
public interface CaseCompiler {

    /// @throws Exception where the model cannot be compiled or loaded
    ReadyCase prepare(OnnxModel model) throws Exception;

    /// A compiled and loaded case.
    interface ReadyCase extends AutoCloseable {

        /// One run; the tensors stay valid until this is closed.
        Map<String, Tensor> run(Map<String, Tensor> inputs);

        /// Launches in the plan that run on the device.
        long deviceKernels();

        /// Launches in the plan that run on the host beside it.
        long hostKernels();

        /// Whether the model uses an element type that the device lacks, so that kernels may run on the host.
        boolean needsHost();

        @Override
        void close();
    }
}
