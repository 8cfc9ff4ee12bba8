package org.portolan.lowering.tile;

import java.util.ArrayList;
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
/// rows of the left one, along which the sums run, lie in a piece; of the right one either those do or what one term of the
/// sums needs. The machine says that it has such a unit by intrinsics for the elements that are multiplied:
///
/// - {@code matrix.f32} takes the right one as {@code [n, k]},
/// - {@code matrix.f32.columns} takes it as {@code [k, n]},
/// - {@code matrix.f32.turned} computes the second and takes what the first does: a constant, laid out so.
///
/// The unit writes {@value #BLOCK} columns of the result at a time, so that its rows have room for them.
///
/// @param rows the axis of the left matrix and the result
record MatrixProduct(NestOp.Read left, NestOp.Read right, String rows, String columns, String sum, Form form, String intrinsic) {
    /// How the right matrix lies.
    enum Form {
        ROWS(""),
        TURNED(".turned"),
        COLUMNS(".columns");

        private final String suffix;

        Form(String suffix) {
            this.suffix = suffix;
        }
    }

    /// The unit's name for an element type; with a suffix for each form of the right matrix.
    static final String UNIT = "matrix.";

    /// How many columns are written at once.
    static final long BLOCK = 16;

    static Optional<MatrixProduct> match(NestAnalysis analysis, MachineOp.Chip machine, Predicate<Value> isConstant) {
        var nest = analysis.nest();
        if (!nest.into().isEmpty() || nest.results().size() != 1 || analysis.reductions().size() != 1) {
            return Optional.empty();
        }
        var reduction = analysis.reductions().getFirst();
        boolean plain = reduction.isSum()
                && reduction.over().size() == 1
                && analysis.terminator().indices().isEmpty()
                && analysis.terminator().to().getFirst().size() >= 2
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
        var sum = reduction.over().getFirst();
        return of(analysis, machine, isConstant, one.get(), other.get(), sum)
                .or(() -> of(analysis, machine, isConstant, other.get(), one.get(), sum));
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
            String sum) {
        var element = left.source().type().elementType();
        if (right.source().type().elementType() != element
                || !isSummed(element, analysis.nest().results().getFirst())) {
            return Optional.empty();
        }
        var to = analysis.terminator().to().getFirst();
        var ofLeft = analysis.free(left.result());
        var ofRight = analysis.free(right.result());
        for (var columns : to.getLast().symbols()) {
            for (var rows : to.get(to.size() - 2).symbols()) {
                boolean apart = ofRight.contains(columns)
                        && !ofLeft.contains(columns)
                        && ofLeft.contains(rows)
                        && !ofRight.contains(rows);
                if (!apart
                        || !isMatrix(to, rows, columns)
                        || !hasRoom(analysis, columns)
                        || !isMatrix(left.at(), rows, sum)) {
                    continue;
                }
                for (var form : Form.values()) {
                    var name = UNIT + element.text() + form.suffix;
                    if (has(machine, name) && fits(form, right, columns, sum, isConstant)) {
                        return Optional.of(new MatrixProduct(left, right, rows, columns, sum, form, name));
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static boolean fits(Form form, NestOp.Read right, String columns, String sum, Predicate<Value> isConstant) {
        return switch (form) {
            case ROWS -> isMatrix(right.at(), columns, sum);
            case TURNED ->
                isConstant.test(right.source()) && right.at().equals(List.of(Dim.symbol(sum), Dim.symbol(columns)));
            case COLUMNS -> isMatrix(right.at(), sum, columns);
        };
    }

    /// Whether a machine has such an intrinsic.
    static boolean has(MachineOp.Chip machine, String name) {
        return machine.intrinsics().ops().stream()
                .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic && intrinsic.name().equals(name));
    }

    private static boolean isSummed(ElementType element, Value result) {
        var summed = result.type().elementType();
        return switch (element) {
            case F32, F16, BF16 -> summed == ElementType.F32;
            case I8 -> summed == ElementType.I32;
            default -> false;
        };
    }

    /// Whether the last two axes of a tensor are two of the nest: neighbours of {@code across} lie next to each other, and
    /// neither stands elsewhere.
    private static boolean isMatrix(List<Dim> at, String rows, String across) {
        int last = at.size() - 1;
        for (int axis = 0; axis <= last; axis++) {
            var symbols = at.get(axis).symbols();
            if (symbols.contains(across) != (axis == last) || symbols.contains(rows) != (axis == last - 1)) {
                return false;
            }
        }
        return NestAnalysis.stride(at.get(last), across).orElse(0) == 1
                && NestAnalysis.stride(at.get(last - 1), rows).orElse(0) == 1;
    }

    /// Whether whole blocks of columns can be written: they end where the result's do, or it has rows of whole blocks. What
    /// one core writes is no neighbour of what another does.
    private static boolean hasRoom(NestAnalysis analysis, String columns) {
        var result = analysis.nest().results().getFirst();
        var index = analysis.terminator().to().getFirst().getLast();
        var pitch = result.tensor().dims().getLast();
        var extent = analysis.extent(columns);
        if (index.equals(Dim.symbol(columns)) && pitch.equals(padded(extent))) {
            return true;
        }
        long words = 8;
        return extent.modulo(BLOCK).isConstant(0)
                && pitch.modulo(words).isConstant(0)
                && index.minus(Dim.symbol(columns)).modulo(words).isConstant(0);
    }

    /// The columns that are written for so many.
    static Dim padded(Dim columns) {
        return columns.ceilDivide(BLOCK).times(BLOCK);
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
        var matrix = buffers.get(right.source());
        var by = switch (form) {
            case ROWS -> place.view(matrix, right.at(), columns, sum);
            case TURNED -> matrix;
            case COLUMNS -> place.view(matrix, right.at(), sum, columns);
        };
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
