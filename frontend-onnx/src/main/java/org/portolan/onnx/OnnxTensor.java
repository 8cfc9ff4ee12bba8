package org.portolan.onnx;

import java.lang.foreign.MemorySegment;
import java.util.List;

/// A constant tensor. However the file spelt it, the elements are here in one form.
///
/// @param dims the extents, never negative
/// @param data the elements, little-endian, row-major, without padding, elements of fewer than eight bits packed with
///     the first one in the lowest bits; mostly a slice of the mapped file, so of any alignment; empty for strings
/// @param strings the elements of a string tensor, else empty
/// @param offset where the tensor stands in the file, in bytes
public record OnnxTensor(
        String name, OnnxDataType type, List<Long> dims, MemorySegment data, List<String> strings, long offset)
        implements OnnxValue {
    public OnnxTensor {
        dims = List.copyOf(dims);
        strings = List.copyOf(strings);
        data = data.asReadOnly();
    }

    /// The number of elements.
    public long elements() {
        long count = 1;
        for (long dim : dims) {
            count = Math.multiplyExact(count, dim);
        }
        return count;
    }

    /// The same tensor under another name.
    public OnnxTensor named(String newName) {
        return new OnnxTensor(newName, type, dims, data, strings, offset);
    }
}
