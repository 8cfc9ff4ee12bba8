package org.portolan.lowering.plan;

import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.CompileException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Buffers for tensors, and what they take.
final class BufferTypes {
    private BufferTypes() {}

    /// The row-major buffer in global memory that holds a tensor.
    ///
    /// @throws CompileException if the value lives on the host only
    static Type.Buffer of(Value value) {
        return switch (value.type()) {
            case Type.Tensor(ElementType element, _) when element == ElementType.STRING ->
                throw new CompileException("'" + value.hint() + "' holds texts; compiled plans have numbers only");
            case Type.Tensor(ElementType element, var dims) -> new Type.Buffer(element, dims, Type.Space.GLOBAL);
            case Type.Buffer buffer -> buffer;
            case Type.Sequence _, Type.Maybe _ ->
                throw new CompileException("'" + value.hint() + "' is of type " + value.type()
                        + "; compiled plans have tensors of numbers only");
            case Type.Scalar _, Type.Vector _, Type.Mask _, Type.Ring _, Type.Fragment _ ->
                throw new CompileException("a plan needs a tensor and was given " + value);
        };
    }

    /// The size in memory.
    static Dim bytes(Type.Buffer buffer) {
        return bytes(buffer.element(), Dim.product(buffer.storage()));
    }

    /// The size of packed elements.
    static Dim bytes(ElementType element, Dim elements) {
        return element.bits() % 8 == 0
                ? elements.times(element.bits() / 8)
                : elements.times(element.bits()).ceilDivide(8);
    }
}
