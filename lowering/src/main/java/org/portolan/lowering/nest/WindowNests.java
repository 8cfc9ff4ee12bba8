package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.NestOp.Otherwise;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Reductions over windows; what lies outside the input is neutral.
final class WindowNests {
    private WindowNests() {}

    /// The axes of a window operation and the index that they read at.
    private record Window(List<Dim> to, List<Dim> over, List<Dim> at) {
        static Window of(
                NestBuilder nest,
                List<Dim> result,
                List<Long> window,
                List<Long> strides,
                List<Long> dilations,
                List<Dim> low) {
            var to = new ArrayList<Dim>();
            to.add(nest.axis("n", result.get(0)));
            to.add(nest.axis("c", result.get(1)));
            to.addAll(nest.axes("y", result.subList(2, result.size())));
            var over = nest.axes("k", window.stream().map(Dim::of).toList());
            var at = new ArrayList<>(to.subList(0, 2));
            for (int axis = 0; axis < over.size(); axis++) {
                at.add(to.get(axis + 2)
                        .times(strides.get(axis))
                        .plus(over.get(axis).times(dilations.get(axis)))
                        .minus(low.get(axis)));
            }
            return new Window(to, over, at);
        }

        /// The input, or something else outside of it.
        Value read(NestBuilder nest, Value input, Value other) {
            int rank = at.size();
            boolean proven =
                    nest.inside(at.subList(2, rank), input.tensor().dims().subList(2, rank));
            return proven ? nest.read(input, at) : nest.read(input, List.of(), Optional.of(other), at, Otherwise.OTHER);
        }
    }

    static NestOp.Compute pool(NestBuilder nest, GraphOp.Pool op) {
        var element = op.result().tensor().element();
        var window = Window.of(nest, op.result().tensor().dims(), op.window(), op.strides(), op.dilations(), op.low());
        var value = window.read(nest, op.input(), Combines.neutral(nest, op.combine(), element));
        return nest.store(
                Combines.reduce(nest, op.combine(), value, NestBuilder.over(window.over())), window.to(), op.result());
    }

    /// As for the index of the largest element; outside, the place is behind all others, so that it never wins.
    static NestOp.Compute poolPosition(NestBuilder nest, GraphOp.PoolPosition op) {
        var input = op.input().tensor();
        var window = Window.of(nest, op.result().tensor().dims(), op.window(), op.strides(), op.dilations(), op.low());
        var value = window.read(nest, op.input(), Combines.least(nest, input.element()));
        var place = nest.index(ReshapeIndex.flatten(input.dims(), window.at()));
        int rank = input.rank();
        for (int axis = 2; axis < rank; axis++) {
            var index = window.at().get(axis);
            if (!nest.bounds().isWithin(index, input.dim(axis))) {
                var nowhere = nest.index(Dim.of(Long.MAX_VALUE));
                var number = nest.index(index);
                var inside = nest.binary(
                        ArithOp.And::new,
                        nest.compare(number, Relation.GREATER_OR_EQUAL, nest.index(Dim.ZERO)),
                        nest.compare(number, Relation.LESS, nest.index(input.dim(axis))));
                place = nest.select(inside, place, nowhere);
            }
        }
        var best = ReductionNests.extremePlace(nest, value, place, true, false, NestBuilder.over(window.over()));
        var number = op.columnMajor() ? columnMajor(nest, best, input.dims()) : best;
        return nest.store(nest.cast(number, op.result().tensor().element()), window.to(), op.result());
    }

    /// The same place with the spatial axes counted in the opposite order.
    private static Value columnMajor(NestBuilder nest, Value place, List<Dim> dims) {
        var spatial = dims.subList(2, dims.size());
        var position = Dim.symbol("$0");
        var plane = Dim.product(spatial);
        var indices = new ArrayList<Dim>();
        ReshapeIndex.divide(position.modulo(plane), spatial, indices);
        var swapped = ReshapeIndex.flatten(spatial.reversed(), indices.reversed());
        return nest.index(
                List.of(place), position.floorDivide(plane).times(plane).plus(swapped));
    }
}
