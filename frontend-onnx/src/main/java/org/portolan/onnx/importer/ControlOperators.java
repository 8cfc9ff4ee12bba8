package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxType;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Branches and loops.
final class ControlOperators {
    static final List<Operator> ROWS = List.of(
            several(1, "If", ControlOperators::branch),
            several(1, "Loop", ControlOperators::loop),
            several(9, "Scan", ControlOperators::scan));

    private ControlOperators() {}

    /// A branch that is chosen while importing leaves no operation.
    private static List<Operand> branch(Call call) {
        var writer = call.writer();
        var yes = call.graph("then_branch");
        var no = call.graph("else_branch");
        if (yes.outputs().size() != no.outputs().size()) {
            throw call.error("the branches give %d and %d values"
                    .formatted(yes.outputs().size(), no.outputs().size()));
        }
        var condition = writer.reshape(call.input(0), List.of());
        var known = call.constants(condition);
        if (known.isPresent()) {
            return call.bodies().graph(known.get().getFirst() != 0 ? yes : no, List.of());
        }
        var value = condition.value();
        var left = inBlock(call, yes);
        var right = inBlock(call, no);
        var results = new ArrayList<Value>();
        for (int i = 0; i < left.values.size(); i++) {
            results.add(joined(call, left.values.get(i), right.values.get(i)));
        }
        writer.block().add(new GraphOp.If(value, left.body(), right.body(), results));
        return results.stream().map(Operand::of).toList();
    }

    private record Branch(Block block, List<Operand> values) {
        Body body() {
            block.add(new GraphOp.Yield(values.stream().map(Operand::value).toList()));
            return new Body(List.of(), block.ops());
        }
    }

    private static Branch inBlock(Call call, OnnxGraph graph) {
        var writer = call.writer();
        var inner = new Block(writer.block());
        var outer = writer.enter(inner);
        try {
            var values = call.bodies().graph(graph, List.of());
            return new Branch(inner, values);
        } finally {
            writer.enter(outer);
        }
    }

    private static Value joined(Call call, Operand left, Operand right) {
        if (left.element() != right.element()) {
            throw call.error("the branches give %s and %s: expected equal types".formatted(left.type(), right.type()));
        }
        if (left.rank() != right.rank()) {
            throw new Unsupported("branches that give %s and %s".formatted(left.type(), right.type()));
        }
        var dims = new ArrayList<Dim>();
        for (int axis = 0; axis < left.rank(); axis++) {
            if (!left.dim(axis).equals(right.dim(axis))) {
                throw new Unsupported("branches that give %s and %s".formatted(left.type(), right.type()));
            }
            dims.add(left.dim(axis));
        }
        return call.writer().fresh(left.element(), dims);
    }

    /// The body takes the iteration, the condition and the carried values, and gives the condition, the carried values
    /// and the scanned ones.
    private static List<Operand> loop(Call call) {
        var writer = call.writer();
        var body = call.graph("body");
        var initial =
                IntStream.range(2, call.inputCount()).mapToObj(call::input).toList();
        int scans = body.outputs().size() - 1 - initial.size();
        if (scans < 0 || body.inputs().size() != initial.size() + 2) {
            throw call.error("the body has %d inputs and %d outputs for %d carried values"
                    .formatted(body.inputs().size(), body.outputs().size(), initial.size()));
        }
        var count = call.optional(0).map(operand -> writer.reshape(operand, List.of()));
        var condition = call.optional(1).map(operand -> writer.reshape(operand, List.of()));
        var result = Loops.loop(writer, count, condition, Optional.empty(), initial, (iteration, running, carried) -> {
            var arguments =
                    new ArrayList<>(List.of(shaped(writer, iteration, body, 0), shaped(writer, running, body, 1)));
            arguments.addAll(carried);
            var outputs = call.bodies().graph(body, arguments);
            return new Loops.Step(
                    Optional.of(writer.reshape(outputs.getFirst(), List.of())),
                    outputs.subList(1, 1 + initial.size()),
                    outputs.subList(1 + initial.size(), outputs.size()));
        });
        var all = new ArrayList<>(result.carried());
        all.addAll(result.scanned());
        return all;
    }

    /// Some bodies declare their scalars as tensors of one element.
    private static Operand shaped(GraphWriter writer, Operand scalar, OnnxGraph body, int input) {
        return body.inputs().get(input).type() instanceof OnnxType.Tensor(var _, var shape)
                        && shape.isPresent()
                        && shape.get().size() == 1
                ? writer.reshape(scalar, List.of(Dim.ONE))
                : scalar;
    }

    private static List<Operand> scan(Call call) {
        var writer = call.writer();
        var body = call.graph("body");
        int scanned = (int) Math.clamp(call.integer("num_scan_inputs", 0), 0L, Integer.MAX_VALUE);
        int states = call.inputCount() - scanned;
        int stacks = body.outputs().size() - states;
        if (scanned < 1 || states < 0 || stacks < 0 || body.inputs().size() != call.inputCount()) {
            throw call.error("num_scan_inputs %d does not fit %d inputs, and a body of %d inputs and %d outputs"
                    .formatted(
                            scanned,
                            call.inputCount(),
                            body.inputs().size(),
                            body.outputs().size()));
        }
        var initial = IntStream.range(0, states).mapToObj(call::input).toList();
        var sources =
                IntStream.range(states, call.inputCount()).mapToObj(call::input).toList();
        var axes = scanAxes(
                call, "scan_input_axes", sources.stream().map(Operand::rank).toList());
        var backwards = call.integers("scan_input_directions", Collections.nCopies(scanned, 0L));
        var length = sources.getFirst().dim(axes.getFirst());
        for (int i = 1; i < scanned; i++) {
            length = writer.equal(length, sources.get(i).dim(axes.get(i)), "scanned axes");
        }
        var last = writer.extent(length.minus(1));
        var result = Loops.loop(
                writer,
                Optional.of(writer.extent(length)),
                Optional.empty(),
                Optional.of(length),
                initial,
                (iteration, running, carried) -> {
                    var arguments = new ArrayList<>(carried);
                    for (int i = 0; i < scanned; i++) {
                        var place = backwards.get(i) == 1
                                ? writer.map(ElementType.I64, last, iteration, Scalars::sub)
                                : iteration;
                        arguments.add(Loops.at(writer, sources.get(i), axes.get(i), place));
                    }
                    var outputs = call.bodies().graph(body, arguments);
                    return new Loops.Step(
                            Optional.empty(), outputs.subList(0, states), outputs.subList(states, outputs.size()));
                });
        var all = new ArrayList<>(result.carried());
        all.addAll(arranged(call, result.scanned()));
        return all;
    }

    /// Stacks are made along the first axis in the order of the iterations; the node may want another axis or order.
    private static List<Operand> arranged(Call call, List<Operand> stacks) {
        var writer = call.writer();
        var axes = scanAxes(
                call, "scan_output_axes", stacks.stream().map(Operand::rank).toList());
        var backwards = call.integers("scan_output_directions", Collections.nCopies(stacks.size(), 0L));
        var results = new ArrayList<Operand>();
        for (int i = 0; i < stacks.size(); i++) {
            var stack = backwards.get(i) == 1 ? reversed(writer, stacks.get(i), 0) : stacks.get(i);
            var order = new ArrayList<>(IntStream.range(1, stack.rank()).boxed().toList());
            order.add(axes.get(i), 0);
            results.add(writer.transpose(stack, order));
        }
        return results;
    }

    /// The elements of an axis in the opposite order.
    static Operand reversed(GraphWriter writer, Operand x, int axis) {
        var starts = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ZERO));
        var steps = new ArrayList<>(Collections.nCopies(x.rank(), Dim.ONE));
        starts.set(axis, x.dim(axis).minus(1));
        steps.set(axis, Dim.of(-1));
        return writer.slice(x, starts, steps, x.dims());
    }

    private static List<Integer> scanAxes(Call call, String name, List<Integer> ranks) {
        var given = call.integers(name, Collections.nCopies(ranks.size(), 0L));
        if (given.size() != ranks.size()) {
            throw call.error("%s %s: expected %d axes".formatted(name, given, ranks.size()));
        }
        return IntStream.range(0, ranks.size())
                .mapToObj(i -> call.axis(given.get(i), ranks.get(i)))
                .toList();
    }
}
