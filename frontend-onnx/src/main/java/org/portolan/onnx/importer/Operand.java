package org.portolan.onnx.importer;

import java.util.List;
import java.util.Optional;
import org.portolan.ir.Resource;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// What a name of the model stands for while importing: a tensor whose type, and sometimes whose elements, are known.
/// A constant and a tensor with known elements become an operation only when somebody needs them as data.
final class Operand {
    /// More elements than this are never followed one by one.
    static final int TRACKED = 1024;

    private final Type.Tensor type;
    private final String hint;
    private final List<Element> elements;
    private final Resource resource;
    private final Block owner;
    private Value value;

    private Operand(
            Type.Tensor type, String hint, List<Element> elements, Resource resource, Block owner, Value value) {
        this.type = type;
        this.hint = hint;
        this.elements = elements;
        this.resource = resource;
        this.owner = owner;
        this.value = value;
    }

    /// A tensor that is computed.
    static Operand of(Value value) {
        return new Operand(value.tensor(), value.hint(), null, null, null, value);
    }

    /// A tensor whose elements are known, in row-major order.
    static Operand known(ElementType element, List<Dim> dims, List<Element> elements, String hint, Block owner) {
        return new Operand(Type.tensor(element, dims), hint, List.copyOf(elements), null, owner, null);
    }

    /// A constant; `elements` may be null.
    static Operand constant(Type.Tensor type, Resource resource, List<Element> elements, String hint, Block owner) {
        return new Operand(type, hint, elements, resource, owner, null);
    }

    /// The same tensor under another name, so that errors and outputs say it.
    Operand named(String name) {
        return value != null || name.isEmpty() || name.equals(hint)
                ? this
                : new Operand(type, name, elements, resource, owner, null);
    }

    Type.Tensor type() {
        return type;
    }

    ElementType element() {
        return type.element();
    }

    List<Dim> dims() {
        return type.dims();
    }

    /// @throws OnnxException if the operand has fewer axes: an operator that needs them need not count first
    Dim dim(int axis) {
        if (axis >= rank()) {
            throw new OnnxException("expected at least %d axes, found %s".formatted(axis + 1, type));
        }
        return type.dim(axis);
    }

    /// False where it is certain that the operand cannot be spread over the extents: too many axes, or a constant extent that
    /// is neither 1 nor the wanted one.
    boolean broadcasts(List<Dim> wanted) {
        int lead = wanted.size() - rank();
        if (lead < 0) return false;
        for (int axis = 0; axis < rank(); axis++) {
            var mine = dim(axis);
            var other = wanted.get(axis + lead);
            if (mine.isConstant() && other.isConstant() && !mine.isConstant(1) && !mine.equals(other)) return false;
        }
        return true;
    }

    int rank() {
        return type.rank();
    }

    String hint() {
        return hint;
    }

    /// The elements, where they are known.
    Optional<List<Element>> elements() {
        return Optional.ofNullable(elements);
    }

    /// The bytes of a constant that nothing was done to.
    Optional<Resource> resource() {
        return Optional.ofNullable(resource);
    }

    /// The tensor as data; emits what is needed to have it.
    Value value() {
        if (value == null) {
            value = resource != null ? owner.constant(type, resource, hint) : owner.materialize(type, elements, hint);
        }
        return value;
    }
}
