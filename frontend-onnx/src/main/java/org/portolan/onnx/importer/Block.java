package org.portolan.onnx.importer;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// The operations of one body while it is being written. Blocks nest as `If` and `Loop` do.
final class Block {
    private static final int LITERAL = 64;

    private final Block outer;
    private final List<Op> ops = new ArrayList<>();
    private final Set<List<Object>> checks = new HashSet<>();

    Block(Block outer) {
        this.outer = outer;
    }

    boolean isOutermost() {
        return outer == null;
    }

    <T extends Op> T add(T op) {
        ops.add(op);
        return op;
    }

    List<Op> ops() {
        return ops;
    }

    /// A check at run time, unless it stands already or cannot fail.
    void check(Dim left, Relation relation, Dim right, String message) {
        var key = List.<Object>of(left, relation, right);
        for (var block = this; block != null; block = block.outer) {
            if (block.checks.contains(key)) {
                return;
            }
        }
        checks.add(key);
        add(new GraphOp.Check(left, relation, right, message));
    }

    Value constant(Type.Tensor type, Resource resource, String hint) {
        return add(new GraphOp.Constant(resource, Value.of(type, hint))).result();
    }

    /// Known elements as data.
    Value materialize(Type.Tensor type, List<Element> elements, String hint) {
        var symbolic = elements.stream()
                .anyMatch(element -> element instanceof Element.Whole(Dim value) && !value.isConstant()
                        || element instanceof Element.Ratio);
        return symbolic ? computed(type, elements, hint) : constant(type, literal(type, elements), hint);
    }

    private static Resource literal(Type.Tensor type, List<Element> elements) {
        boolean real = type.element().isFloat();
        if (elements.size() <= LITERAL) {
            return real
                    ? new Resource.Floats(elements.stream().map(Elements::real).toList())
                    : new Resource.Integers(
                            elements.stream().map(Elements::whole).toList());
        }
        var data = MemorySegment.ofArray(new byte[Math.toIntExact(type.element().bytes(elements.size()))]);
        for (int i = 0; i < elements.size(); i++) {
            if (real) {
                ElementTypes.setDouble(type.element(), data, i, Elements.real(elements.get(i)));
            } else {
                ElementTypes.setLong(type.element(), data, i, Elements.whole(elements.get(i)));
            }
        }
        return ResourceBytes.computed("folded", data);
    }

    private Value computed(Type.Tensor type, List<Element> elements, String hint) {
        if (type.element().isFloat()) {
            return scaled(type, elements, hint);
        }
        var dims = elements.stream().map(Elements::dim).toList();
        boolean direct = type.element().isInteger();
        var numbers = add(new GraphOp.Dims(dims, Value.of(direct ? type : type.withElement(ElementType.I64), hint)))
                .result();
        if (direct) {
            return numbers;
        }
        var body = Scalars.body(List.of(ElementType.I64), (s, v) -> s.cast(v.getFirst(), ElementType.BOOL));
        return add(new GraphOp.Map(List.of(numbers), body, Value.of(type, hint)))
                .result();
    }

    /// Extents times factors: what exporters compute sizes with.
    private Value scaled(Type.Tensor type, List<Element> elements, String hint) {
        var extents = new ArrayList<Dim>();
        var factors = new ArrayList<Element>();
        for (var element : elements) {
            extents.add(element instanceof Element.Ratio(Dim extent, var _, var _) ? extent : Dim.ONE);
            factors.add(
                    element instanceof Element.Ratio(var _, long numerator, long denominator)
                            ? new Element.Real((double) numerator / denominator)
                            : element);
        }
        var whole = type.withElement(ElementType.I64);
        var numbers = add(new GraphOp.Dims(extents, Value.of(whole, hint))).result();
        var multipliers = materialize(type, factors, hint);
        var body = Scalars.body(
                List.of(ElementType.I64, type.element()), (s, v) -> s.mul(s.cast(v.get(0), type.element()), v.get(1)));
        return add(new GraphOp.Map(List.of(numbers, multipliers), body, Value.of(type, hint)))
                .result();
    }
}
