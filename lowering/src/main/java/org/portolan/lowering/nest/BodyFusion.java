package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// Fuses the nests of one body. Operations are visited from the last to the first: when the turn comes to a nest, all
/// its readers stand, with everything that was put into them, so that one look at them decides.
final class BodyFusion {
    private final List<Op> ops;
    private final FunctionSymbols symbols;
    private final FusionRules rules;
    private final Producer[] producers;
    private final OpenNest[] kernels;
    private final Map<Value, Set<OpenNest>> readers = new IdentityHashMap<>();
    /// For each value that something else than a nest needs, the first position of such a need.
    private final Map<Value, Integer> needed = new IdentityHashMap<>();

    BodyFusion(List<Op> ops, FunctionSymbols symbols) {
        this.ops = ops;
        this.symbols = symbols;
        producers = new Producer[ops.size()];
        kernels = new OpenNest[ops.size()];
        var anchors = new Anchors();
        var updated = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        for (int i = 0; i < ops.size(); i++) {
            if (ops.get(i) instanceof NestOp.Compute nest) {
                updated.addAll(nest.into());
                for (var tensor : nest.into()) {
                    needed.putIfAbsent(tensor, i);
                }
                if (nest.into().isEmpty() && nest.results().size() == 1) {
                    producers[i] = new Producer(nest, i, symbols);
                    anchors.visit(producers[i], i);
                    continue;
                }
            } else {
                need(ops.get(i), i);
            }
            anchors.visit(ops.get(i), i);
        }
        rules = new FusionRules(anchors, updated);
    }

    private void need(Op op, int position) {
        for (var operand : OpSchema.operands(op)) {
            needed.putIfAbsent(operand, position);
        }
        for (var body : OpSchema.bodies(op)) {
            body.ops().forEach(inner -> need(inner, position));
        }
    }

    List<Op> run() {
        for (int i = ops.size() - 1; i >= 0; i--) {
            var op = ops.get(i);
            if (op instanceof NestOp.Compute nest) {
                visit(nest, i);
            } else if (op instanceof GraphOp.Constant constant) {
                for (var reader : readersOf(constant.result())) {
                    changeAndTidy(reader, () -> ScalarConstants.inline(reader, constant));
                }
            } else if (op instanceof GraphOp.Dims dims) {
                for (var reader : readersOf(dims.result())) {
                    changeAndTidy(reader, () -> ScalarConstants.inline(reader, dims));
                }
            }
        }
        var fused = new ArrayList<Op>();
        for (int i = 0; i < ops.size(); i++) {
            if (kernels[i] != null) {
                fused.add(close(kernels[i]));
            } else if (!(ops.get(i) instanceof NestOp.Compute)) {
                fused.add(ops.get(i));
            }
        }
        return fused;
    }

    private List<OpenNest> readersOf(Value value) {
        return List.copyOf(readers.getOrDefault(value, Set.of()));
    }

    private void visit(NestOp.Compute nest, int position) {
        var producer = producers[position];
        if (producer == null) {
            open(nest, position);
            return;
        }
        var reading = readersOf(producer.result());
        if (!needed.containsKey(producer.result())) {
            if (reading.isEmpty() && !producer.facts().mayFail()) {
                return;
            }
            if (!reading.isEmpty() && rules.inline(producer, reading)) {
                for (var reader : reading) {
                    put(producer, reader);
                }
                return;
            }
        }
        var storing = storing(producer, reading);
        if (storing.isPresent()) {
            store(producer, storing.get());
        } else {
            open(nest, position);
        }
    }

    private void open(NestOp.Compute nest, int position) {
        var kernel = new OpenNest(nest, position, symbols);
        kernels[position] = kernel;
        tidy(kernel);
        kernel.sources()
                .forEach(source -> readers.computeIfAbsent(source, _ -> new LinkedHashSet<>())
                        .add(kernel));
    }

    private void put(Producer producer, OpenNest reader) {
        var reads = reader.facts().reads(producer.result());
        if (reads.size() == 1
                && producer.isPlain()
                && Collections.disjoint(reader.sources(), producer.nest().inputs())) {
            // Nothing in it can be there already.
            change(reader, () -> Inlining.inline(reader, producer.nest()));
            return;
        }
        var read = reads.getFirst();
        changeAndTidy(reader, () -> {
            Inlining.inline(reader, producer.nest());
            if (producer.isContraction()) {
                nameAxes(reader, producer, read.at());
            }
        });
    }

    private void changeAndTidy(OpenNest kernel, Runnable rewrite) {
        change(kernel, () -> {
            rewrite.run();
            tidy(kernel);
        });
    }

    private void change(OpenNest kernel, Runnable rewrite) {
        var before = kernel.sources();
        rewrite.run();
        var after = kernel.sources();
        for (var source : before) {
            if (!after.contains(source)) {
                readers.get(source).remove(kernel);
            }
        }
        for (var source : after) {
            readers.computeIfAbsent(source, _ -> new LinkedHashSet<>()).add(kernel);
        }
    }

    private static void tidy(OpenNest kernel) {
        AxisSplit.run(kernel);
        Cleanup.run(kernel);
    }

    /// The axes of a contraction come in its own order and, where they are the kernel's, under its names.
    private static void nameAxes(OpenNest kernel, Producer producer, List<Dim> at) {
        var to = ((NestOp.Yield) producer.nest().body().terminator()).to().getFirst();
        var renaming = new HashMap<String, String>();
        var order = new LinkedHashMap<String, Dim>();
        for (int i = 0; i < at.size(); i++) {
            for (var name : at.get(i).symbols()) {
                var extent = kernel.axes().get(name);
                if (extent == null) {
                    continue;
                }
                var wish = at.get(i).symbolName().isPresent()
                        ? to.get(i).symbolName().orElse(name)
                        : name;
                boolean free = !kernel.axes().containsKey(wish) && !order.containsKey(wish);
                var chosen = free ? wish : name;
                renaming.put(name, chosen);
                order.put(chosen, extent);
            }
        }
        kernel.axes().forEach((name, extent) -> {
            if (!renaming.containsKey(name)) {
                order.put(name, extent);
            }
        });
        AxisRewrite.rename(kernel, renaming, order);
    }

    /// The first reader, if it could store the result as well while it computes it at each of its points. All others
    /// that need it must come later.
    private Optional<OpenNest> storing(Producer producer, List<OpenNest> reading) {
        OpenNest first = null;
        for (var reader : reading) {
            if (first == null || reader.position() < first.position()) {
                first = reader;
            }
        }
        if (first == null
                || needed.getOrDefault(producer.result(), Integer.MAX_VALUE) <= first.position()
                || first.updates()
                || !rules.inline(producer, List.of(first))) {
            return Optional.empty();
        }
        var kernel = first;
        return kernel.facts().reads(producer.result()).stream().anyMatch(read -> isOwnPoint(read, kernel))
                ? Optional.of(kernel)
                : Optional.empty();
    }

    private static boolean isOwnPoint(NestOp.Read read, OpenNest kernel) {
        var names = new LinkedHashSet<String>();
        var dims = read.source().tensor().dims();
        for (int i = 0; i < dims.size(); i++) {
            var index = read.at().get(i);
            var name = index.symbolName().filter(kernel.axes()::containsKey);
            boolean whole =
                    name.isPresent() && kernel.axes().get(name.get()).equals(dims.get(i)) && names.add(name.get());
            if (!whole && !(index.isConstant(0) && dims.get(i).isConstant(1))) {
                return false;
            }
        }
        return read.otherwise() == NestOp.Otherwise.PROVEN
                && names.equals(kernel.facts().outputAxes());
    }

    private void store(Producer producer, OpenNest kernel) {
        var read = kernel.facts().reads(producer.result()).stream()
                .filter(candidate -> isOwnPoint(candidate, kernel))
                .findFirst()
                .orElseThrow();
        changeAndTidy(kernel, () -> {
            kernel.addResult(producer.result(), read.result(), read.at());
            Inlining.inline(kernel, producer.nest());
            if (producer.isContraction()) {
                nameAxes(kernel, producer, read.at());
            }
        });
    }

    /// What only gives the elements another shape needs no kernel.
    private static Op close(OpenNest kernel) {
        if (kernel.ops().size() == 1
                && kernel.ops().getFirst() instanceof NestOp.Read read
                && read.otherwise() == NestOp.Otherwise.PROVEN
                && read.indices().isEmpty()
                && !kernel.updates()
                && kernel.results().size() == 1) {
            var result = kernel.results().getFirst();
            var from = ReshapeIndex.flatten(read.source().tensor().dims(), read.at());
            var to = ReshapeIndex.flatten(
                    result.tensor().dims(), kernel.end().to().getFirst());
            boolean all =
                    read.source().tensor().elements().equals(result.tensor().elements());
            if (all && kernel.bounds().areEqual(from, to)) {
                return new GraphOp.Reshape(read.source(), result);
            }
        }
        return kernel.close();
    }
}
