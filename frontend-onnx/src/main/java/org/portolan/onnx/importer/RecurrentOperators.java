package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Recurrent layers. The product with the input is one matrix product for all steps; a loop carries the state.
final class RecurrentOperators {
    static final List<Operator> ROWS = List.of(
            several(1, "LSTM", call -> layer(call, Cell.LSTM)),
            several(1, "GRU", call -> layer(call, Cell.GRU)),
            several(1, "RNN", call -> layer(call, Cell.RNN)));

    private RecurrentOperators() {}

    /// The kinds of cells, with their gates, states and default activations.
    private enum Cell {
        LSTM(4, 2, List.of("Sigmoid", "Tanh", "Tanh")),
        GRU(3, 1, List.of("Sigmoid", "Tanh")),
        RNN(1, 1, List.of("Tanh"));

        private final int gates;
        private final int states;
        private final List<String> activations;

        Cell(int gates, int states, List<String> activations) {
            this.gates = gates;
            this.states = states;
            this.activations = activations;
        }
    }

    /// One direction of a layer.
    ///
    /// @param projected the input times its weights with all biases that can be added before the loop, [seq, batch, g h]
    /// @param recurrent weights of the state, [h, g h]
    /// @param recurrentBias the state's own bias, [g h]
    private record Direction(
            Call call,
            Cell cell,
            Dim hidden,
            Operand projected,
            Operand recurrent,
            Optional<Operand> recurrentBias,
            Optional<Operand> peepholes,
            List<Scalars.Unary> activations) {}

    private static List<Operand> layer(Call call, Cell cell) {
        var writer = call.writer();
        boolean batchFirst = call.integer("layout", 0) == 1;
        checkRanks(call, cell);
        var x = batchFirst ? writer.transpose(call.input(0), List.of(1, 0, 2)) : call.input(0);
        if (x.rank() != 3) {
            throw call.error("expected an input [seq, batch, size], found %s".formatted(x.type()));
        }
        var direction = call.text("direction", "forward");
        int directions =
                switch (direction) {
                    case "forward", "reverse" -> 1;
                    case "bidirectional" -> 2;
                    default -> throw call.error("direction '%s'".formatted(direction));
                };
        writer.equal(call.input(1).dim(0), Dim.of(directions), "directions of the weights");
        var lengths = call.optional(4);
        var sequences = new ArrayList<Operand>();
        var finals = new ArrayList<List<Operand>>();
        for (int number = 0; number < directions; number++) {
            boolean backwards = direction.equals("reverse") || number == 1;
            var source = backwards ? reversed(call, x, lengths) : x;
            var result = run(direction(call, cell, source, number), states(call, cell, x, number, batchFirst), lengths);
            var sequence = result.scanned().getFirst();
            sequences.add(backwards ? reversed(call, sequence, lengths) : sequence);
            finals.add(result.carried());
        }
        return outputs(call, cell, sequences, finals, batchFirst);
    }

    /// Weights, biases, initial states and peepholes have as many axes as they must.
    private static void checkRanks(Call call, Cell cell) {
        checkRank(call, call.input(1), 3, "weights [directions, rows, size]");
        checkRank(call, call.input(2), 3, "recurrent weights [directions, rows, hidden]");
        call.optional(3).ifPresent(bias -> checkRank(call, bias, 2, "biases [directions, rows]"));
        for (int state = 0; state < cell.states; state++) {
            call.optional(5 + state).ifPresent(given -> checkRank(call, given, 3, "an initial state of three axes"));
        }
        if (cell == Cell.LSTM) {
            call.optional(7).ifPresent(peepholes -> checkRank(call, peepholes, 2, "peepholes [directions, rows]"));
        }
    }

    private static void checkRank(Call call, Operand operand, int rank, String what) {
        if (operand.rank() != rank) throw call.error("expected %s, found %s".formatted(what, operand.type()));
    }

    private static List<Operand> outputs(
            Call call, Cell cell, List<Operand> sequences, List<List<Operand>> finals, boolean batchFirst) {
        var writer = call.writer();
        var stacked = stack(writer, sequences, 1);
        var results = new ArrayList<>(List.of(batchFirst ? writer.transpose(stacked, List.of(2, 0, 1, 3)) : stacked));
        for (int state = 0; state < cell.states; state++) {
            int number = state;
            var last = stack(writer, finals.stream().map(all -> all.get(number)).toList(), 0);
            results.add(batchFirst ? writer.transpose(last, List.of(1, 0, 2)) : last);
        }
        return results;
    }

    private static Operand stack(GraphWriter writer, List<Operand> parts, int axis) {
        var apart = parts.stream()
                .map(part -> {
                    var dims = new ArrayList<>(part.dims());
                    dims.add(axis, Dim.ONE);
                    return writer.reshape(part, dims);
                })
                .toList();
        return writer.concat(apart, axis);
    }

    /// The time axis from the end, where each sequence of the batch has its own end.
    private static Operand reversed(Call call, Operand x, Optional<Operand> lengths) {
        return lengths.map(ends -> IndexingOperators.reversed(call.writer(), x, ends, 1, 0))
                .orElseGet(() -> ControlOperators.reversed(call.writer(), x, 0));
    }

    private static List<Operand> states(Call call, Cell cell, Operand x, int number, boolean batchFirst) {
        var writer = call.writer();
        var states = new ArrayList<Operand>();
        var hidden = call.input(2).dim(2);
        for (int state = 0; state < cell.states; state++) {
            states.add(call.optional(5 + state)
                    .map(given -> batchFirst ? writer.transpose(given, List.of(1, 0, 2)) : given)
                    .map(given -> part(writer, given, number))
                    .orElseGet(() -> writer.filled(x.element(), List.of(x.dim(1), hidden), 0)));
        }
        return states;
    }

    /// One slice of the first axis, which vanishes.
    private static Operand part(GraphWriter writer, Operand x, int index) {
        var starts = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ZERO));
        starts.set(0, Dim.of(index));
        var dims = new ArrayList<>(x.dims());
        dims.set(0, Dim.ONE);
        var slice = writer.slice(x, starts, Collections.nCopies(x.rank(), Dim.ONE), dims);
        return writer.reshape(slice, dims.subList(1, dims.size()));
    }

    /// The `index`-th block of `size` along the last axis.
    private static Operand block(GraphWriter writer, Operand x, long index, Dim size) {
        var starts = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ZERO));
        starts.set(x.rank() - 1, size.times(index));
        var dims = new ArrayList<>(x.dims());
        dims.set(x.rank() - 1, size);
        return writer.slice(x, starts, Collections.nCopies(x.rank(), Dim.ONE), dims);
    }

    private static Direction direction(Call call, Cell cell, Operand x, int number) {
        var writer = call.writer();
        var weights = writer.transpose(part(writer, call.input(1), number), List.of(1, 0));
        var recurrent = writer.transpose(part(writer, call.input(2), number), List.of(1, 0));
        var hidden = recurrent.dim(0);
        writer.equal(weights.dim(1), hidden.times(cell.gates), "the weights' rows");
        writer.equal(recurrent.dim(1), hidden.times(cell.gates), "the recurrent weights' rows");
        var product = MatrixOperators.product(writer, x, weights);
        var bias = call.optional(3).map(both -> part(writer, both, number));
        var own = bias.map(both -> block(writer, both, 0, hidden.times(cell.gates)));
        var other = bias.map(both -> block(writer, both, 1, hidden.times(cell.gates)));
        var projected = own.map(values -> sum(writer, product, values)).orElse(product);
        // A gated recurrent unit may multiply the state's product, with its bias, by a gate.
        boolean separate = cell == Cell.GRU;
        if (!separate && other.isPresent()) {
            projected = sum(writer, projected, other.get());
        }
        return new Direction(
                call,
                cell,
                hidden,
                projected,
                recurrent,
                separate ? other : Optional.empty(),
                cell == Cell.LSTM ? call.optional(7).map(all -> part(writer, all, number)) : Optional.empty(),
                activations(call, cell, number));
    }

    private static Operand sum(GraphWriter writer, Operand left, Operand right) {
        return writer.map(left.element(), left, right, Scalars::add);
    }

    private static Loops.Result run(Direction direction, List<Operand> states, Optional<Operand> lengths) {
        var writer = direction.call.writer();
        var steps = direction.projected.dim(0);
        var ends = lengths.map(given -> writer.reshape(
                writer.cast(given, ElementType.I64), List.of(direction.projected.dim(1), Dim.ONE)));
        return Loops.loop(
                writer, Optional.of(writer.extent(steps)), Optional.empty(), Optional.of(steps), states, (
                        iteration, condition, carried) -> {
                    var gates = Loops.at(writer, direction.projected, 0, iteration);
                    var next =
                            switch (direction.cell) {
                                case LSTM -> longShortTerm(direction, gates, carried);
                                case GRU -> List.of(gated(direction, gates, carried.getFirst()));
                                case RNN -> List.of(plain(direction, gates, carried.getFirst()));
                            };
                    if (ends.isEmpty()) {
                        return new Loops.Step(Optional.empty(), next, List.of(next.getFirst()));
                    }
                    // A sequence that is over keeps its state and gives zeros.
                    var kept = new ArrayList<Operand>();
                    for (int i = 0; i < next.size(); i++) {
                        kept.add(during(writer, iteration, ends.get(), next.get(i), carried.get(i)));
                    }
                    var zero = writer.scalar(next.getFirst().element(), 0);
                    return new Loops.Step(
                            Optional.empty(),
                            kept,
                            List.of(during(writer, iteration, ends.get(), next.getFirst(), zero)));
                });
    }

    private static Operand during(GraphWriter writer, Operand iteration, Operand ends, Operand yes, Operand no) {
        return writer.mapTo(yes.dims(), yes.element(), List.of(iteration, ends, yes, no), (s, v) -> s.select(
                s.less(v.get(0), v.get(1)), v.get(2), v.get(3)));
    }

    private static Operand plain(Direction d, Operand gates, Operand state) {
        var writer = d.call.writer();
        var total = sum(writer, gates, MatrixOperators.product(writer, state, d.recurrent));
        return writer.map(total, (s, x) -> d.activations.getFirst().apply(s, clipped(d.call, s, x)));
    }

    /// Gates stand in the order input, output, forget, cell.
    private static List<Operand> longShortTerm(Direction d, Operand gates, List<Operand> states) {
        var writer = d.call.writer();
        var total = sum(writer, gates, MatrixOperators.product(writer, states.get(0), d.recurrent));
        var old = states.get(1);
        var element = old.element();
        var operands = new ArrayList<>(List.of(
                block(writer, total, 0, d.hidden),
                block(writer, total, 2, d.hidden),
                block(writer, total, 3, d.hidden),
                old));
        d.peepholes.ifPresent(weights -> {
            operands.add(block(writer, weights, 0, d.hidden));
            operands.add(block(writer, weights, 2, d.hidden));
        });
        boolean coupled = d.call.flag("input_forget", false);
        var cell = writer.mapTo(old.dims(), element, operands, (s, v) -> {
            var inputGate = gate(d, s, v.get(0), v.get(3), v.size() > 4 ? v.get(4) : null);
            var forgetGate = coupled
                    ? s.sub(s.number(inputGate, 1), inputGate)
                    : gate(d, s, v.get(1), v.get(3), v.size() > 4 ? v.get(5) : null);
            var candidate = d.activations.get(1).apply(s, clipped(d.call, s, v.get(2)));
            return s.add(s.mul(forgetGate, v.get(3)), s.mul(inputGate, candidate));
        });
        var last = new ArrayList<>(List.of(block(writer, total, 1, d.hidden), cell));
        d.peepholes.ifPresent(weights -> last.add(block(writer, weights, 1, d.hidden)));
        var hidden = writer.mapTo(cell.dims(), element, last, (s, v) -> {
            var outputGate = gate(d, s, v.get(0), v.get(1), v.size() > 2 ? v.get(2) : null);
            return s.mul(outputGate, d.activations.get(2).apply(s, v.get(1)));
        });
        return List.of(hidden, cell);
    }

    private static Value gate(Direction d, Scalars s, Value sum, Value cell, Value peephole) {
        var all = peephole == null ? sum : s.add(sum, s.mul(peephole, cell));
        return d.activations.getFirst().apply(s, clipped(d.call, s, all));
    }

    /// Gates stand in the order update, reset, hidden.
    private static Operand gated(Direction d, Operand gates, Operand state) {
        var writer = d.call.writer();
        var element = state.element();
        boolean afterProduct = d.call.flag("linear_before_reset", false);
        var two = d.hidden.times(2);
        var bias = d.recurrentBias;
        var early = sum(writer, block(writer, gates, 0, two), product(d, state, 0, two));
        var both = bias.map(values -> sum(writer, early, block(writer, values, 0, two))).orElse(early);
        var open = writer.map(both, (s, x) -> d.activations.getFirst().apply(s, clipped(d.call, s, x)));
        var update = block(writer, open, 0, d.hidden);
        var reset = block(writer, open, 1, d.hidden);
        var hiddenBias = bias.map(values -> block(writer, values, 2, d.hidden));
        Operand memory;
        if (afterProduct) {
            var plain = product(d, state, 2, d.hidden);
            var whole = hiddenBias.map(values -> sum(writer, plain, values)).orElse(plain);
            memory = writer.map(element, whole, reset, Scalars::mul);
        } else {
            var plain = product(d, writer.map(element, state, reset, Scalars::mul), 2, d.hidden);
            memory = hiddenBias.map(values -> sum(writer, plain, values)).orElse(plain);
        }
        var operands = List.of(block(writer, gates, 2, d.hidden), memory, update, state);
        return writer.mapTo(state.dims(), element, operands, (s, v) -> {
            var candidate = d.activations.get(1).apply(s, clipped(d.call, s, s.add(v.get(0), v.get(1))));
            var z = v.get(2);
            return s.add(s.mul(s.sub(s.number(z, 1), z), candidate), s.mul(z, v.get(3)));
        });
    }

    /// The state times some columns of the recurrent weights.
    private static Operand product(Direction d, Operand state, long index, Dim size) {
        var writer = d.call.writer();
        return MatrixOperators.product(writer, state, block(writer, d.recurrent, index, size));
    }

    private static Value clipped(Call call, Scalars s, Value x) {
        return call.number("clip")
                .map(limit -> s.max(s.min(x, s.number(x, limit)), s.number(x, -limit)))
                .orElse(x);
    }

    private static List<Scalars.Unary> activations(Call call, Cell cell, int number) {
        var names = call.texts("activations");
        int count = cell.activations.size();
        var own = names.isEmpty() ? cell.activations : names.subList(number * count, (number + 1) * count);
        var alphas = call.numbers("activation_alpha").orElse(List.of());
        var betas = call.numbers("activation_beta").orElse(List.of());
        var formulas = new ArrayList<Scalars.Unary>();
        for (int i = 0; i < count; i++) {
            int place = number * count + i;
            formulas.add(activation(
                    call,
                    own.get(i),
                    place < alphas.size() ? Optional.of((double) alphas.get(place)) : Optional.empty(),
                    place < betas.size() ? Optional.of((double) betas.get(place)) : Optional.empty()));
        }
        return formulas;
    }

    private static Scalars.Unary activation(Call call, String name, Optional<Double> alpha, Optional<Double> beta) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "sigmoid" -> Scalars::sigmoid;
            case "tanh" -> Scalars::tanh;
            case "relu" -> (s, x) -> s.max(x, s.number(x, 0));
            case "affine" -> (s, x) -> s.add(s.mul(x, alpha.orElse(1.0)), beta.orElse(0.0));
            case "leakyrelu" ->
                (s, x) -> s.select(s.less(x, s.number(x, 0)), s.mul(x, alpha.orElse(0.01)), x);
            case "thresholdedrelu" ->
                (s, x) -> s.select(s.less(x, s.number(x, alpha.orElse(1.0))), s.number(x, 0), x);
            case "scaledtanh" -> (s, x) -> s.mul(s.tanh(s.mul(x, beta.orElse(1.0))), alpha.orElse(1.0));
            case "hardsigmoid" ->
                (s, x) -> s.max(
                        s.number(x, 0),
                        s.min(s.number(x, 1), s.add(s.mul(x, alpha.orElse(0.2)), beta.orElse(0.5))));
            case "elu" ->
                (s, x) -> s.select(
                        s.less(x, s.number(x, 0)), s.mul(s.add(s.exp(x), -1), alpha.orElse(1.0)), x);
            case "softsign" -> (s, x) -> s.div(x, s.add(s.abs(x), 1));
            case "softplus" -> (s, x) -> s.log(s.add(s.exp(x), 1));
            default -> throw call.error("activation '%s'".formatted(name));
        };
    }
}
