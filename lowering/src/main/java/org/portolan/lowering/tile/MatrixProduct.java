package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A nest that is nothing but the product of two matrices, once for each point of other axes, as a matrix unit takes it:
/// rows of the left one and rows of the right one, along which the sums run, lie in a piece; a constant right one is laid
/// out so. The machine says that it has such a unit by the intrinsics {@code matrix.f32}, {@code matrix.f16} and so on
/// for the elements that are multiplied, and {@code matrix.f32.turned} where the right one is named {@code [k, n]}.
///
/// @param rows the axis of the left matrix and the result
/// @param turned whether the right one is read at {@code [k, n]}
record MatrixProduct(NestOp.Read left, NestOp.Read right, String rows, String columns, String sum, boolean turned, String intrinsic) {
    /// What the unit works on at once.
    private static final long BLOCK_BYTES = 32;

    private static final long BLOCK = 16;
    /// The longest row that a copy can step over, in elements.
    private static final long LONGEST_ROW = 65535;

    static Optional<MatrixProduct> match(NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant) {
        var nest = analysis.nest();
        if (!nest.into().isEmpty() || nest.results().size() != 1 || analysis.reductions().size() != 1) {
            return Optional.empty();
        }
        var reduction = analysis.reductions().getFirst();
        boolean plain = reduction.isSum()
                && reduction.over().size() == 1
                && analysis.terminator().values().getFirst() == reduction.results().getFirst()
                && analysis.definition(reduction.values().getFirst()) instanceof ArithOp.Mul;
        if (!plain) {
            return Optional.empty();
        }
        var product = (ArithOp.Mul) analysis.definition(reduction.values().getFirst());
        var one = factor(analysis, product.left());
        var other = factor(analysis, product.right());
        if (one.isEmpty() || other.isEmpty()) {
            return Optional.empty();
        }
        var axes = analysis.terminator().to().getFirst().stream().map(index -> index.symbolName().orElse("")).toList();
        if (axes.size() < 2 || axes.contains("") || new LinkedHashSet<>(axes).size() != axes.size()) {
            return Optional.empty();
        }
        return of(analysis, machine, isConstant, one.get(), other.get(), axes, reduction.over().getFirst())
                .or(() -> of(analysis, machine, isConstant, other.get(), one.get(), axes, reduction.over().getFirst()));
    }

    /// What is multiplied: a read, converted to what is summed or not.
    private static Optional<NestOp.Read> factor(NestAnalysis analysis, Value value) {
        var definition = analysis.definition(value) instanceof ArithOp.Cast cast
                ? analysis.definition(cast.operand())
                : analysis.definition(value);
        return definition instanceof NestOp.Read read
                        && read.indices().isEmpty()
                        && read.otherwise() == NestOp.Otherwise.PROVEN
                        && read.at().size() >= 2
                ? Optional.of(read)
                : Optional.empty();
    }

    private static Optional<MatrixProduct> of(
            NestAnalysis analysis,
            MachineOp.Chip machine,
            Predicate<Value> isConstant,
            NestOp.Read left,
            NestOp.Read right,
            List<String> axes,
            String sum) {
        var rows = axes.get(axes.size() - 2);
        var columns = axes.getLast();
        var element = left.source().type().elementType();
        if (right.source().type().elementType() != element || !isSummed(element, analysis.nest().results().getFirst())) {
            return Optional.empty();
        }
        boolean turned = right.at().equals(List.of(Dim.symbol(sum), Dim.symbol(columns))) && isConstant.test(right.source());
        boolean rightFits = turned || isRows(right, columns, sum, rows);
        long depth = analysis.constantExtent(sum).orElse(-1);
        boolean wholeBlocks = depth > 0
                && depth % (BLOCK_BYTES * 8 / element.bits()) == 0
                && analysis.constantExtent(columns).orElse(-1) % BLOCK == 0;
        var name = "matrix." + element.text() + (turned ? ".turned" : "");
        boolean known = machine.intrinsics().ops().stream()
                .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic && intrinsic.name().equals(name));
        return rightFits && wholeBlocks && known && isRows(left, rows, sum, columns)
                ? Optional.of(new MatrixProduct(left, right, rows, columns, sum, turned, name))
                : Optional.empty();
    }

    private static boolean isSummed(ElementType element, Value result) {
        var summed = result.type().elementType();
        return switch (element) {
            case F32, F16, BF16 -> summed == ElementType.F32;
            case I8 -> summed == ElementType.I32;
            default -> false;
        };
    }

    /// Whether the last two axes of a source are the rows and what is summed over, neither of which stands elsewhere.
    private static boolean isRows(NestOp.Read read, String rows, String sum, String absent) {
        int last = read.at().size() - 1;
        for (int axis = 0; axis <= last; axis++) {
            var symbols = read.at().get(axis).symbols();
            boolean own = axis == last ? symbols.contains(sum) && !symbols.contains(rows) : !symbols.contains(sum);
            boolean row = axis == last - 1
                    ? read.at().get(axis).symbolName().equals(Optional.of(rows))
                    : !symbols.contains(rows);
            if (!own || !row || symbols.contains(absent)) {
                return false;
            }
        }
        return NestAnalysis.stride(read.at().get(last), sum).orElse(0) == 1
                && read.source().tensor().dim(last) instanceof Dim.Constant(long length)
                && length <= LONGEST_ROW;
    }

    /// The kernel's operations: a call for each point of the other axes.
    List<Op> emit(NestAnalysis analysis, Map<Value, Value> buffers) {
        var others = new ArrayList<>(analysis.storeAxes(0));
        others.remove(rows);
        others.remove(columns);
        var ops = new ArrayList<Op>();
        loops(analysis, buffers, others, 0, new ArrayList<>(), ops);
        return ops;
    }

    private void loops(
            NestAnalysis analysis, Map<Value, Value> buffers, List<String> others, int index, List<Value> counters, List<Op> ops) {
        if (index == others.size()) {
            call(analysis, buffers, others, counters, ops);
            return;
        }
        var counter = Value.of(Type.INDEX, others.get(index));
        var inner = new ArrayList<Op>();
        var next = new ArrayList<>(counters);
        next.add(counter);
        loops(analysis, buffers, others, index + 1, next, inner);
        inner.add(new TileOp.Yield(List.of()));
        ops.add(new TileOp.For(
                number(Dim.ZERO, ops),
                number(analysis.extent(others.get(index)), ops),
                number(Dim.ONE, ops),
                List.of(),
                TileOp.Bind.SERIAL,
                new Body(List.of(counter), inner),
                List.of()));
    }

    private void call(
            NestAnalysis analysis, Map<Value, Value> buffers, List<String> others, List<Value> counters, List<Op> ops) {
        var result = analysis.nest().results().getFirst();
        var place = new Place(analysis, others, counters, ops);
        var to = place.view(buffers.get(result), analysis.terminator().to().getFirst(), rows, columns);
        var from = place.view(buffers.get(left.source()), left.at(), rows, sum);
        var by = turned
                ? buffers.get(right.source())
                : place.view(buffers.get(right.source()), right.at(), columns, sum);
        ops.add(new TileOp.Call(List.of(to, from, by), intrinsic, List.of()));
    }

    private static Value number(Dim value, List<Op> ops) {
        var result = Value.of(Type.INDEX, "n");
        ops.add(new TileOp.Expression(List.of(), value, result));
        return result;
    }

    private record Place(NestAnalysis analysis, List<String> others, List<Value> counters, List<Op> ops) {

        /// The matrix of two axes at this point of the others.
        Value view(Value buffer, List<Dim> at, String rows, String columns) {
            var offsets = new ArrayList<Value>();
            for (var index : at) {
                var first = index.substitute(name -> {
                    if (name.equals(rows) || name.equals(columns)) {
                        return Dim.ZERO;
                    }
                    int other = others.indexOf(name);
                    return other < 0 ? null : Dim.symbol("$" + other);
                });
                var offset = Value.of(Type.INDEX, "first");
                ops.add(new TileOp.Expression(counters, first, offset));
                offsets.add(offset);
            }
            var extents = List.of(analysis.extent(rows), analysis.extent(columns));
            var type = buffer.buffer();
            var layout = new IndexMap(List.of("i", "j"), List.of(Dim.symbol("i"), Dim.symbol("j")));
            var part = new Type.Buffer(
                    type.element(),
                    extents,
                    Type.Space.GLOBAL,
                    Optional.of(layout),
                    List.of(extents.getFirst(), type.dims().getLast()));
            var view = Value.of(part, buffer.hint());
            ops.add(new TileOp.View(buffer, offsets, view));
            return view;
        }
    }
}
