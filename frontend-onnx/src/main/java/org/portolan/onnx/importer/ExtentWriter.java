package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Relation;
import org.portolan.onnx.OnnxException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// What extents are, and what is demanded of them: where only a run knows, it checks.
abstract class ExtentWriter extends BlockWriter {
    ExtentWriter(Symbols symbols, long tensorBytes, Block block) {
        super(symbols, tensorBytes, block);
    }

    /// The elements of a small integer tensor as numbers: those that are known, else symbols that the run binds.
    List<Dim> bind(Operand input) {
        if (!input.element().isInteger()) {
            throw new OnnxException("expected integers in '%s', found %s".formatted(input.hint(), input.type()));
        }
        if (input.elements().isPresent()) {
            return input.elements().get().stream().map(Elements::dim).toList();
        }
        long count = input.type().elements().constant().orElse(-1);
        if (count < 0 || count > Operand.TRACKED) {
            throw new Unsupported("'%s' gives extents, but how many is known only at run time: give the shape of the"
                            .formatted(input.hint())
                    + " inputs when compiling");
        }
        var names = new ArrayList<String>();
        for (long i = 0; i < count; i++) {
            names.add(symbols().bound());
        }
        block().add(new GraphOp.Bind(input.value(), names));
        return names.stream().map(Dim::symbol).toList();
    }

    Dim bindScalar(Operand input) {
        var all = bind(input);
        if (all.size() != 1) {
            throw new OnnxException("expected one number in '%s', found %d".formatted(input.hint(), all.size()));
        }
        return all.getFirst();
    }

    /// Numbers of at least 0, with what is computed from data bound to symbols of its own: expressions over data must
    /// not grow from operator to operator.
    List<Dim> settled(List<Dim> dims) {
        var open = dims.stream()
                .filter(dim -> dim.symbolName().isEmpty() && DimLogic.isBound(dim))
                .distinct()
                .toList();
        if (open.isEmpty()) {
            return dims;
        }
        var names = open.stream().map(dim -> symbols().size()).toList();
        block().add(new GraphOp.Bind(extents(ElementType.I64, open).value(), names));
        return dims.stream()
                .map(dim -> open.contains(dim) ? Dim.symbol(names.get(open.indexOf(dim))) : dim)
                .toList();
    }

    /// Numbers of either sign that are computed from data, each bound to a symbol of its own.
    List<Dim> bound(List<Dim> numbers) {
        var names = numbers.stream().map(number -> symbols().bound()).toList();
        block().add(new GraphOp.Bind(extents(ElementType.I64, numbers).value(), names));
        return names.stream().map(Dim::symbol).toList();
    }

    Dim settled(Dim dim) {
        return settled(List.of(dim)).getFirst();
    }

    /// For each axis of a rank, whether the axes name it: 1 or 0.
    List<Dim> named(List<Dim> axes, int rank) {
        return settled(DimLogic.named(axes, rank));
    }

    /// Demands that two extents are equal; gives the one to go on with.
    Dim equal(Dim left, Dim right, String what) {
        if (left.equals(right)) {
            return left;
        }
        if (left.minus(right) instanceof Dim.Constant) {
            throw new OnnxException("%s: extents %s and %s differ".formatted(what, left, right));
        }
        if (!(block().isOutermost() && symbols().learn(left, right))) {
            block().check(left, Relation.EQUAL, right, what + ": extents must be equal");
        }
        return right.isConstant() ? right : left;
    }

    void check(Dim left, Relation relation, Dim right, String what) {
        var difference = left.minus(right);
        if (difference instanceof Dim.Constant(long value)) {
            if (!relation.holds(Long.signum(value))) {
                throw new OnnxException("%s, found %s and %s".formatted(what, left, right));
            }
            return;
        }
        block().check(left, relation, right, what);
    }

    /// The extents that several operands have together by numpy's rule. Two different symbolic extents that meet are
    /// taken to be equal, which the run checks.
    List<Dim> together(List<Operand> operands, String what) {
        int rank = operands.stream().mapToInt(Operand::rank).max().orElse(0);
        var dims = new ArrayList<>(Collections.nCopies(rank, Dim.ONE));
        for (var operand : operands) {
            int lead = rank - operand.rank();
            for (int axis = 0; axis < operand.rank(); axis++) {
                dims.set(axis + lead, together(dims.get(axis + lead), operand.dim(axis), what));
            }
        }
        return dims;
    }

    private Dim together(Dim left, Dim right, String what) {
        if (left.isConstant(1) || left.equals(right)) {
            return right;
        }
        if (right.isConstant(1)) {
            return left;
        }
        if (left.isConstant() && right.isConstant()) {
            throw new OnnxException("%s: extents %s and %s do not broadcast".formatted(what, left, right));
        }
        if (left.isConstant() || right.isConstant()) {
            var number = left.isConstant() ? left : right;
            var symbolic = left.isConstant() ? right : left;
            block().check(
                    symbolic.minus(1).times(symbolic.minus(number)),
                    Relation.EQUAL,
                    Dim.ZERO,
                    "%s: an extent must be 1 or %s".formatted(what, number));
            return number;
        }
        return equal(left, right, what);
    }
}
