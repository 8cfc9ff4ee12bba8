package org.portolan.lowering;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Puts numbers in the place of a function's symbols.
public final class FixedShapes {
    private final Map<String, Dim> numbers;
    private final Map<Value, Value> values = new IdentityHashMap<>();

    private FixedShapes(Map<String, Dim> numbers) {
        this.numbers = numbers;
    }

    /// The function for inputs of these extents.
    ///
    /// @param shapes extents by the name of the input
    /// @throws CompileException if an input is not there or cannot have these extents
    public static GraphOp.Function apply(GraphOp.Function function, Map<String, List<Long>> shapes) {
        if (shapes.isEmpty()) {
            return function;
        }
        var numbers = numbers(function, shapes);
        var fixed = new FixedShapes(numbers);
        var symbols = function.symbols().stream()
                .filter(symbol -> !numbers.containsKey(symbol.name()))
                .toList();
        return new GraphOp.Function(function.name(), symbols, fixed.body(function.body()));
    }

    private static Map<String, Dim> numbers(GraphOp.Function function, Map<String, List<Long>> shapes) {
        var params = new HashMap<String, Value>();
        function.body().params().forEach(param -> params.put(param.hint(), param));
        var numbers = new HashMap<String, Dim>();
        shapes.forEach((name, extents) -> {
            var param = params.get(name);
            if (param == null) {
                throw new CompileException("there is no input '" + name + "' to fix the shape of; the inputs are "
                        + function.body().params().stream().map(Value::hint).toList());
            }
            if (!(param.type() instanceof Type.Tensor tensor) || tensor.rank() != extents.size()) {
                throw new CompileException(
                        "input '" + name + "' is of type " + param.type() + " and cannot have the extents " + extents);
            }
            for (int axis = 0; axis < extents.size(); axis++) {
                var extent = Dim.of(extents.get(axis));
                var old = tensor.dim(axis).symbolName().map(symbol -> numbers.putIfAbsent(symbol, extent));
                if (old.isPresent() && !old.get().equals(extent)) {
                    throw new CompileException("input '" + name + "', axis " + axis + ": the extent " + tensor.dim(axis)
                            + " is " + old.get() + " elsewhere and cannot be " + extent);
                }
            }
        });
        checkRanges(function, numbers);
        shapes.forEach((name, extents) -> checkExtents(name, params.get(name).tensor(), extents, numbers));
        return numbers;
    }

    private static void checkRanges(GraphOp.Function function, Map<String, Dim> numbers) {
        for (var symbol : function.symbols()) {
            var number = numbers.get(symbol.name());
            if (number != null) {
                long value = number.constant().orElseThrow();
                if (value < symbol.minimum() || value > symbol.maximum()) {
                    throw new CompileException("the extent " + symbol.name() + " can be " + symbol.minimum() + " to "
                            + symbol.maximum() + " and not " + value);
                }
            }
        }
    }

    private static void checkExtents(String name, Type.Tensor tensor, List<Long> extents, Map<String, Dim> numbers) {
        for (int axis = 0; axis < extents.size(); axis++) {
            var extent = tensor.dim(axis).substitute(numbers::get);
            if (!extent.isConstant(extents.get(axis))) {
                throw new CompileException("input '" + name + "', axis " + axis + ": the extent is " + tensor.dim(axis)
                        + " and cannot be fixed to " + extents.get(axis));
            }
        }
    }

    private Body body(Body body) {
        var params = body.params().stream().map(this::define).toList();
        var ops = new ArrayList<Op>(body.ops().size());
        body.ops().forEach(op -> ops.add(op(op)));
        return new Body(params, ops);
    }

    private Op op(Op op) {
        var schema = OpSchema.of(op);
        return schema.create(schema.components().stream()
                .map(component -> {
                    var part = OpSchema.get(component, op);
                    return switch (component.role()) {
                        case OPERAND -> use(part);
                        case OPERAND_LIST -> ((List<?>) part).stream().map(this::use).toList();
                        case OPERAND_OPTIONAL -> ((Optional<?>) part).map(this::use);
                        case RESULT -> define((Value) part);
                        case RESULT_LIST -> ((List<?>) part).stream().map(value -> define((Value) value)).toList();
                        case BODY -> body((Body) part);
                        case ATTRIBUTE -> attribute(part);
                    };
                })
                .toArray());
    }

    private Value use(Object value) {
        return values.getOrDefault((Value) value, (Value) value);
    }

    private Object attribute(Object attribute) {
        return switch (attribute) {
            case Dim expression -> expression.substitute(numbers::get);
            case Axis(var name, var extent) -> new Axis(name, extent.substitute(numbers::get));
            case List<?> list -> list.stream().map(this::attribute).toList();
            default -> attribute;
        };
    }

    private Value define(Value value) {
        var fixed = Value.of(type(value.type()), value.hint());
        values.put(value, fixed);
        return fixed;
    }

    private Type type(Type type) {
        return switch (type) {
            case Type.Tensor tensor ->
                tensor.withDims(tensor.dims().stream()
                        .map(extent -> extent.substitute(numbers::get))
                        .toList());
            case Type.Sequence(var item) -> new Type.Sequence(type(item));
            case Type.Maybe(var item) -> new Type.Maybe(type(item));
            case Type.Scalar _, Type.Vector _, Type.Mask _, Type.Buffer _, Type.Ring _, Type.Fragment _ -> type;
        };
    }
}
