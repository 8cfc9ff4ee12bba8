package org.portolan.onnx.reader;

import java.util.ArrayList;
import java.util.Optional;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.OnnxValue;

/// `SequenceProto` and `OptionalProto` to records. The two messages share their field numbers.
final class ValueDecoder {
    private final TensorDecoder tensors;

    ValueDecoder(TensorDecoder tensors) {
        this.tensors = tensors;
    }

    /// A file does not say which message it holds: the declared type does.
    OnnxValue value(WireCursor in, OnnxType type) {
        return switch (type) {
            case OnnxType.Tensor _, OnnxType.Undeclared _ -> tensors.tensor(in);
            case OnnxType.Sparse _ -> tensors.sparse(in);
            case OnnxType.Sequence _ -> sequence(in);
            case OnnxType.Maybe _ -> optional(in);
            case OnnxType.Mapping _, OnnxType.Opaque _ -> throw in.error("data of type %s".formatted(type));
        };
    }

    private OnnxValue sequence(WireCursor in) {
        var name = "";
        var elements = new ArrayList<OnnxValue>();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> name = in.text();
                case 3 -> elements.add(tensors.tensor(in.message("tensor_values")));
                case 4 -> elements.add(tensors.sparse(in.message("sparse_tensor_values")));
                case 5 -> elements.add(sequence(in.message("sequence_values")));
                case 6 -> throw in.error("a sequence of maps");
                case 7 -> elements.add(optional(in.message("optional_values")));
                default -> {}
            }
        }
        return new OnnxValue.Sequence(name, elements);
    }

    private OnnxValue optional(WireCursor in) {
        var name = "";
        OnnxValue value = null;
        while (in.next()) {
            switch (in.field()) {
                case 1 -> name = in.text();
                case 3 -> value = tensors.tensor(in.message("tensor_value"));
                case 4 -> value = tensors.sparse(in.message("sparse_tensor_value"));
                case 5 -> value = sequence(in.message("sequence_value"));
                case 6 -> throw in.error("an optional map");
                case 7 -> value = optional(in.message("optional_value"));
                default -> {}
            }
        }
        return new OnnxValue.Maybe(name, Optional.ofNullable(value));
    }
}
