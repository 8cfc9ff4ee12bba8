package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Scaled dot-product attention and what belongs to it, written in matrix products, a bias and a softmax.
final class AttentionOperators {
    static final List<Operator> ROWS = List.of(
            several(23, "Attention", AttentionOperators::attention),
            since(23, "RotaryEmbedding", AttentionOperators::rotary),
            since(28, "SwiGLU", call -> {
                var gate = call.writer().map(call.input(0), (s, x) -> s.mul(x, s.sigmoid(x)));
                return call.writer().map(gate.element(), gate, call.input(1), Scalars::mul);
            }));

    private AttentionOperators() {}

    /// `[batch, seq, heads * size]` as `[batch, heads, seq, size]`; the latter stays as it is.
    private static Operand heads(Call call, Operand x, String attribute) {
        if (x.rank() == 4) {
            return x;
        }
        long heads = call.integer(attribute, 0);
        if (x.rank() != 3 || heads < 1) {
            throw call.error("expected [batch, heads, seq, size], or [batch, seq, size] and %s; found %s"
                    .formatted(attribute, x.type()));
        }
        var writer = call.writer();
        var size = x.dim(2).floorDivide(heads);
        var apart = writer.reshape(x, List.of(x.dim(0), x.dim(1), Dim.of(heads), size));
        return writer.transpose(apart, List.of(0, 2, 1, 3));
    }

    private static List<Operand> attention(Call call) {
        var writer = call.writer();
        boolean flat = call.input(0).rank() == 3;
        var query = heads(call, call.input(0), "q_num_heads");
        var newKey = heads(call, call.input(1), "kv_num_heads");
        var newValue = heads(call, call.input(2), "kv_num_heads");
        var past = call.optional(4);
        var key = past.map(old -> writer.concat(List.of(old, newKey), 2)).orElse(newKey);
        var value = call.optional(5)
                .map(old -> writer.concat(List.of(old, newValue), 2))
                .orElse(newValue);
        var element = query.element();
        var bias = bias(call, query, key, past.map(old -> old.dim(2)));
        var raw = scores(call, query, repeated(writer, key, query.dim(1)));
        double cap = call.number("softcap", 0);
        var capped = cap == 0 ? raw : writer.map(raw, (s, x) -> s.mul(s.tanh(s.div(x, cap)), s.number(x, cap)));
        var biased = bias.map(mask -> writer.map(element, capped, mask, Scalars::add))
                .orElse(capped);
        var precision = call.elementType("softmax_precision").orElse(element);
        var soft = writer.cast(
                ReductionOperators.softmax(writer, writer.cast(biased, precision), biased.rank() - 1), element);
        // The first key is before no query, so that only a mask or a length hides all of a row.
        boolean mayHideAll = call.optional(3).isPresent() || call.optional(6).isPresent();
        var weights = bias.filter(_ -> mayHideAll).map(mask -> whereOpen(writer, soft, mask)).orElse(soft);
        var heads = MatrixOperators.product(writer, weights, repeated(writer, value, query.dim(1)));
        var results = new ArrayList<>(List.of(flat ? joined(writer, heads) : heads, key, value));
        var mode = call.integer("qk_matmul_output_mode", 0);
        if (call.wants(3)) {
            results.add(mode == 0 ? raw : mode == 1 ? capped : mode == 2 ? biased : weights);
        }
        return results;
    }

    private static Operand joined(GraphWriter writer, Operand heads) {
        var apart = writer.transpose(heads, List.of(0, 2, 1, 3));
        return writer.reshape(
                apart, List.of(apart.dim(0), apart.dim(1), apart.dim(2).times(apart.dim(3))));
    }

    /// Each head of keys and values serves as many heads of queries as it takes.
    private static Operand repeated(GraphWriter writer, Operand x, Dim heads) {
        if (x.dim(1).equals(heads)) {
            return x;
        }
        var times = heads.floorDivide(x.dim(1));
        writer.check(times.times(x.dim(1)), Relation.EQUAL, heads, "query heads must be a multiple of key heads");
        var apart = writer.reshape(x, List.of(x.dim(0), x.dim(1), Dim.ONE, x.dim(2), x.dim(3)));
        var wide = writer.broadcast(apart, List.of(x.dim(0), x.dim(1), times, x.dim(2), x.dim(3)));
        return writer.reshape(wide, List.of(x.dim(0), heads, x.dim(2), x.dim(3)));
    }

    /// The products are scaled in the type that they are summed in, where narrow floats stay in range.
    private static Operand scores(Call call, Operand query, Operand key) {
        var writer = call.writer();
        var element = query.element();
        var wide = GraphWriter.accumulator(element);
        var given = call.number("scale");
        var scale = given.isPresent()
                ? writer.scalar(wide, given.get())
                : writer.map(writer.cast(writer.extent(query.dim(3)), wide), (s, x) -> s.div(s.number(x, 1), s.sqrt(x)));
        var products = MatrixOperators.product(writer, query, writer.transpose(key, List.of(0, 1, 3, 2)), wide, wide);
        return writer.cast(writer.map(wide, products, scale, Scalars::mul), element);
    }

    /// What is added to the scores: the mask, minus infinity after the causal diagonal, and minus infinity on padding.
    private static Optional<Operand> bias(Call call, Operand query, Operand key, Optional<Dim> past) {
        var writer = call.writer();
        var element = query.element();
        var total = key.dim(2);
        var lengths = call.optional(6);
        var bias = call.optional(3).map(mask -> padded(call, additive(writer, mask, element), total));
        var columns = writer.iota(ElementType.I64, List.of(total), 0);
        if (call.flag("is_causal", false)) {
            var rows = writer.iota(ElementType.I64, List.of(query.dim(2), Dim.ONE), 0);
            var seen = writer.extent(query.dim(2));
            var offset = lengths.isPresent() && past.isEmpty()
                    ? writer.map(ElementType.I64, perBatch(writer, lengths.get()), seen, Scalars::sub)
                    : writer.extent(past.orElse(Dim.ZERO));
            bias = Optional.of(masked(
                    writer,
                    bias,
                    element,
                    List.of(rows, offset, columns),
                    (s, v) -> s.less(s.add(v.get(0), v.get(1)), v.get(2))));
        }
        if (lengths.isPresent()) {
            var ends = perBatch(writer, lengths.get());
            bias = Optional.of(masked(
                    writer,
                    bias,
                    element,
                    List.of(columns, ends),
                    (s, v) -> s.compare(v.get(0), Relation.GREATER_OR_EQUAL, v.get(1))));
        }
        return bias;
    }

    private static Operand perBatch(GraphWriter writer, Operand values) {
        return writer.reshape(writer.cast(values, ElementType.I64), List.of(values.dim(0), Dim.ONE, Dim.ONE, Dim.ONE));
    }

    /// A mask of truths keeps where it is true.
    private static Operand additive(GraphWriter writer, Operand mask, ElementType element) {
        return mask.element() == ElementType.BOOL
                ? writer.map(element, mask, (s, x) -> s.select(x, s.number(element, 0), s.lowest(element)))
                : writer.cast(mask, element);
    }

    /// Since opset 24 a mask may be shorter than the keys; what it does not reach is masked.
    private static Operand padded(Call call, Operand mask, Dim total) {
        int last = mask.rank() - 1;
        var writer = call.writer();
        if (call.opset() < 24 || mask.dim(last).equals(total) || mask.dim(last).isConstant(1)) {
            return mask;
        }
        var dims = new ArrayList<>(mask.dims());
        dims.set(last, total);
        var infinity = writer.scalar(mask.element(), Double.NEGATIVE_INFINITY);
        return writer.pad(
                mask,
                Optional.of(infinity),
                Collections.nCopies(mask.rank(), Dim.ZERO),
                GraphOp.PadMode.CONSTANT,
                dims);
    }

    private static Operand masked(
            GraphWriter writer,
            Optional<Operand> bias,
            ElementType element,
            List<Operand> operands,
            Scalars.Formula hidden) {
        var all = new ArrayList<>(operands);
        bias.ifPresent(all::add);
        return writer.map(
                element,
                all,
                (s, v) -> {
                    var before = bias.isPresent() ? v.getLast() : s.number(element, 0);
                    return s.select(hidden.apply(s, v), s.number(element, Double.NEGATIVE_INFINITY), before);
                },
                "attention mask");
    }

    /// A row that is masked everywhere has the weight 0 everywhere.
    private static Operand whereOpen(GraphWriter writer, Operand weights, Operand bias) {
        var element = bias.element();
        var best = writer.reduceKeeping(bias, Combine.MAXIMUM, List.of(bias.rank() - 1), element, element);
        return writer.map(
                weights.element(),
                weights,
                best,
                (s, x, most) -> s.select(
                        s.compare(most, Relation.EQUAL, s.number(most, Double.NEGATIVE_INFINITY)), s.number(x, 0), x));
    }

    /// Turns pairs of elements by angles whose cosines and sines are given for each position.
    private static Operand rotary(Call call) {
        var writer = call.writer();
        var input = call.input(0);
        boolean flat = input.rank() == 3;
        long headCount = call.integer("num_heads", 0);
        if (flat && headCount < 1) {
            throw call.error("num_heads is missing for %s".formatted(input.type()));
        }
        // [batch, seq, heads, size]
        var x = flat
                ? writer.reshape(
                        input,
                        List.of(
                                input.dim(0),
                                input.dim(1),
                                Dim.of(headCount),
                                input.dim(2).floorDivide(headCount)))
                : writer.transpose(input, List.of(0, 2, 1, 3));
        long given = call.integer("rotary_embedding_dim", 0);
        var turned = given == 0 ? x.dim(3) : Dim.of(given);
        var half = turned.floorDivide(2);
        var cosine = angles(call, call.input(1), x, half);
        var sine = angles(call, call.input(2), x, half);
        boolean interleaved = call.flag("interleaved", false);
        var step = interleaved ? 2 : 1;
        var first = lastAxis(writer, x, Dim.ZERO, step, half);
        var second = lastAxis(writer, x, interleaved ? Dim.ONE : half, step, half);
        var real = writer.map(
                x.element(),
                List.of(first, second, cosine, sine),
                (s, v) -> s.sub(s.mul(v.get(2), v.get(0)), s.mul(v.get(3), v.get(1))),
                "rotary embedding");
        var imaginary = writer.map(
                x.element(),
                List.of(first, second, cosine, sine),
                (s, v) -> s.add(s.mul(v.get(3), v.get(0)), s.mul(v.get(2), v.get(1))),
                "rotary embedding");
        Operand rotated;
        if (interleaved) {
            var pairDims = new ArrayList<>(real.dims());
            pairDims.add(Dim.ONE);
            var pairs = writer.concat(List.of(writer.reshape(real, pairDims), writer.reshape(imaginary, pairDims)), 4);
            var dims = new ArrayList<>(real.dims());
            dims.set(3, turned);
            rotated = writer.reshape(pairs, dims);
        } else {
            rotated = writer.concat(List.of(real, imaginary), 3);
        }
        var whole = given == 0
                ? rotated
                : writer.concat(
                        List.of(rotated, lastAxis(writer, x, turned, 1, x.dim(3).minus(turned))), 3);
        return flat ? writer.reshape(whole, input.dims()) : writer.transpose(whole, List.of(0, 2, 1, 3));
    }

    /// One number for each position and pair, `[batch, seq, 1, half]`.
    private static Operand angles(Call call, Operand cache, Operand x, Dim half) {
        var writer = call.writer();
        var taken = call.optional(3)
                .map(positions -> writer.gather(cache, positions, 0))
                .orElse(cache);
        var starts = Collections.nCopies(3, Dim.ZERO);
        var sliced =
                writer.slice(taken, starts, Collections.nCopies(3, Dim.ONE), List.of(taken.dim(0), taken.dim(1), half));
        return writer.reshape(sliced, List.of(sliced.dim(0), sliced.dim(1), Dim.ONE, half));
    }

    private static Operand lastAxis(GraphWriter writer, Operand x, Dim start, long step, Dim count) {
        var dims = new ArrayList<>(x.dims());
        dims.set(3, count);
        return writer.slice(
                x,
                List.of(Dim.ZERO, Dim.ZERO, Dim.ZERO, start),
                List.of(Dim.ONE, Dim.ONE, Dim.ONE, Dim.of(step)),
                dims);
    }
}
