package org.portolan.onnx;

import java.util.List;
import java.util.Optional;

/// Data in a file: a tensor, or what ONNX builds from tensors.
public sealed interface OnnxValue permits OnnxTensor, OnnxSparseTensor, OnnxValue.Sequence, OnnxValue.Maybe {
    /// A list of values.
    record Sequence(String name, List<OnnxValue> elements) implements OnnxValue {
        public Sequence {
            elements = List.copyOf(elements);
        }
    }

    /// A value or none.
    record Maybe(String name, Optional<OnnxValue> value) implements OnnxValue {}
}
