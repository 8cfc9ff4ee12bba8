package org.portolan.lowering.nest;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The narrow tensors that factors become, each once: constants, one more result of the nest that computes a factor, or
/// what a nest of its own converts.
final class NarrowTensors {
    private final KnownTensors known;
    private final List<Op> out;
    private final Map<Value, Map<Form, Value>> narrowed = new IdentityHashMap<>();

    private record Form(ElementType type, long shift) {}

    /// @param out the operations before the product, to which those that are needed are added
    NarrowTensors(KnownTensors known, List<Op> out) {
        this.known = known;
        this.out = out;
    }

    Value of(NarrowFactor factor) {
        var source = factor.read().source();
        boolean constant = factor.elements() == null || known.definition(source) instanceof GraphOp.Constant;
        if (factor.isThere() && constant) return source;
        boolean sharable = factor.producer() != null
                || factor.bytes() == null
                || factor.bytes().offset() == null
                || !factor.isDifference();
        var existing = narrowed.computeIfAbsent(source, _ -> new HashMap<>());
        var form = new Form(factor.type(), factor.shift());
        if (sharable && existing.get(form) instanceof Value tensor) return tensor;
        var result = Value.of(new Type.Tensor(factor.type(), source.tensor().dims()), source.hint() + "_narrow");
        if (factor.elements() != null) {
            add(KnownTensors.constant(moved(factor.elements(), factor.type(), factor.shift()), result));
        } else if (factor.producer() != null) {
            widen(factor, result);
        } else {
            addFolded(conversion(factor, result));
        }
        if (sharable) existing.put(form, result);
        return result;
    }

    private static Tensor moved(Tensor elements, ElementType type, long shift) {
        int count = Math.toIntExact(elements.elements());
        if (type.bits() == 16) {
            var shorts = new short[count];
            for (int i = 0; i < count; i++) shorts[i] = (short) (elements.getLong(i) + shift);
            return Tensor.of(shorts, elements.shape());
        }
        var bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte) (elements.getLong(i) + shift);
        return Tensor.of(type, ByteBuffer.wrap(bytes), elements.shape());
    }

    private void add(Op op) {
        known.add(op);
        out.add(op);
    }

    /// Adds a nest, or the constant that it computes.
    void addFolded(NestOp.Compute nest) {
        var folded = known.run(nest);
        add(folded.isPresent() ? KnownTensors.constant(folded.get(), nest.results().getFirst()) : nest);
    }

    private void widen(NarrowFactor factor, Value result) {
        // Other products may have added results to it.
        var nest = NarrowFactor.producer(factor.read().source(), known);
        var end = NarrowFactor.end(nest);
        var ops = new ArrayList<>(nest.body().ops());
        ops.removeLast();
        var element = narrow(factor, factor.bytes().element(), factor.wide(), ops);
        var values = new ArrayList<>(end.values());
        values.add(element);
        var to = new ArrayList<>(end.to());
        to.add(end.to().get(nest.results().indexOf(factor.read().source())));
        ops.add(new NestOp.Yield(values, end.indices(), to));
        var results = new ArrayList<>(nest.results());
        results.add(result);
        var more = new NestOp.Compute(
                nest.inputs(), nest.into(), nest.axes(), nest.origin(), new Body(nest.body().params(), ops), results);
        out.replaceAll(op -> op == nest ? more : op);
        known.replace(nest, more);
    }

    private static NestOp.Compute conversion(NarrowFactor factor, Value result) {
        var source = factor.read().source();
        var ops = new ArrayList<Op>();
        var inputs = new ArrayList<>(List.of(source));
        var element = factor.bytes().element().copy();
        var axes = new ArrayList<Axis>();
        for (int i = 0; i < source.tensor().rank(); i++) axes.add(new Axis("p" + i, source.tensor().dim(i)));
        var at = axes.stream().map(axis -> Dim.symbol(axis.name())).toList();
        ops.add(new NestOp.Read(source, List.of(), Optional.empty(), at, Otherwise.PROVEN, element));
        var wide = element;
        if (factor.isDifference() && factor.bytes().offset() != null) {
            var offset = factor.bytes().offset().copy(ops, inputs, Map.of());
            var number = cast(element, offset.type().elementType(), ops);
            wide = number.copy();
            ops.add(new ArithOp.Sub(number, offset, wide));
        }
        var narrow = narrow(factor, element, wide, ops);
        ops.add(new NestOp.Yield(List.of(narrow), List.of(), List.of(at)));
        return new NestOp.Compute(inputs, List.of(), axes, List.of(), new Body(List.of(), ops), List.of(result));
    }

    /// A byte moved by 128 is one with the other top bit.
    private static Value narrow(NarrowFactor factor, Value element, Value wide, List<Op> ops) {
        if (factor.isDifference()) return cast(wide, factor.type(), ops);
        if (factor.shift() == 0) return element;
        var bits = Value.of(element.type(), "top");
        ops.add(new ArithOp.Integer(element.type().elementType().isSigned() ? -128 : 128, bits));
        var turned = element.copy();
        ops.add(new ArithOp.Xor(element, bits, turned));
        var result = Value.of(Type.scalar(factor.type()), element.hint());
        ops.add(new ArithOp.Bitcast(turned, result));
        return result;
    }

    static Value cast(Value value, ElementType type, List<Op> ops) {
        if (value.type().elementType() == type) return value;
        var result = Value.of(Type.scalar(type), value.hint());
        ops.add(new ArithOp.Cast(value, result));
        return result;
    }

    static Value integer(long number, List<Op> ops) {
        var result = Value.of(Type.scalar(ElementType.I32), "shift");
        ops.add(new ArithOp.Integer(number, result));
        return result;
    }
}
