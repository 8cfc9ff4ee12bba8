package org.portolan.onnx.importer;

import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.UnsupportedType;
import org.portolan.runtime.Tensor;

/// ONNX's tensors as those of the runtime.
public final class OnnxTensors {
    private OnnxTensors() {}

    /// The same elements, not copied.
    ///
    /// @throws UnsupportedType for complex numbers, which the runtime does not have
    public static Tensor tensor(OnnxTensor tensor) {
        var shape = tensor.dims().stream().mapToLong(Long::longValue).toArray();
        if (tensor.type() == OnnxDataType.STRING) {
            return Tensor.ofStrings(tensor.strings(), shape);
        }
        try {
            return Tensor.of(Constants.elementType(tensor.type()), tensor.data(), shape);
        } catch (Unsupported e) {
            throw new UnsupportedType("Tensor '%s': %s are not supported".formatted(tensor.name(), e.getMessage()));
        }
    }
}
