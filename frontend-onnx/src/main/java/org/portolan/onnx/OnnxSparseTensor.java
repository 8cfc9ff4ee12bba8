package org.portolan.onnx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// A tensor of which only some elements are given; the others are 0.
///
/// @param values the given elements, of rank 1
/// @param positions where they stand in the row-major order of the dense tensor, strictly ascending
/// @param dims the extents of the dense tensor
public record OnnxSparseTensor(String name, OnnxTensor values, List<Long> positions, List<Long> dims)
        implements OnnxValue {
    public OnnxSparseTensor {
        positions = List.copyOf(positions);
        dims = List.copyOf(dims);
    }

    /// The number of elements of the dense tensor.
    public long elements() {
        return dims.stream().reduce(1L, Math::multiplyExact);
    }

    /// The tensor with its zeros, in newly allocated memory.
    ///
    /// @throws OnnxLimitException where it would take more than `denseBytes` of the limits
    public OnnxTensor dense(OnnxLimits limits) {
        var type = values.type();
        if (type.bits() % 8 != 0 || type == OnnxDataType.STRING) {
            throw new OnnxException(
                    "Sparse tensor '%s' has elements of type %s: expected whole bytes".formatted(name, type));
        }
        long width = type.bits() / 8;
        OnnxLimits.check(
                "denseBytes",
                Math.min(limits.denseBytes(), Integer.MAX_VALUE - 64),
                type.bytes(elements()),
                "Sparse tensor '" + name + "'");
        var bytes = MemorySegment.ofArray(new byte[(int) type.bytes(elements())]);
        for (int i = 0; i < positions.size(); i++) {
            MemorySegment.copy(
                    values.data(),
                    ValueLayout.JAVA_BYTE,
                    i * width,
                    bytes,
                    ValueLayout.JAVA_BYTE,
                    positions.get(i) * width,
                    width);
        }
        return new OnnxTensor(name, type, dims, bytes, List.of(), values.offset());
    }
}
