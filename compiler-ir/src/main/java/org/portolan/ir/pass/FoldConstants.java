package org.portolan.ir.pass;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.interpreter.InterpreterOptions;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;

/// Computes, on the interpreter, what depends on constants alone, as far as the result is no larger than the constants
/// it comes from: factors and biases of normalisations, transposed or converted weights. A broadcast stays, as it costs
/// nothing; what it broadcasts is computed. The constants and operations that are no longer needed are left for
/// {@link Canonicalize} to drop.
///
/// A small model must not become a large program: results that grow by more than a few kilobytes are not computed, nor
/// more than {@value #MEMORY} bytes in all.
public record FoldConstants() implements Pass {
    private static final long MEMORY = 64L << 20;
    private static final long ALWAYS = 4096;
    private static final long MULTIPLICATIONS = 50_000_000;
    private static final int LITERAL = 64;

    @Override
    public List<Op> run(List<Op> module) {
        var result = new ArrayList<Op>(module.size());
        for (var op : module) {
            result.add(op instanceof GraphOp.Function function ? new Folding().function(function) : op);
        }
        return result;
    }

    /// One function: first finds what can be computed, then what of it somebody else reads, then computes that.
    private static final class Folding {
        /// The operations that depend on constants alone, by their result.
        private final Map<Value, Op> computable = new IdentityHashMap<>();

        private final Map<Op, Integer> order = new IdentityHashMap<>();
        private final Map<Op, Op> replacements = new IdentityHashMap<>();
        private final Set<Value> visited = Collections.newSetFromMap(new IdentityHashMap<>());
        private long budget = MEMORY;

        GraphOp.Function function(GraphOp.Function function) {
            find(function.body());
            if (computable.isEmpty()) {
                return function;
            }
            readers(function.body());
            return replacements.isEmpty() ? function : (GraphOp.Function) replaced(function);
        }

        private void find(Body body) {
            for (var op : body.ops()) {
                order.put(op, order.size());
                if (isComputable(op)) {
                    computable.put(OpSchema.results(op).getFirst(), op);
                } else if (!(op instanceof GraphOp.Map)) {
                    OpSchema.bodies(op).forEach(this::find);
                }
            }
        }

        private boolean isComputable(Op op) {
            if (!(op instanceof GraphOp && op instanceof Op.Pure) || OpSchema.results(op).size() != 1) {
                return false;
            }
            if (op instanceof GraphOp.Convolution || op instanceof GraphOp.ConvolutionTranspose) {
                return false;
            }
            if (op instanceof GraphOp.MatMul product && multiplications(product) > MULTIPLICATIONS) {
                return false;
            }
            if (op instanceof GraphOp.Constant constant && constant.data() instanceof Resource.Texts) {
                return false;
            }
            return bytes(OpSchema.results(op).getFirst()).isPresent()
                    && OpSchema.of(op).components().stream().allMatch(component -> isNumber(OpSchema.get(component, op)))
                    && OpSchema.operands(op).stream().allMatch(computable::containsKey);
        }

        /// Whether an attribute depends on no symbol.
        private static boolean isNumber(Object attribute) {
            return switch (attribute) {
                case Dim dim -> dim.isConstant();
                case List<?> list -> list.stream().allMatch(Folding::isNumber);
                default -> true;
            };
        }

        private static long multiplications(GraphOp.MatMul product) {
            var dims = product.lhs().tensor().dims();
            var count = product.result().tensor().elements().times(dims.getLast());
            return count.constant().orElse(Long.MAX_VALUE);
        }

        /// The size of a tensor of known extents.
        private static Optional<Long> bytes(Value value) {
            return value.type() instanceof Type.Tensor tensor
                            && tensor.dims().stream().allMatch(Dim::isConstant)
                    ? Optional.of(tensor.element()
                            .bytes(tensor.elements().constant().orElseThrow()))
                    : Optional.empty();
        }

        private void readers(Body body) {
            for (var op : body.ops()) {
                boolean isRoot = OpSchema.results(op).size() == 1
                        && computable.containsKey(OpSchema.results(op).getFirst());
                if (!isRoot) {
                    OpSchema.operands(op).stream().filter(computable::containsKey).forEach(this::fold);
                    if (!(op instanceof GraphOp.Map)) {
                        OpSchema.bodies(op).forEach(this::readers);
                    }
                }
            }
        }

        /// Computes a value that somebody needs, or where that does not pay, what it is made of.
        private void fold(Value root) {
            var open = new ArrayDeque<>(List.of(root));
            while (!open.isEmpty()) {
                var value = open.pop();
                if (!visited.add(value)) {
                    continue;
                }
                var op = computable.get(value);
                boolean stays = op instanceof GraphOp.Constant
                        || op instanceof GraphOp.Broadcast
                        || isIota(op)
                        || op instanceof GraphOp.Dims;
                var folded = stays ? Optional.<Resource>empty() : renamed(op).or(() -> computed(value));
                if (folded.isPresent()) {
                    replacements.put(op, new GraphOp.Constant(folded.get(), value));
                } else {
                    OpSchema.operands(op).forEach(open::push);
                }
            }
        }

        /// What counts along an axis, whatever its extents are called: its numbers are not worth a table.
        private boolean isIota(Op op) {
            var current = op;
            while (!(current instanceof GraphOp.Iota)) {
                if (current instanceof GraphOp.Reshape(var input, var _)) {
                    current = computable.get(input);
                } else if (current instanceof GraphOp.Broadcast(var input, var _)) {
                    current = computable.get(input);
                } else {
                    return false;
                }
            }
            return true;
        }

        /// A constant under other extents is the same bytes.
        private Optional<Resource> renamed(Op op) {
            return op instanceof GraphOp.Reshape(var input, var _)
                            && computable.get(input) instanceof GraphOp.Constant(var data, var _)
                    ? Optional.of(data)
                    : Optional.empty();
        }

        private Optional<Resource> computed(Value value) {
            var needed = needed(value);
            long source = needed.stream()
                    .filter(GraphOp.Constant.class::isInstance)
                    .mapToLong(op -> bytes(OpSchema.results(op).getFirst()).orElse(0L))
                    .sum();
            long size = bytes(value).orElseThrow();
            if (size > source + ALWAYS || size > budget) {
                return Optional.empty();
            }
            var ops = new ArrayList<>(needed);
            ops.add(new GraphOp.Return(List.of(value)));
            var function = new GraphOp.Function("constants", List.of(), new Body(List.of(), ops));
            try {
                var options = InterpreterOptions.defaults().withByteLimit(8 * MEMORY);
                var results = new GraphInterpreter(function, options).runArrays(List.of());
                budget -= size;
                return Optional.of(resource(value, results.getFirst().toTensor()));
            } catch (PortolanException e) {
                return Optional.empty(); // it would take too much memory: left to the run
            }
        }

        /// The operations that a value takes, in order.
        private List<Op> needed(Value root) {
            var found = Collections.<Op>newSetFromMap(new IdentityHashMap<>());
            var open = new ArrayDeque<>(List.of(root));
            while (!open.isEmpty()) {
                var op = computable.get(open.pop());
                if (found.add(op)) {
                    OpSchema.operands(op).forEach(open::push);
                }
            }
            return found.stream().sorted(Comparator.comparing(order::get)).toList();
        }

        private static Resource resource(Value value, Tensor tensor) {
            if (tensor.elements() > LITERAL) {
                return ResourceBytes.computed(value.hint(), tensor.data());
            }
            if (tensor.type().isFloat()) {
                var numbers = new ArrayList<Double>();
                for (long i = 0; i < tensor.elements(); i++) {
                    numbers.add(tensor.getDouble(i));
                }
                return new Resource.Floats(numbers);
            }
            var numbers = new ArrayList<Long>();
            for (long i = 0; i < tensor.elements(); i++) {
                numbers.add(tensor.getLong(i));
            }
            return new Resource.Integers(numbers);
        }

        private Op replaced(Op op) {
            var replacement = replacements.get(op);
            return replacement != null
                    ? replacement
                    : OpSchema.rebuild(op, value -> value, value -> value, this::replaced);
        }

        private Body replaced(Body body) {
            var ops = body.ops().stream().map(this::replaced).toList();
            return new Body(body.params(), ops);
        }
    }
}
