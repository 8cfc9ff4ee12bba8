package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes one nest. An axis of extent 1 is no axis: its index is 0.
final class NestBuilder {
    private final FunctionSymbols symbols;
    private final AxisNames names;
    private final List<Axis> axes = new ArrayList<>();
    private final Set<Value> inputs = new LinkedHashSet<>();
    private List<Op> ops = new ArrayList<>();
    private DimBounds bounds;

    NestBuilder(FunctionSymbols symbols) {
        this.symbols = symbols;
        this.names = new AxisNames(symbols.names());
    }

    /// A new axis as an index expression.
    Dim axis(String wish, Dim extent) {
        if (extent.isConstant(1)) {
            return Dim.ZERO;
        }
        var axis = new Axis(names.fresh(wish), extent);
        axes.add(axis);
        bounds = null;
        return axis.index();
    }

    /// One axis for each extent, called by a letter and its position.
    List<Dim> axes(String letter, List<Dim> extents) {
        var indices = new ArrayList<Dim>(extents.size());
        for (int i = 0; i < extents.size(); i++) {
            indices.add(axis(letter + i, extents.get(i)));
        }
        return indices;
    }

    /// The names of those of the index expressions that are axes.
    static List<String> over(List<Dim> indices) {
        return indices.stream().flatMap(index -> index.symbolName().stream()).toList();
    }

    static List<String> over(Dim... indices) {
        return over(Arrays.asList(indices));
    }

    /// What is known about index expressions over the axes so far.
    DimBounds bounds() {
        if (bounds == null) {
            bounds = symbols.bounds().withAxes(axes);
        }
        return bounds;
    }

    Dim simplify(Dim index) {
        return bounds().simplify(index);
    }

    void emit(Op op) {
        ops.add(op);
    }

    /// The element at an index that lies inside by the meaning of the operation.
    Value read(Value source, List<Dim> at) {
        return read(source, List.of(), Optional.empty(), at, Otherwise.PROVEN);
    }

    /// The element at an index, or what {@code otherwise} says unless the index is proven to lie inside.
    Value read(Value source, List<Value> indices, Optional<Value> other, List<Dim> at, Otherwise otherwise) {
        if (otherwise != Otherwise.ERROR && source.tensor().dims().stream().anyMatch(extent -> extent.isConstant(0))) {
            // A scalar that no axis changes is computed even where nothing needs it.
            return other.orElseGet(() -> zero(source.tensor().element()));
        }
        boolean proven =
                otherwise == Otherwise.PROVEN || inside(at, source.tensor().dims());
        inputs.add(source);
        var result = Value.of(Type.scalar(source.tensor().element()));
        emit(new NestOp.Read(
                source, indices, proven ? Optional.empty() : other, at, proven ? Otherwise.PROVEN : otherwise, result));
        return result;
    }

    boolean inside(List<Dim> at, List<Dim> dims) {
        var bounds = bounds();
        for (int axis = 0; axis < at.size(); axis++) {
            if (!bounds.isWithin(at.get(axis), dims.get(axis))) {
                return false;
            }
        }
        return true;
    }

    /// An index expression as a number.
    Value index(Dim value) {
        return index(List.of(), value);
    }

    Value index(List<Value> operands, Dim value) {
        var result = Value.of(Type.INDEX);
        emit(new NestOp.Index(operands, value, result));
        return result;
    }

    Value number(double value, ElementType element) {
        var result = Value.of(Type.scalar(element));
        emit(new ArithOp.Const(value, result));
        return result;
    }

    Value integer(long value, ElementType element) {
        var result = Value.of(Type.scalar(element));
        emit(new ArithOp.Integer(value, result));
        return result;
    }

    Value zero(ElementType element) {
        return element.isFloat() ? number(0, element) : integer(0, element);
    }

    Value cast(Value value, ElementType element) {
        if (value.type().elementType() == element) {
            return value;
        }
        var result = Value.of(Type.scalar(element));
        emit(new ArithOp.Cast(value, result));
        return result;
    }

    /// An operation of two operands and a result of the same type.
    interface BinaryOp {
        ArithOp of(Value left, Value right, Value result);
    }

    Value binary(BinaryOp operation, Value left, Value right) {
        var result = Value.of(left.type());
        emit(operation.of(left, right, result));
        return result;
    }

    Value compare(Value left, Relation relation, Value right) {
        var result = Value.of(Type.BOOL);
        emit(new ArithOp.Compare(left, right, relation, result));
        return result;
    }

    Value select(Value condition, Value yes, Value no) {
        var result = Value.of(yes.type());
        emit(new ArithOp.Select(condition, yes, no, result));
        return result;
    }

    /// The body's operations with arguments for its parameters; gives what it yields.
    List<Value> inline(Body body, List<Value> arguments) {
        return new Rewriter().inline(body, arguments, ops);
    }

    Value sum(Value value, List<String> over) {
        if (over.isEmpty()) {
            return value;
        }
        var result = Value.of(value.type());
        emit(new NestOp.Sum(value, over, result));
        return result;
    }

    /// What combines accumulators with values.
    interface Combiner {
        List<Value> combine(List<Value> accumulators, List<Value> values);
    }

    List<Value> reduce(List<Value> values, List<Value> initial, List<String> over, Combiner combiner) {
        if (over.isEmpty()) {
            return values;
        }
        var accumulators = initial.stream().map(Value::copy).toList();
        var elements = values.stream().map(value -> Value.of(value.type())).toList();
        var around = ops;
        ops = new ArrayList<>();
        var combined = combiner.combine(accumulators, elements);
        emit(new NestOp.Yield(combined, List.of(), List.of()));
        var params = new ArrayList<>(accumulators);
        params.addAll(elements);
        var body = new Body(params, ops);
        ops = around;
        var results = initial.stream().map(value -> Value.of(value.type())).toList();
        emit(new NestOp.Reduce(values, initial, over, body, results));
        return results;
    }

    /// The nest that stores one value for each of its points.
    NestOp.Compute store(Value value, List<Dim> to, Value result) {
        return store(List.of(), value, List.of(), to, result);
    }

    NestOp.Compute store(List<Value> into, Value value, List<Value> indices, List<Dim> to, Value result) {
        emit(new NestOp.Yield(List.of(value), indices, List.of(to)));
        var origin = result.hint().isEmpty() ? List.<String>of() : List.of(result.hint());
        return new NestOp.Compute(List.copyOf(inputs), into, axes, origin, new Body(List.of(), ops), List.of(result));
    }
}
