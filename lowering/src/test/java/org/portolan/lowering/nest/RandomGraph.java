package org.portolan.lowering.nest;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.Relation;
import org.portolan.ir.Resource;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Small functions of all operations on tensors, with symbols that may be 0 or 1, and inputs for them.
final class RandomGraph extends RandomValues {
    private static final Dim A = Dim.symbol("a");
    private static final Dim B = Dim.symbol("b");

    private RandomGraph(long seed) {
        super(seed);
    }

    static GraphOp.Function of(long seed) {
        return new RandomGraph(seed).function();
    }

    /// Inputs for a function, with the symbols' numbers drawn from the seed.
    static List<Tensor> inputs(GraphOp.Function function, long seed) {
        var random = new Random(seed);
        var symbols = new HashMap<String, Long>();
        for (var symbol : function.symbols()) {
            symbols.put(symbol.name(), symbol.minimum() + random.nextLong(symbol.maximum() - symbol.minimum() + 1));
        }
        var tensors = new ArrayList<Tensor>();
        for (var param : function.body().params()) {
            long[] shape = param.tensor().dims().stream()
                    .mapToLong(dim -> dim.evaluate(symbols::get))
                    .toArray();
            tensors.add(tensor(param.tensor().element(), shape, random));
        }
        return tensors;
    }

    private static Tensor tensor(ElementType element, long[] shape, Random random) {
        int count = Math.toIntExact(LongStream.of(shape).reduce(1, (left, right) -> left * right));
        var bytes = MemorySegment.ofArray(new byte[Math.toIntExact(element.bytes(count))]);
        for (int i = 0; i < count; i++) {
            // A few values that are equal show which of them wins.
            ElementTypes.setDouble(element, bytes, i, (random.nextInt(17) - 8) / 4.0);
        }
        return Tensor.of(element, bytes, shape);
    }

    private GraphOp.Function function() {
        int minimum = random.nextInt(4) == 0 ? 0 : 1;
        var params = List.of(
                param(List.of(A, Dim.of(3), Dim.of(4), B)),
                param(List.of(A, B, Dim.of(6))),
                param(List.of(Dim.of(4), Dim.of(6))),
                param(List.of(Dim.ONE, Dim.of(4), Dim.of(5), Dim.of(6))),
                param(List.of(B)));
        values.addAll(params);
        int count = 4 + random.nextInt(14);
        for (int i = 0; i < count; i++) {
            step();
        }
        var returned = new ArrayList<Value>();
        var last = values.reversed().stream().limit(1 + random.nextInt(3)).toList();
        for (var value : last) {
            if (!params.contains(value)) {
                returned.add(value);
            }
        }
        if (!numbers.isEmpty()) {
            returned.add(numbers.getLast());
        }
        if (returned.isEmpty()) {
            returned.add(unary(params.getFirst()));
        }
        ops.add(new GraphOp.Return(returned));
        var symbols = List.of(new SymbolRange("a", minimum, 3), new SymbolRange("b", minimum, 5));
        return new GraphOp.Function("f", symbols, new Body(params, ops));
    }

    private void step() {
        var value = pick();
        int rank = value.tensor().rank();
        if (rank == 0 || rank > 5) {
            unary(value);
            return;
        }
        switch (random.nextInt(26)) {
            case 0, 1 -> unary(value);
            case 2, 3 -> binary(value);
            case 4 -> transpose(value);
            case 5 -> reshape(value);
            case 6 -> slice(value);
            case 7 -> concat(value);
            case 8 -> pad(value);
            case 9, 10 -> matMul(value);
            case 11 -> convolution(false);
            case 12 -> convolution(true);
            case 13 -> pool();
            case 14 -> reduce(value);
            case 15 -> softmax(value);
            case 16 -> normalise(value);
            case 17 -> argReduce(value);
            case 18 -> scan(value);
            case 19 -> gather(value);
            case 20 -> gatherElements(value);
            case 21 -> scatter(value);
            case 22 -> gatherNd(value);
            case 23 -> branch(value);
            case 24 -> loop(value);
            default -> iota(value);
        }
    }

    private void scan(Value value) {
        var combine = random.nextBoolean() ? Combine.SUM : Combine.MAXIMUM;
        var result = value(ElementType.F32, value.tensor().dims());
        add(new GraphOp.Scan(value, combine, axis(value), random.nextBoolean(), random.nextBoolean(), result), result);
    }

    private Value map(List<Value> inputs, ElementType element, Function<List<Value>, List<ArithOp>> body) {
        var params = inputs.stream()
                .map(input -> Value.of(Type.scalar(input.tensor().element())))
                .toList();
        var inner = new ArrayList<Op>(body.apply(params));
        inner.add(new GraphOp.Yield(List.of(((ArithOp) inner.getLast()).result())));
        var result = value(element, inputs.getFirst().tensor().dims());
        return add(new GraphOp.Map(inputs, new Body(params, inner), result), result);
    }

    private Value unary(Value value) {
        return map(List.of(value), ElementType.F32, params -> {
            var operand = params.getFirst();
            var result = Value.of(operand.type());
            var one = Value.of(operand.type());
            var shifted = Value.of(operand.type());
            return switch (random.nextInt(5)) {
                case 0 -> List.of(new ArithOp.Tanh(operand, result));
                case 1 -> List.of(new ArithOp.Abs(operand, result));
                case 2 -> List.of(new ArithOp.Neg(operand, result));
                case 3 -> List.of(new ArithOp.Const(1, one), new ArithOp.Sub(operand, one, result));
                default ->
                    List.of(
                            new ArithOp.Const(0.5, one),
                            new ArithOp.Mul(operand, one, shifted),
                            new ArithOp.Floor(shifted, result));
            };
        });
    }

    private Value binary(Value left) {
        var right = random.nextInt(3) == 0 ? broadcastOf(left) : like(left);
        return map(List.of(left, right), ElementType.F32, params -> arithmetic(params.get(0), params.get(1)));
    }

    private List<ArithOp> arithmetic(Value left, Value right) {
        var result = Value.of(left.type());
        var truth = Value.of(Type.BOOL);
        return switch (random.nextInt(5)) {
            case 0 -> List.of(new ArithOp.Add(left, right, result));
            case 1 -> List.of(new ArithOp.Sub(left, right, result));
            case 2 -> List.of(new ArithOp.Mul(left, right, result));
            case 3 -> List.of(new ArithOp.Max(left, right, result));
            default ->
                List.of(
                        new ArithOp.Compare(left, right, Relation.LESS, truth),
                        new ArithOp.Select(truth, right, left, result));
        };
    }

    /// Another value of the same extents, or the same.
    private Value like(Value value) {
        var other = pick(
                candidate -> candidate.tensor().dims().equals(value.tensor().dims()));
        return other == null ? value : other;
    }

    /// A constant, or a reduced value, of the same extents.
    private Value broadcastOf(Value value) {
        var dims = new ArrayList<>(value.tensor().dims());
        Value source;
        if (random.nextBoolean()) {
            int axis = axis(value);
            source = keepAxis(reduceOver(value, List.of((long) axis), Combine.MAXIMUM), axis);
        } else {
            source = value(ElementType.F32, random.nextBoolean() ? List.of() : lastOnly(dims));
            ops.add(new GraphOp.Constant(new Resource.Random(random.nextInt(100)), source));
        }
        var result = value(ElementType.F32, dims);
        return add(new GraphOp.Broadcast(source, result), result);
    }

    private static List<Dim> lastOnly(List<Dim> dims) {
        return dims.getLast().isConstant() ? List.of(dims.getLast()) : List.of(Dim.ONE);
    }

    private Value keepAxis(Value value, int axis) {
        var dims = new ArrayList<>(value.tensor().dims());
        dims.add(axis, Dim.ONE);
        var result = value(value.tensor().element(), dims);
        return add(new GraphOp.Reshape(value, result), result);
    }

    private Value reduceOver(Value value, List<Long> axes, Combine combine) {
        var dims = new ArrayList<Dim>();
        for (int i = 0; i < value.tensor().rank(); i++) {
            if (!axes.contains((long) i)) {
                dims.add(value.tensor().dim(i));
            }
        }
        var result = value(ElementType.F32, dims);
        return add(new GraphOp.Reduce(value, combine, axes, ElementType.F32, result), result);
    }

    private void reduce(Value value) {
        var axes = new ArrayList<Long>();
        for (long axis = 0; axis < value.tensor().rank(); axis++) {
            if (random.nextInt(3) == 0) {
                axes.add(axis);
            }
        }
        var combines = List.of(Combine.SUM, Combine.MAXIMUM, Combine.MINIMUM, Combine.PRODUCT);
        reduceOver(value, axes, combines.get(random.nextInt(4)));
    }

    private Value along(Value value, int axis, Combine combine) {
        var kept = keepAxis(reduceOver(value, List.of((long) axis), combine), axis);
        var result = value(ElementType.F32, value.tensor().dims());
        return add(new GraphOp.Broadcast(kept, result), result);
    }

    private Value binary(Value left, Value right, NestBuilder.BinaryOp operation) {
        return map(List.of(left, right), ElementType.F32, params -> {
            var result = Value.of(params.getFirst().type());
            return List.of(operation.of(params.get(0), params.get(1), result));
        });
    }

    private void softmax(Value value) {
        int axis = axis(value);
        var shifted = binary(value, along(value, axis, Combine.MAXIMUM), ArithOp.Sub::new);
        var exponentials = map(
                List.of(shifted),
                ElementType.F32,
                params -> List.of(new ArithOp.Exp(
                        params.getFirst(), Value.of(params.getFirst().type()))));
        binary(exponentials, along(exponentials, axis, Combine.SUM), ArithOp.Div::new);
    }

    private void normalise(Value value) {
        int axis = axis(value);
        var centred = binary(value, along(value, axis, Combine.SUM), ArithOp.Sub::new);
        var squares = binary(centred, centred, ArithOp.Mul::new);
        var sum = along(squares, axis, Combine.SUM);
        binary(centred, sum, (left, right, result) -> new ArithOp.Max(left, right, result));
    }

    private void transpose(Value value) {
        var order = new ArrayList<>(
                LongStream.range(0, value.tensor().rank()).boxed().toList());
        Collections.shuffle(order, random);
        transpose(value, order);
    }

    private Value transpose(Value value, List<Long> order) {
        var dims = order.stream()
                .map(axis -> value.tensor().dim(Math.toIntExact(axis)))
                .toList();
        var result = value(value.tensor().element(), dims);
        return add(new GraphOp.Transpose(value, order, result), result);
    }

    private void reshape(Value value) {
        var dims = new ArrayList<>(value.tensor().dims());
        int axis = random.nextInt(dims.size());
        switch (random.nextInt(4)) {
            case 0 -> dims.add(axis, Dim.ONE);
            case 1 -> {
                if (axis + 1 < dims.size()) {
                    dims.set(axis, dims.get(axis).times(dims.remove(axis + 1)));
                }
            }
            case 2 -> {
                if (dims.get(axis).isConstant(6)) {
                    dims.set(axis, Dim.of(2));
                    dims.add(axis + 1, Dim.of(3));
                } else if (dims.get(axis).isConstant(4)) {
                    dims.set(axis, Dim.of(2));
                    dims.add(axis + 1, Dim.of(2));
                }
            }
            default -> {
                var all = Dim.product(dims);
                dims.clear();
                dims.add(all);
            }
        }
        var result = value(ElementType.F32, dims);
        add(new GraphOp.Reshape(value, result), result);
    }

    private void slice(Value value) {
        var starts = new ArrayList<>(Collections.nCopies(value.tensor().rank(), Dim.ZERO));
        var steps = new ArrayList<>(Collections.nCopies(value.tensor().rank(), Dim.ONE));
        var dims = new ArrayList<>(value.tensor().dims());
        int axis = axis(value);
        var extent = dims.get(axis);
        if (extent instanceof Dim.Constant(long number) && number > 1 && random.nextBoolean()) {
            starts.set(axis, Dim.ONE);
            boolean wide = random.nextBoolean();
            steps.set(axis, Dim.of(wide ? 2 : 1));
            dims.set(axis, Dim.of(wide ? number / 2 : number - 1));
        } else {
            starts.set(axis, extent.minus(1));
            steps.set(axis, Dim.of(-1));
        }
        var result = value(ElementType.F32, dims);
        add(new GraphOp.Slice(value, starts, steps, result), result);
    }

    private void concat(Value value) {
        int axis = axis(value);
        var other = like(value);
        var dims = new ArrayList<>(value.tensor().dims());
        dims.set(axis, dims.get(axis).times(2));
        var result = value(ElementType.F32, dims);
        add(new GraphOp.Concat(List.of(value, other), axis, result), result);
    }

    private void pad(Value value) {
        var modes = GraphOp.PadMode.values();
        var mode = modes[random.nextInt(modes.length)];
        var low = new ArrayList<>(Collections.nCopies(value.tensor().rank(), Dim.ZERO));
        var dims = new ArrayList<>(value.tensor().dims());
        int axis = axis(value);
        boolean anySize = mode == GraphOp.PadMode.CONSTANT || dims.get(axis).isConstant();
        low.set(axis, Dim.of(anySize ? random.nextInt(3) : 0));
        dims.set(axis, dims.get(axis).plus(low.get(axis)).plus(anySize ? random.nextInt(2) : 0));
        var other = Optional.<Value>empty();
        if (mode == GraphOp.PadMode.CONSTANT && random.nextBoolean()) {
            var scalar = value(ElementType.F32, List.of());
            ops.add(new GraphOp.Constant(new Resource.Splat(-1.5), scalar));
            other = Optional.of(scalar);
        }
        var result = value(ElementType.F32, dims);
        add(new GraphOp.Pad(value, other, low, mode, result), result);
    }

    private void matMul(Value value) {
        int rank = value.tensor().rank();
        if (rank < 2) {
            unary(value);
            return;
        }
        var dims = value.tensor().dims();
        Value right;
        if (dims.getLast().isConstant() && random.nextBoolean()) {
            var weights = value(ElementType.F32, List.of(dims.getLast(), Dim.of(5)));
            ops.add(new GraphOp.Constant(new Resource.Random(random.nextInt(100)), weights));
            var wide = new ArrayList<>(dims.subList(0, rank - 2));
            wide.addAll(weights.tensor().dims());
            right = value(ElementType.F32, wide);
            add(new GraphOp.Broadcast(weights, right), right);
        } else {
            var order = new ArrayList<>(LongStream.range(0, rank - 2).boxed().toList());
            order.add(rank - 1L);
            order.add(rank - 2L);
            right = transpose(like(value), order);
        }
        var product = new ArrayList<>(dims.subList(0, rank - 1));
        product.add(right.tensor().dims().getLast());
        var result = value(ElementType.F32, product);
        add(new GraphOp.MatMul(value, right, ElementType.F64, result), result);
    }

    private static boolean isImage(Value value) {
        return value.tensor().rank() == 4 && value.tensor().dim(1).isConstant();
    }

    private void convolution(boolean transposed) {
        var image = pick(RandomGraph::isImage);
        var dims = image.tensor().dims();
        long channels = dims.get(1).constant().getAsLong();
        long groups = channels % 2 == 0 && random.nextBoolean() ? 2 : 1;
        long stride = 1 + random.nextInt(2);
        var weights = value(
                ElementType.F32,
                transposed ? Dim.list(channels, 2, 3, 3) : Dim.list(2 * groups, channels / groups, 3, 3));
        ops.add(new GraphOp.Constant(new Resource.Random(random.nextInt(100)), weights));
        var strides = List.of(stride, stride);
        var dilations = List.of(1L, 1L);
        var low = Dim.list(1, 1);
        var batch = dims.get(0);
        var outputs = Dim.of(2 * groups);
        if (transposed) {
            var result = value(
                    ElementType.F32,
                    List.of(
                            batch,
                            outputs,
                            dims.get(2).times(stride),
                            dims.get(3).times(stride)));
            add(
                    new GraphOp.ConvolutionTranspose(
                            image, weights, strides, dilations, low, groups, ElementType.F32, result),
                    result);
            return;
        }
        var result = value(
                ElementType.F32,
                List.of(
                        batch,
                        outputs,
                        dims.get(2).minus(1).floorDivide(stride).plus(1),
                        dims.get(3).minus(1).floorDivide(stride).plus(1)));
        add(new GraphOp.Convolution(image, weights, strides, dilations, low, groups, ElementType.F32, result), result);
    }

    private void pool() {
        var image = pick(value -> value.tensor().rank() >= 3);
        int spatial = image.tensor().rank() - 2;
        boolean padded = random.nextBoolean();
        var window = Collections.nCopies(spatial, padded ? 3L : 2L);
        var strides = Collections.nCopies(spatial, 2L);
        var dilations = Collections.nCopies(spatial, 1L);
        var low = Collections.nCopies(spatial, padded ? Dim.ONE : Dim.ZERO);
        var dims = new ArrayList<>(image.tensor().dims().subList(0, 2));
        IntStream.range(2, spatial + 2)
                .mapToObj(image.tensor()::dim)
                .forEach(extent ->
                        dims.add(padded ? extent.minus(1).floorDivide(2).plus(1) : extent.floorDivide(2)));
        if (random.nextBoolean()) {
            var result = value(ElementType.F32, dims);
            var combine = random.nextBoolean() ? Combine.MAXIMUM : Combine.SUM;
            add(new GraphOp.Pool(image, combine, window, strides, dilations, low, result), result);
        } else {
            var result = value(ElementType.I64, dims);
            add(new GraphOp.PoolPosition(image, window, strides, dilations, low, random.nextBoolean(), result), result);
        }
    }

    private void argReduce(Value value) {
        int axis = axis(value);
        var dims = new ArrayList<>(value.tensor().dims());
        dims.remove(axis);
        var result = value(ElementType.I64, dims);
        add(new GraphOp.ArgReduce(value, random.nextBoolean(), axis, random.nextBoolean(), result), result);
    }

    /// Indices below an extent, some counted from the end; the extent must not be 0 where any are used.
    private Value indices(List<Dim> dims, Dim extent) {
        var iota = value(ElementType.I64, dims);
        ops.add(new GraphOp.Iota(random.nextInt(dims.size()), iota));
        var size = value(ElementType.I64, List.of());
        ops.add(new GraphOp.Dims(List.of(extent), size));
        var wide = value(ElementType.I64, dims);
        ops.add(new GraphOp.Broadcast(size, wide));
        boolean fromEnd = random.nextBoolean();
        var params = List.of(Value.of(Type.scalar(ElementType.I64)), Value.of(Type.scalar(ElementType.I64)));
        var rest = Value.of(Type.scalar(ElementType.I64));
        var shifted = Value.of(Type.scalar(ElementType.I64));
        var inner = List.<Op>of(
                new ArithOp.Mod(params.get(0), params.get(1), rest),
                new ArithOp.Sub(rest, params.get(1), shifted),
                new GraphOp.Yield(List.of(fromEnd ? shifted : rest)));
        var result = value(ElementType.I64, dims);
        ops.add(new GraphOp.Map(List.of(iota, wide), new Body(params, inner), result));
        return result;
    }

    private void gather(Value value) {
        int axis = axis(value);
        var indices = indices(List.of(Dim.of(2), B), value.tensor().dim(axis));
        var dims = new ArrayList<>(value.tensor().dims());
        dims.remove(axis);
        dims.addAll(axis, indices.tensor().dims());
        var result = value(ElementType.F32, dims);
        add(new GraphOp.Gather(value, indices, axis, result), result);
    }

    private void gatherElements(Value value) {
        int axis = axis(value);
        var dims = new ArrayList<>(value.tensor().dims());
        var indices = indices(dims, dims.get(axis));
        var result = value(ElementType.F32, dims);
        add(new GraphOp.GatherElements(value, indices, axis, result), result);
    }

    private void gatherNd(Value value) {
        var first = value.tensor().dim(0);
        var indices = indices(List.of(B, Dim.ONE), first);
        var dims = new ArrayList<>(value.tensor().dims());
        dims.set(0, B);
        var result = value(ElementType.F32, dims);
        add(new GraphOp.GatherNd(value, indices, 0, result), result);
    }

    /// Replaces with indices that are all different, or combines.
    private void scatter(Value value) {
        int axis = axis(value);
        var dims = value.tensor().dims();
        var result = value(ElementType.F32, dims);
        var combine = random.nextInt(3) == 0
                ? Optional.<Combine>empty()
                : Optional.of(random.nextBoolean() ? Combine.MAXIMUM : Combine.SUM);
        if (random.nextBoolean()) {
            var indices = value(ElementType.I64, dims);
            ops.add(new GraphOp.Iota(axis, indices));
            add(new GraphOp.ScatterElements(value, indices, like(value), axis, combine, result), result);
        } else {
            var indices = value(ElementType.I64, List.of(dims.getFirst(), Dim.ONE));
            ops.add(new GraphOp.Iota(0, indices));
            add(new GraphOp.ScatterNd(value, indices, like(value), combine, result), result);
        }
    }

    private void branch(Value value) {
        var condition = value(ElementType.BOOL, List.of());
        ops.add(new GraphOp.Constant(new Resource.SplatInteger(random.nextInt(2)), condition));
        var yes = body(value);
        var no = body(value);
        var result = value(ElementType.F32, value.tensor().dims());
        add(new GraphOp.If(condition, yes, no, List.of(result)), result);
    }

    /// Two operations on a value of the body around.
    private Body body(Value value) {
        return within(() -> List.of(binary(unary(value), value, ArithOp.Sub::new)));
    }

    private Body within(Supplier<List<Value>> yields) {
        int visible = values.size();
        int start = ops.size();
        var results = yields.get();
        var inner = new ArrayList<>(ops.subList(start, ops.size()));
        ops.subList(start, ops.size()).clear();
        values.subList(visible, values.size()).clear();
        inner.add(new GraphOp.Yield(results));
        return new Body(List.of(), inner);
    }

    private void loop(Value value) {
        var trips = value(ElementType.I64, List.of());
        ops.add(new GraphOp.Constant(new Resource.SplatInteger(random.nextInt(3)), trips));
        var iteration = value(ElementType.I64, List.of());
        var condition = value(ElementType.BOOL, List.of());
        var carried = value(ElementType.F32, value.tensor().dims());
        var body = within(() -> {
            var next = binary(unary(carried), value, ArithOp.Add::new);
            return List.of(condition, next, next);
        });
        var symbol = "t" + names;
        var dims = new ArrayList<>(value.tensor().dims());
        dims.addFirst(Dim.symbol(symbol));
        var last = value(ElementType.F32, value.tensor().dims());
        var stacked = value(ElementType.F32, dims);
        var params = List.of(iteration, condition, carried);
        var loop = new GraphOp.Loop(
                Optional.of(trips),
                Optional.empty(),
                List.of(value),
                symbol,
                new Body(params, body.ops()),
                List.of(last, stacked));
        add(loop, last);
        values.add(stacked);
    }

    private void iota(Value value) {
        var counted = value(ElementType.F32, value.tensor().dims());
        add(new GraphOp.Iota(axis(value), counted), counted);
    }
}
