package org.portolan.lowering.tile;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.portolan.ir.ArithOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Finds instructions of a machine that do what stands under a reduction. An instruction says what it does as a nest: a sum
/// of products of its parameters, which may be added to another parameter. It fits if its expression under the sum is that
/// of the reduction, with values of the nest where the instruction reads its parameters.
final class Tensorize {
    private final NestAnalysis wanted;
    private final NestAnalysis offered;
    private final Map<String, String> axes;
    /// In the order in which they are found: what is written from it must not differ from one run to the next.
    private final Map<Value, Value> operands = new LinkedHashMap<>();

    /// @param operands for each parameter that is multiplied the value of the nest that takes its place
    /// @param axes for each axis of the instruction that of the nest
    /// @param addend the parameter to which the sum is added, if there is one
    record Match(
            MachineOp.Intrinsic intrinsic,
            NestOp.Compute body,
            Map<Value, Value> operands,
            Map<String, String> axes,
            Optional<Value> addend) {

        /// The values that are multiplied, in the order of the instruction's parameters.
        List<Value> inOrder() {
            return intrinsic.body().params().stream()
                    .filter(operands::containsKey)
                    .map(operands::get)
                    .toList();
        }

        /// Whether the operands are matrices in shared memory, and only the sum is a fragment.
        boolean isShared() {
            return intrinsic.spreads().size() == 1;
        }

        /// Over how many lanes the sum is spread.
        long lanes() {
            var spread = intrinsic.spreads().getLast();
            var last = addend.orElseThrow().tensor().dims().stream().map(dim -> dim.minus(1)).toList();
            return spread.apply(last).getFirst().constant().orElseThrow() + 1;
        }

        /// The axes of the nest along which a parameter lies, in order.
        List<String> order(Value parameter) {
            return body.body().ops().stream()
                    .filter(op -> op instanceof NestOp.Read read && read.source() == parameter)
                    .map(op -> ((NestOp.Read) op).at())
                    .findFirst()
                    .orElseThrow()
                    .stream()
                    .map(index -> axes.get(index.symbolName().orElseThrow()))
                    .toList();
        }

        /// The points of the instruction along an axis of the nest.
        long extent(String axis) {
            return body.axes().stream()
                    .filter(own -> axis.equals(axes.get(own.name())))
                    .map(own -> own.extent().constant().orElseThrow())
                    .findFirst()
                    .orElseThrow();
        }
    }

    private Tensorize(NestAnalysis wanted, NestAnalysis offered, Map<String, String> axes) {
        this.wanted = wanted;
        this.offered = offered;
        this.axes = axes;
    }

    /// The instruction as one that computes a tile of a reduction, if it is one.
    ///
    /// @param results the axes of the nest along which the instruction's result lies, in order
    /// @param deep the axis that is reduced over
    static Optional<Match> match(
            MachineOp.Intrinsic intrinsic,
            NestAnalysis analysis,
            Reduction reduction,
            List<String> results,
            String deep) {
        var ops = intrinsic.body().ops();
        if (ops.size() != 2
                || !(ops.getFirst() instanceof NestOp.Compute body)
                || !reduction.isSum()
                || body.axes().stream().anyMatch(axis -> !axis.extent().isConstant())) {
            return Optional.empty();
        }
        var offered = new NestAnalysis(body);
        if (offered.reductions().size() != 1 || body.results().size() != 1) {
            return Optional.empty();
        }
        var sum = offered.reductions().getFirst();
        var to = offered.terminator().to().getFirst();
        if (!sum.isSum() || sum.over().size() != 1 || to.size() != results.size()) {
            return Optional.empty();
        }
        var axes = new HashMap<String, String>();
        for (int i = 0; i < to.size(); i++) {
            if (to.get(i).symbolName().isEmpty()) {
                return Optional.empty();
            }
            axes.put(to.get(i).symbolName().get(), results.get(i));
        }
        axes.put(sum.over().getFirst(), deep);
        var addend = addend(offered, sum, to);
        if (addend == null
                || !reduction.results().getFirst().type().equals(sum.results().getFirst().type())) {
            return Optional.empty();
        }
        var match = new Tensorize(analysis, offered, axes);
        return match.matches(sum.values().getFirst(), reduction.values().getFirst())
                ? Optional.of(new Match(intrinsic, body, match.operands, axes, addend))
                : Optional.empty();
    }

    /// What is added to the sum; {@code null} if something else happens to it.
    private static Optional<Value> addend(NestAnalysis offered, Reduction sum, List<Dim> to) {
        var value = offered.terminator().values().getFirst();
        var result = sum.results().getFirst();
        if (value == result) {
            return Optional.empty();
        }
        if (offered.definition(value) instanceof ArithOp.Add add) {
            var other = add.left() == result ? add.right() : add.right() == result ? add.left() : null;
            if (other != null && offered.definition(other) instanceof NestOp.Read read && read.at().equals(to)) {
                return Optional.of(read.source());
            }
        }
        return null;
    }

    private boolean matches(Value own, Value other) {
        if (!own.type().equals(other.type())) {
            return false;
        }
        var definition = offered.definition(own);
        if (definition instanceof NestOp.Read read) {
            return binds(read, other);
        }
        var wantedDefinition = wanted.definition(other);
        if (!(definition instanceof ArithOp) || wantedDefinition == null
                || definition.getClass() != wantedDefinition.getClass()) {
            return false;
        }
        var schema = OpSchema.of(definition);
        for (var component : schema.components()) {
            if (component.role() == OpSchema.Role.ATTRIBUTE
                    && !Objects.equals(OpSchema.get(component, definition), OpSchema.get(component, wantedDefinition))) {
                return false;
            }
        }
        var left = OpSchema.operands(definition);
        var right = OpSchema.operands(wantedDefinition);
        var held = new LinkedHashMap<>(operands);
        if (all(left, right)) {
            return true;
        }
        operands.clear();
        operands.putAll(held);
        boolean commutes = definition instanceof ArithOp.Mul || definition instanceof ArithOp.Add;
        return commutes && all(left, right.reversed());
    }

    private boolean all(List<Value> own, List<Value> others) {
        boolean all = own.size() == others.size();
        for (int i = 0; all && i < own.size(); i++) {
            all = matches(own.get(i), others.get(i));
        }
        return all;
    }

    /// Whether a value lies along the axes along which the instruction reads a parameter, and no other of its axes.
    private boolean binds(NestOp.Read read, Value value) {
        var along = new HashSet<String>();
        for (var index : read.at()) {
            if (index.symbolName().isEmpty()) {
                return false;
            }
            along.add(axes.get(index.symbolName().get()));
        }
        var free = wanted.free(value).stream().filter(axes::containsValue).collect(Collectors.toSet());
        if (!free.equals(along)) {
            return false;
        }
        var before = operands.putIfAbsent(read.source(), value);
        return before == null || before == value;
    }
}
