package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Rewriter;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.FactorTypes;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The work of {@link IntegerProducts} in one body.
final class NarrowFactors {
    private final List<FactorTypes> types;
    private final Symbols symbols;
    private final KnownTensors known = new KnownTensors();
    private final List<Op> out = new ArrayList<>();
    /// Tensors that already exist in another element type.
    private final Map<Value, Map<ElementType, Value>> narrowed = new IdentityHashMap<>();

    NarrowFactors(List<FactorTypes> types, Symbols symbols) {
        this.types = types;
        this.symbols = symbols;
    }

    Body run(Body body) {
        for (var op : body.ops()) {
            known.add(op);
            if (!(op instanceof NestOp.Compute nest) || !rewrite(nest)) out.add(op);
        }
        return new Body(body.params(), withoutUnused(out));
    }

    /// Rewrites the product that a nest sums, if an instruction may take it then.
    private boolean rewrite(NestOp.Compute nest) {
        var sums = nest.body().ops().stream()
                .filter(op -> op instanceof NestOp.Sum || op instanceof NestOp.Reduce)
                .toList();
        if (sums.size() != 1 || !nest.into().isEmpty() || !(sums.getFirst() instanceof NestOp.Sum sum)) return false;
        var scalars = NestScalars.of(nest);
        if (!(scalars.definition(sum.value()) instanceof ArithOp.Mul product)) return false;
        for (var type : types) {
            if (sum.result().type().elementType() != type.sum()) continue;
            if (rewrite(nest, scalars, sum, product.left(), product.right(), type)
                    || rewrite(nest, scalars, sum, product.right(), product.left(), type)) {
                return true;
            }
        }
        return false;
    }

    private boolean rewrite(
            NestOp.Compute nest, NestScalars scalars, NestOp.Sum sum, Value left, Value right, FactorTypes type) {
        var panel = panel(scalars, right, type.panel());
        if (panel.isEmpty()) return false;
        var shared = shared(nest, scalars, left, type.shared());
        if (shared.isEmpty()) return false;
        var matrix = constant(panel.get());
        var columns = shared.get().hasOffset() ? columnSums(nest, panel.get(), matrix, sum) : Optional.<Value>empty();
        if (shared.get().hasOffset() && columns.isEmpty()) return false;
        var tensor = tensor(shared.get());
        product(nest, sum, shared.get(), tensor, panel.get(), matrix, type, columns);
        return true;
    }

    // -------------------------------------------------------------------------------------------------- what is known

    /// A known factor whose elements fit a type, which may be narrower than the one that is wanted.
    private record Panel(NestOp.Read read, Tensor elements, ElementType type) {}

    private Optional<Panel> panel(NestScalars scalars, Value factor, ElementType wanted) {
        var definition = scalars.definition(factor);
        if (definition instanceof ArithOp.Cast cast && cast.operand().type().elementType().isInteger()) {
            definition = scalars.definition(cast.operand());
        }
        if (!(definition instanceof NestOp.Read read)
                || read.otherwise() != Otherwise.PROVEN
                || !read.indices().isEmpty()
                || !read.result().type().elementType().isInteger()) {
            return Optional.empty();
        }
        var elements = known.find(read.source());
        if (elements.isEmpty()) return Optional.empty();
        var range = Range.of(elements.get());
        var narrow = wanted == ElementType.I16 && range.fits(ElementType.I8) ? ElementType.I8 : wanted;
        return range.fits(narrow) ? Optional.of(new Panel(read, elements.get(), narrow)) : Optional.empty();
    }

    private Value constant(Panel panel) {
        var source = panel.read().source();
        if (source.tensor().element() == panel.type() && known.definition(source) instanceof GraphOp.Constant) return source;
        return narrowed.computeIfAbsent(source, _ -> new HashMap<>()).computeIfAbsent(panel.type(), type -> {
            var elements = panel.elements();
            int count = Math.toIntExact(elements.elements());
            var result = Value.of(new Type.Tensor(type, source.tensor().dims()), source.hint() + "_narrow");
            var bytes = new byte[type.bits() == 8 ? count : 0];
            var shorts = new short[type.bits() == 16 ? count : 0];
            for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) elements.getLong(i);
            for (int i = 0; i < shorts.length; i++) shorts[i] = (short) elements.getLong(i);
            add(KnownTensors.constant(
                    type.bits() == 8 ? Tensor.of(bytes, elements.shape()) : Tensor.of(shorts, elements.shape()), result));
            return result;
        });
    }

    /// The sum of each column of the known matrix, along the axes of the nest that it lies along and that stay.
    private Optional<Value> columnSums(NestOp.Compute nest, Panel panel, Value matrix, NestOp.Sum sum) {
        var axes = new ArrayList<Axis>();
        var kept = new ArrayList<Axis>();
        for (var axis : nest.axes()) {
            if (panel.read().at().stream().noneMatch(index -> index.symbols().contains(axis.name()))) continue;
            axes.add(axis);
            if (!sum.over().contains(axis.name())) kept.add(axis);
        }
        boolean all = axes.size() - kept.size() == sum.over().size();
        if (!all || axes.stream().anyMatch(axis -> !axis.extent().isConstant())) return Optional.empty();
        var element = Value.of(Type.scalar(panel.type()), "w");
        var wide = Value.of(sum.result().type(), "w");
        var total = Value.of(sum.result().type(), "s");
        var to = kept.stream().map(axis -> Dim.symbol(axis.name())).toList();
        var result = Value.of(
                new Type.Tensor(sum.result().type().elementType(), kept.stream().map(Axis::extent).toList()),
                panel.read().source().hint() + "_sums");
        var body = new Body(List.of(), List.of(
                new NestOp.Read(matrix, List.of(), Optional.empty(), panel.read().at(), Otherwise.PROVEN, element),
                new ArithOp.Cast(element, wide),
                new NestOp.Sum(wide, sum.over(), total),
                new NestOp.Yield(List.of(total), List.of(), List.of(to))));
        var sums = new NestOp.Compute(List.of(matrix), List.of(), axes, nest.origin(), body, List.of(result));
        return known.run(sums).map(tensor -> {
            add(KnownTensors.constant(tensor, result));
            return result;
        });
    }

    private void add(Op op) {
        known.add(op);
        out.add(op);
    }

    // ------------------------------------------------------------------------------------------ what comes with a run

    /// A factor whose elements are those of a narrow tensor less an offset.
    ///
    /// @param read where the product reads it
    /// @param producer the nest that computes what is read; null if it is narrow in memory
    /// @param bytes the byte and what is subtracted from it, in the producer or in the product
    /// @param wide the difference, there too
    /// @param type the element type to have
    /// @param shift what is added to the byte to get there; the offset grows by it
    private record Shared(
            NestOp.Read read, NestOp.Compute producer, Bytes bytes, Value wide, ElementType type, long shift) {
        /// Pairs of 16 bits hold the difference itself.
        boolean isDifference() {
            return type == ElementType.I16;
        }

        boolean hasOffset() {
            return !isDifference() && (bytes.offset() != null || shift != 0);
        }
    }

    private Optional<Shared> shared(NestOp.Compute nest, NestScalars scalars, Value factor, ElementType wanted) {
        NestOp.Compute producer = null;
        var bytes = Bytes.of(scalars, factor, known);
        var wide = factor;
        NestOp.Read read;
        if (bytes != null && scalars.definition(bytes.element()) instanceof NestOp.Read own) {
            // Outside of the tensor the byte is 0 here, from which the offset is still subtracted; below, the difference is 0.
            if (own.otherwise() == Otherwise.ZERO && bytes.offset() != null) return Optional.empty();
            read = own;
        } else if (scalars.definition(factor) instanceof NestOp.Read own && producer(own.source()) instanceof NestOp.Compute made) {
            read = own;
            producer = made;
            wide = end(made).values().get(made.results().indexOf(own.source()));
            bytes = Bytes.of(NestScalars.of(made), wide, known);
        } else {
            return Optional.empty();
        }
        boolean readable = read.indices().isEmpty()
                && (read.otherwise() == Otherwise.PROVEN || read.otherwise() == Otherwise.ZERO);
        if (bytes == null || !readable) return Optional.empty();
        var element = bytes.element().type().elementType();
        if (wanted == ElementType.I16) {
            boolean fits = bytes.range(element).fits(ElementType.I16);
            return fits ? Optional.of(new Shared(read, producer, bytes, wide, wanted, 0)) : Optional.empty();
        }
        if (wanted.bits() != 8) return Optional.empty();
        long shift = element == wanted ? 0 : wanted.isSigned() ? -128 : 128;
        var shared = new Shared(read, producer, bytes, wide, wanted, shift);
        // Outside of the tensor the difference is 0, so the element is what is subtracted from it.
        boolean guarded = read.otherwise() == Otherwise.ZERO && shared.hasOffset();
        return !guarded || bytes.offsets().plus(shift).fits(wanted) ? Optional.of(shared) : Optional.empty();
    }

    private NestOp.Compute producer(Value tensor) {
        return known.definition(tensor) instanceof NestOp.Compute nest
                        && nest.into().isEmpty()
                        && end(nest).indices().isEmpty()
                ? nest
                : null;
    }

    private static NestOp.Yield end(NestOp.Compute nest) {
        return (NestOp.Yield) nest.body().terminator();
    }

    /// The narrow tensor: one more result of the nest that computes it, or what a nest of its own converts.
    private Value tensor(Shared shared) {
        var source = shared.read().source();
        if (shared.producer() == null && source.tensor().element() == shared.type()) return source;
        boolean sharable = shared.producer() != null || shared.bytes().offset() == null || !shared.isDifference();
        var existing = narrowed.computeIfAbsent(source, _ -> new HashMap<>());
        if (sharable && existing.get(shared.type()) instanceof Value tensor) return tensor;
        var result = Value.of(new Type.Tensor(shared.type(), source.tensor().dims()), source.hint() + "_narrow");
        if (shared.producer() != null) {
            widen(shared, result);
        } else {
            add(conversion(shared, result));
        }
        if (sharable) existing.put(shared.type(), result);
        return result;
    }

    private void widen(Shared shared, Value result) {
        var nest = shared.producer();
        var end = end(nest);
        var ops = new ArrayList<>(nest.body().ops());
        ops.removeLast();
        var element = narrow(shared, shared.bytes().element(), shared.wide(), ops);
        var values = new ArrayList<>(end.values());
        values.add(element);
        var to = new ArrayList<>(end.to());
        to.add(end.to().get(nest.results().indexOf(shared.read().source())));
        ops.add(new NestOp.Yield(values, end.indices(), to));
        var results = new ArrayList<>(nest.results());
        results.add(result);
        var more = new NestOp.Compute(
                nest.inputs(), nest.into(), nest.axes(), nest.origin(), new Body(nest.body().params(), ops), results);
        out.replaceAll(op -> op == nest ? more : op);
        known.replace(nest, more);
    }

    private NestOp.Compute conversion(Shared shared, Value result) {
        var source = shared.read().source();
        var ops = new ArrayList<Op>();
        var inputs = new ArrayList<>(List.of(source));
        var byteElement = shared.bytes().element().copy();
        var axes = new ArrayList<Axis>();
        for (int i = 0; i < source.tensor().rank(); i++) axes.add(new Axis("p" + i, source.tensor().dim(i)));
        var at = axes.stream().map(axis -> Dim.symbol(axis.name())).toList();
        ops.add(new NestOp.Read(source, List.of(), Optional.empty(), at, Otherwise.PROVEN, byteElement));
        Value wide = null;
        if (shared.isDifference()) {
            wide = shared.wide().copy();
            if (shared.bytes().offset() == null) {
                ops.add(new ArithOp.Cast(byteElement, wide));
            } else {
                var offset = shared.bytes().copyOffset(ops, inputs);
                var cast = wide.copy();
                ops.add(new ArithOp.Cast(byteElement, cast));
                ops.add(new ArithOp.Sub(cast, offset, wide));
            }
        }
        var element = narrow(shared, byteElement, wide, ops);
        ops.add(new NestOp.Yield(List.of(element), List.of(), List.of(at)));
        return new NestOp.Compute(inputs, List.of(), axes, List.of(), new Body(List.of(), ops), List.of(result));
    }

    private static Value narrow(Shared shared, Value element, Value wide, List<Op> ops) {
        if (shared.isDifference()) return cast(wide, shared.type(), ops);
        if (shared.shift() == 0) return element;
        var number = cast(element, ElementType.I32, ops);
        var moved = number.copy();
        ops.add(new ArithOp.Add(number, integer(shared.shift(), ops), moved));
        return cast(moved, shared.type(), ops);
    }

    private static Value cast(Value value, ElementType type, List<Op> ops) {
        if (value.type().elementType() == type) return value;
        var result = Value.of(Type.scalar(type), value.hint());
        ops.add(new ArithOp.Cast(value, result));
        return result;
    }

    private static Value integer(long number, List<Op> ops) {
        var result = Value.of(Type.scalar(ElementType.I32), "shift");
        ops.add(new ArithOp.Integer(number, result));
        return result;
    }

    // ------------------------------------------------------------------------------------------------------ the product

    private void product(
            NestOp.Compute nest,
            NestOp.Sum sum,
            Shared shared,
            Value tensor,
            Panel panel,
            Value matrix,
            FactorTypes type,
            Optional<Value> columnSums) {
        var open = new OpenNest(nest, 0, symbols);
        var ops = new ArrayList<Op>();
        var rewriter = new Rewriter();
        for (var op : open.ops()) {
            if (op != sum) {
                ops.add(rewriter.copy(op));
                continue;
            }
            var offset = shared.hasOffset() ? offset(shared, ops) : null;
            boolean guarded = offset != null && shared.read().otherwise() == Otherwise.ZERO;
            var left = Value.of(Type.scalar(shared.type()), shared.read().result().hint());
            ops.add(new NestOp.Read(
                    tensor,
                    List.of(),
                    guarded ? Optional.of(cast(offset, shared.type(), ops)) : Optional.empty(),
                    shared.read().at(),
                    guarded ? Otherwise.OTHER : shared.read().otherwise(),
                    left));
            var right = Value.of(Type.scalar(panel.type()), panel.read().result().hint());
            ops.add(new NestOp.Read(matrix, List.of(), Optional.empty(), panel.read().at(), Otherwise.PROVEN, right));
            var product = Value.of(sum.value().type(), "p");
            ops.add(new ArithOp.Mul(
                    cast(left, type.sum(), ops), cast(cast(right, type.panel(), ops), type.sum(), ops), product));
            var total = sum.result().copy();
            ops.add(new NestOp.Sum(product, sum.over(), total));
            rewriter.replace(sum.result(), columnSums.map(sums -> corrected(total, offset, sums, nest, panel, sum, ops)).orElse(total));
        }
        open.setBody(ops, (NestOp.Yield) rewriter.copy(open.end()));
        Cleanup.run(open);
        var closed = open.close();
        known.replace(nest, closed);
        out.add(closed);
    }

    /// What is subtracted from each element of the narrow tensor, in the product.
    private static Value offset(Shared shared, List<Op> ops) {
        var own = shared.bytes().offset();
        if (own == null) return integer(shared.shift(), ops);
        var offset = shared.producer() == null ? own : shared.bytes().copyOffset(ops, new ArrayList<>());
        if (shared.shift() == 0) return offset;
        var moved = offset.copy();
        ops.add(new ArithOp.Add(offset, integer(shared.shift(), ops), moved));
        return moved;
    }

    private static Value corrected(
            Value total, Value offset, Value sums, NestOp.Compute nest, Panel panel, NestOp.Sum sum, List<Op> ops) {
        var at = nest.axes().stream()
                .map(Axis::name)
                .filter(axis -> !sum.over().contains(axis))
                .filter(axis -> panel.read().at().stream().anyMatch(index -> index.symbols().contains(axis)))
                .map(Dim::symbol)
                .toList();
        var column = total.copy();
        var excess = total.copy();
        var corrected = total.copy();
        ops.add(new NestOp.Read(sums, List.of(), Optional.empty(), List.copyOf(at), Otherwise.PROVEN, column));
        ops.add(new ArithOp.Mul(offset, column, excess));
        ops.add(new ArithOp.Sub(total, excess, corrected));
        return corrected;
    }

    // ------------------------------------------------------------------------------------------------ what is left over

    /// Without the results of nests, and without the constants, that nobody needs now.
    private List<Op> withoutUnused(List<Op> ops) {
        var used = Collections.<Value>newSetFromMap(new IdentityHashMap<>());
        var kept = new ArrayList<Op>();
        for (var op : ops.reversed()) {
            if (op instanceof GraphOp.Constant constant && !used.contains(constant.result())) continue;
            var needed = op;
            if (op instanceof NestOp.Compute nest && nest.into().isEmpty()) {
                needed = needed(nest, used);
                if (needed == null) continue;
            }
            use(needed, used);
            kept.add(needed);
        }
        return kept.reversed();
    }

    private static void use(Op op, Set<Value> used) {
        used.addAll(OpSchema.operands(op));
        for (var body : OpSchema.bodies(op)) body.ops().forEach(inner -> use(inner, used));
    }

    /// The nest with the results that are used alone; null if none is.
    private Op needed(NestOp.Compute nest, Set<Value> used) {
        if (used.containsAll(nest.results())) return nest;
        var end = end(nest);
        var results = new ArrayList<Value>();
        var values = new ArrayList<Value>();
        var to = new ArrayList<List<Dim>>();
        for (int i = 0; i < nest.results().size(); i++) {
            if (!used.contains(nest.results().get(i))) continue;
            results.add(nest.results().get(i));
            values.add(end.values().get(i));
            to.add(end.to().get(i));
        }
        if (results.isEmpty()) return null;
        var ops = new ArrayList<>(nest.body().ops());
        ops.set(ops.size() - 1, new NestOp.Yield(values, end.indices(), to));
        var open = new OpenNest(
                new NestOp.Compute(
                        nest.inputs(), nest.into(), nest.axes(), nest.origin(), new Body(nest.body().params(), ops), results),
                0,
                symbols);
        Cleanup.run(open);
        return open.close();
    }
}
