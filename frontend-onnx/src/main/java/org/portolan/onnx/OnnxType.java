package org.portolan.onnx;

import java.util.List;
import java.util.Optional;

/// The declared type of a value.
public sealed interface OnnxType {
    /// A tensor. An absent shape says that not even the rank is known.
    record Tensor(OnnxDataType elementType, Optional<List<OnnxDimension>> shape) implements OnnxType {
        public Tensor {
            shape = shape.map(List::copyOf);
        }
    }

    /// A sparse tensor.
    record Sparse(OnnxDataType elementType, Optional<List<OnnxDimension>> shape) implements OnnxType {
        public Sparse {
            shape = shape.map(List::copyOf);
        }
    }

    /// A list of values of one type.
    record Sequence(OnnxType element) implements OnnxType {}

    /// A value or none.
    record Maybe(OnnxType element) implements OnnxType {}

    /// A map from integers or strings.
    record Mapping(OnnxDataType key, OnnxType value) implements OnnxType {}

    /// A type that only its domain understands.
    record Opaque(String domain, String name) implements OnnxType {}

    /// A type that the file leaves open.
    record Undeclared() implements OnnxType {}
}
