package org.portolan.lowering.nest;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
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

    private record Form(ElementType type, long shift, List<Integer> order) {}

    /// A narrow tensor, and for each of its axes that of the tensor in whose place it stands.
    record Narrow(Value tensor, List<Integer> order) {
        List<Dim> at(List<Dim> places) {
            return order.stream().map(places::get).toList();
        }
    }

    /// @param out the operations before the product, to which those that are needed are added
    NarrowTensors(KnownTensors known, List<Op> out) {
        this.known = known;
        this.out = out;
    }

    /// @param order the axes of the factor's tensor in the order in which they are to lie; another one only if it is known
    Narrow of(NarrowFactor factor, List<Integer> order) {
        return new Narrow(tensor(factor, order), order);
    }

    private Value tensor(NarrowFactor factor, List<Integer> order) {
        var source = factor.read().source();
        boolean constant = factor.elements() == null || known.definition(source) instanceof GraphOp.Constant;
        if (factor.isThere() && constant && isAsBefore(order)) return source;
        boolean sharable = factor.producer() != null
                || factor.bytes() == null
                || factor.bytes().offset() == null
                || !factor.isDifference();
        var existing = narrowed.computeIfAbsent(source, _ -> new HashMap<>());
        var form = new Form(factor.type(), factor.shift(), order);
        if (sharable && existing.get(form) instanceof Value tensor) return tensor;
        var dims = order.stream().map(source.tensor()::dim).toList();
        var result = Value.of(new Type.Tensor(factor.type(), dims), source.hint() + "_narrow");
        if (factor.elements() != null) {
            add(KnownTensors.constant(moved(factor.elements(), factor.type(), factor.shift(), order), result));
        } else if (factor.producer() != null) {
            widen(factor, result);
        } else {
            addFolded(conversion(factor, result));
        }
        if (sharable) existing.put(form, result);
        return result;
    }

    static boolean isAsBefore(List<Integer> order) {
        return IntStream.range(0, order.size()).allMatch(i -> order.get(i) == i);
    }

    /// Elements moved by a number, with their axes in another order.
    private static Tensor moved(Tensor elements, ElementType type, long shift, List<Integer> order) {
        int count = Math.toIntExact(elements.elements());
        int rank = order.size();
        var strides = new long[rank];
        var shape = new long[rank];
        for (int i = 0; i < rank; i++) {
            shape[i] = elements.shape()[order.get(i)];
            strides[i] = 1;
            for (int j = order.get(i) + 1; j < rank; j++) strides[i] *= elements.shape()[j];
        }
        var bytes = new byte[type.bits() == 8 ? count : 0];
        var shorts = new short[type.bits() == 16 ? count : 0];
        var at = new long[rank];
        long from = 0;
        for (int i = 0; i < count; i++) {
            long element = elements.getLong(from) + shift;
            if (type.bits() == 8) bytes[i] = (byte) element;
            else shorts[i] = (short) element;
            for (int axis = rank - 1; axis >= 0; axis--) {
                from += strides[axis];
                if (++at[axis] < shape[axis]) break;
                from -= strides[axis] * shape[axis];
                at[axis] = 0;
            }
        }
        return type.bits() == 8 ? Tensor.of(type, ByteBuffer.wrap(bytes), shape) : Tensor.of(shorts, shape);
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
