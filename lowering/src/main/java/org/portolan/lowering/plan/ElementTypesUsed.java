package org.portolan.lowering.plan;

import java.util.EnumSet;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// The types of the elements that operations read, compute and write; indices, which every machine has, are none of them.
public final class ElementTypesUsed {
    private final Set<ElementType> types = EnumSet.noneOf(ElementType.class);

    private ElementTypesUsed() {}

    /// Those of an operation and of what stands within it; a new set.
    public static Set<ElementType> of(Op op) {
        var used = new ElementTypesUsed();
        used.add(op);
        return used.types;
    }

    /// Those of a body; a new set.
    public static Set<ElementType> of(Body body) {
        var used = new ElementTypesUsed();
        used.add(body);
        return used.types;
    }

    private void add(Op op) {
        OpSchema.operands(op).forEach(this::add);
        OpSchema.results(op).forEach(this::add);
        OpSchema.bodies(op).forEach(this::add);
    }

    private void add(Body body) {
        body.params().forEach(this::add);
        body.ops().forEach(this::add);
    }

    private void add(Value value) {
        add(value.type());
    }

    private void add(Type type) {
        switch (type) {
            case Type.Scalar(var element) -> add(element);
            case Type.Tensor(var element, _) -> add(element);
            case Type.Vector(_, var element) -> add(element);
            case Type.Buffer buffer -> add(buffer.element());
            case Type.Ring(var slot, _) -> add(slot.element());
            case Type.Fragment fragment -> add(fragment.element());
            case Type.Sequence(var item) -> add(item);
            case Type.Maybe(var item) -> add(item);
            case Type.Mask _ -> {}
        }
    }

    private void add(ElementType element) {
        if (element != ElementType.INDEX && element != ElementType.STRING) {
            types.add(element);
        }
    }
}
