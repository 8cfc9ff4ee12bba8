package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Operators that take a state and hand it out again: caches, short convolutions and recurrent attention of language
/// models.
final class StateOperators {
    static final List<Operator> ROWS = List.of(
            since(24, "TensorScatter", StateOperators::tensorScatter),
            several(27, "CausalConvWithState", StateOperators::causalConvolution),
            several(27, "LinearAttention", StateOperators::linearAttention));

    private StateOperators() {}

    /// The cache with the updates written one after the other along an axis, for each of the batch from a place of its
    /// own; circular caches begin again at their end.
    private static Operand tensorScatter(Call call) {
        var writer = call.writer();
        var cache = call.input(0);
        var update = call.input(1);
        int axis = call.axis(call.integer("axis", -2), cache.rank());
        if (axis == 0 || update.rank() != cache.rank()) {
            throw call.error("axis %d, a cache %s and an update %s do not fit: the first axis is the batch"
                    .formatted(axis, cache.type(), update.type()));
        }
        for (int other = 0; other < cache.rank(); other++) {
            if (other != axis) writer.equal(cache.dim(other), update.dim(other), "cache and update");
        }
        boolean circular = switch (call.text("mode", "linear")) {
            case "linear" -> false;
            case "circular" -> true;
            default -> throw call.error("mode '%s'".formatted(call.text("mode", "")));
        };
        var column = new ArrayList<>(Collections.nCopies(cache.rank(), Dim.ONE));
        column.set(0, cache.dim(0));
        var starts = call.optional(2)
                .map(given -> writer.reshape(given, column))
                .orElseGet(() -> writer.filled(ElementType.I64, column, 0));
        var line = new ArrayList<>(Collections.nCopies(cache.rank(), Dim.ONE));
        line.set(axis, update.dim(axis));
        var places = writer.mapTo(
                update.dims(),
                ElementType.I64,
                List.of(starts, writer.iota(ElementType.I64, line, axis), writer.extent(cache.dim(axis))),
                (s, v) -> {
                    var place = s.add(v.get(0), v.get(1));
                    return circular ? s.mod(place, v.get(2)) : place;
                });
        return writer.add(
                new GraphOp.ScatterElements(
                        cache.value(),
                        places.value(),
                        update.value(),
                        axis,
                        Optional.empty(),
                        writer.fresh(cache.element(), cache.dims())),
                GraphOp.ScatterElements::result);
    }

    /// A convolution of each channel with what came before, of which the last elements are the next state.
    private static List<Operand> causalConvolution(Call call) {
        var writer = call.writer();
        var x = call.input(0);
        var weights = call.input(1);
        if (x.rank() != 3 || weights.rank() != 3) {
            throw call.error("expected an input [n, channels, length] and weights [channels, 1, window], found %s and %s"
                    .formatted(x.type(), weights.type()));
        }
        long channels = x.dim(1)
                .constant()
                .orElseThrow(() -> new Unsupported("the number of channels is known only at run time"));
        if (channels < 1) throw call.error("an input %s without channels".formatted(x.type()));
        writer.equal(weights.dim(0), x.dim(1), "channels of the weights");
        writer.equal(weights.dim(1), Dim.ONE, "channels of each window");
        writer.check(weights.dim(2), Relation.GREATER, Dim.ZERO, "a window must have a length");
        var window = weights.dim(2).minus(1);
        var memory = call.optional(3)
                .map(given -> writer.equal(given.dim(2), window, "the state must be as long as a window less one"))
                .orElse(window);
        var past = call.optional(3)
                .orElseGet(() -> writer.filled(x.element(), List.of(x.dim(0), x.dim(1), memory), 0));
        if (past.rank() != 3) throw call.error("expected a state [n, channels, window - 1], found %s".formatted(past.type()));
        var all = writer.concat(List.of(past, x), 2);
        var dims = List.of(x.dim(0), x.dim(1), x.dim(2));
        var sum = writer.add(
                new GraphOp.Convolution(
                        all.value(),
                        weights.value(),
                        List.of(1L),
                        List.of(1L),
                        List.of(Dim.ZERO),
                        channels,
                        GraphWriter.accumulator(x.element()),
                        writer.fresh(x.element(), dims)),
                GraphOp.Convolution::result);
        var biased = ConvolutionOperators.biased(call, sum, call.optional(2));
        var output = switch (call.text("activation", "none")) {
            case "none", "" -> biased;
            case "silu", "swish" -> writer.map(biased, (s, v) -> s.mul(v, s.sigmoid(v)));
            default -> throw call.error("activation '%s'".formatted(call.text("activation", "")));
        };
        var state = writer.slice(
                all,
                List.of(Dim.ZERO, Dim.ZERO, all.dim(2).minus(memory)),
                List.of(Dim.ONE, Dim.ONE, Dim.ONE),
                List.of(x.dim(0), x.dim(1), memory));
        return List.of(output, state);
    }

    /// Step by step: the state, a matrix for each head, fades, takes in the outer product of key and value, and is read by
    /// the query. With a delta rule only what the state does not hold yet is taken in.
    private static List<Operand> linearAttention(Call call) {
        var writer = call.writer();
        var rule = call.text("update_rule", "gated_delta");
        if (!List.of("linear", "gated", "delta", "gated_delta").contains(rule)) {
            throw call.error("update_rule '%s'".formatted(rule));
        }
        long queries = heads(call, "q_num_heads");
        long keys = heads(call, "kv_num_heads");
        if (queries % keys != 0) {
            throw call.error("%d query heads are no multiple of %d key heads".formatted(queries, keys));
        }
        var wide = ElementType.F32;
        var query = steps(call, 0, queries);
        var key = steps(call, 1, keys);
        var value = steps(call, 2, keys);
        var batch = key.dim(1);
        var inner = key.dim(3);
        var outer = value.dim(3);
        writer.equal(query.dim(3), inner, "sizes of query and key heads");
        var gate = rule.startsWith("gated") ? Optional.of(steps(call, 4, keys)) : Optional.<Operand>empty();
        var share = rule.endsWith("delta") ? Optional.of(rates(call, keys)) : Optional.<Operand>empty();
        // The keys say how many steps there are, and of how many sequences.
        var others = new ArrayList<>(List.of(query, value));
        gate.ifPresent(others::add);
        share.ifPresent(others::add);
        for (var other : others) {
            writer.equal(other.dim(0), key.dim(0), "steps");
            writer.equal(other.dim(1), batch, "sequences");
        }
        gate.filter(decay -> !decay.dim(3).isConstant(1))
                .ifPresent(decay -> writer.equal(decay.dim(3), inner, "sizes of decay and key heads"));
        var given = call.number("scale", 0);
        var scale = given != 0
                ? writer.scalar(wide, given)
                : writer.map(writer.cast(writer.extent(inner), wide), (s, v) -> s.div(s.number(v, 1), s.sqrt(v)));
        var stateDims = List.of(batch, Dim.of(keys), inner, outer);
        var state = call.optional(3)
                .map(past -> writer.cast(like(call, past, stateDims, "a state"), wide))
                .orElseGet(() -> writer.filled(wide, stateDims, 0));
        var length = key.dim(0);
        var result = Loops.loop(
                writer,
                Optional.of(writer.extent(length)),
                Optional.empty(),
                Optional.of(length),
                List.of(state),
                (iteration, running, carried) -> {
                    var k = at(writer, key, iteration, List.of(batch, Dim.of(keys), inner, Dim.ONE));
                    var v = at(writer, value, iteration, List.of(batch, Dim.of(keys), Dim.ONE, outer));
                    var faded = gate.map(decay -> {
                                var factor = at(
                                        writer, decay, iteration, List.of(batch, Dim.of(keys), decay.dim(3), Dim.ONE));
                                return writer.mapTo(stateDims, wide, List.of(carried.getFirst(), factor), (s, x) ->
                                        s.mul(x.get(0), s.exp(x.get(1))));
                            })
                            .orElse(carried.getFirst());
                    var news = share.map(rate -> {
                                var known = MatrixOperators.product(writer, writer.transpose(k, List.of(0, 1, 3, 2)), faded);
                                var amount = at(
                                        writer, rate, iteration, List.of(batch, rate.dim(2), Dim.ONE, Dim.ONE));
                                return writer.mapTo(v.dims(), wide, List.of(v, known, amount), (s, x) ->
                                        s.mul(s.sub(x.get(0), x.get(1)), x.get(2)));
                            })
                            .orElse(v);
                    var next = writer.mapTo(stateDims, wide, List.of(faded, k, news), (s, x) ->
                            s.add(x.get(0), s.mul(x.get(1), x.get(2))));
                    // All the query heads of one key head are the rows of one product.
                    var rows = at(
                            writer, query, iteration, List.of(batch, Dim.of(keys), Dim.of(queries / keys), inner));
                    var read = MatrixOperators.product(writer, rows, next);
                    var scaled = writer.map(wide, read, scale, Scalars::mul);
                    return new Loops.Step(
                            Optional.empty(),
                            List.of(next),
                            List.of(writer.reshape(scaled, List.of(batch, outer.times(queries)))));
                });
        var element = call.input(0).element();
        var stateElement = call.optional(3).map(Operand::element).orElse(element);
        var output = writer.transpose(result.scanned().getFirst(), List.of(1, 0, 2));
        return List.of(writer.cast(output, element), writer.cast(result.carried().getFirst(), stateElement));
    }

    /// The operand, whose extents must be these.
    private static Operand like(Call call, Operand x, List<Dim> dims, String what) {
        if (x.rank() != dims.size()) throw call.error("expected %s %s, found %s".formatted(what, dims, x.type()));
        for (int axis = 0; axis < dims.size(); axis++) {
            call.writer().equal(x.dim(axis), dims.get(axis), what);
        }
        return call.writer().reshape(x, dims);
    }

    private static long heads(Call call, String name) {
        long heads = call.integer(name).orElseThrow(() -> call.error("attribute '%s' is missing".formatted(name)));
        if (heads < 1) throw call.error("%s %d".formatted(name, heads));
        return heads;
    }

    /// `[n, length, heads * size]` as `[length, n, heads, size]`, in f32.
    private static Operand steps(Call call, int input, long heads) {
        var writer = call.writer();
        var x = call.input(input);
        if (x.rank() != 3) {
            throw call.error("expected [n, length, heads * size] as input %d, found %s".formatted(input, x.type()));
        }
        var size = x.dim(2).floorDivide(heads);
        writer.equal(size.times(heads), x.dim(2), "whole heads");
        var apart = writer.reshape(writer.cast(x, ElementType.F32), List.of(x.dim(0), x.dim(1), Dim.of(heads), size));
        return writer.transpose(apart, List.of(1, 0, 2, 3));
    }

    /// `[n, length, heads or 1]` as `[length, n, heads or 1]`, in f32.
    private static Operand rates(Call call, long heads) {
        var x = call.input(5);
        if (x.rank() != 3 || !x.dim(2).isConstant(heads) && !x.dim(2).isConstant(1)) {
            throw call.error("expected beta [n, length, %d or 1], found %s".formatted(heads, x.type()));
        }
        return call.writer().transpose(call.writer().cast(x, ElementType.F32), List.of(1, 0, 2));
    }

    private static Operand at(GraphWriter writer, Operand steps, Operand iteration, List<Dim> dims) {
        return writer.reshape(Loops.at(writer, steps, 0, iteration), dims);
    }
}
