package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.portolan.runtime.type.Dim;

/// Where an element of a reshaped tensor stood before. Axes are taken in groups that hold equally many elements on
/// both sides, so that most indices stay what they are; within a group the index is flattened and divided.
final class ReshapeIndex {
    private ReshapeIndex() {}

    /// The index under the extents {@code other} of the element with index {@code at} under the extents {@code dims}.
    static List<Dim> map(List<Dim> dims, List<Dim> at, List<Dim> other) {
        if (other.stream().anyMatch(extent -> extent.isConstant(0))) {
            return Collections.nCopies(other.size(), Dim.ZERO);
        }
        var result = new ArrayList<Dim>();
        int left = 0;
        int right = 0;
        while (right < other.size()) {
            int leftEnd = left;
            int rightEnd = right + 1;
            Dim leftSize = Dim.ONE;
            Dim rightSize = other.get(right);
            while (!leftSize.equals(rightSize)) {
                boolean growLeft = leftEnd < dims.size()
                        && (rightEnd == other.size()
                                || isMultiple(rightSize, leftSize)
                                || !isMultiple(leftSize, rightSize));
                if (growLeft) {
                    leftSize = leftSize.times(dims.get(leftEnd++));
                } else if (rightEnd < other.size()) {
                    rightSize = rightSize.times(other.get(rightEnd++));
                } else {
                    break;
                }
            }
            // What is left over on one side alone are axes of extent 1, or extents that only a run can compare.
            if (rightEnd == other.size()) {
                leftEnd = dims.size();
            }
            divide(
                    flatten(dims.subList(left, leftEnd), at.subList(left, leftEnd)),
                    other.subList(right, rightEnd),
                    result);
            left = leftEnd;
            right = rightEnd;
        }
        return result;
    }

    private static boolean isMultiple(Dim whole, Dim part) {
        return !part.isConstant(0) && whole.modulo(part).isConstant(0);
    }

    /// The row-major position.
    static Dim flatten(List<Dim> dims, List<Dim> at) {
        Dim position = Dim.ZERO;
        for (int axis = 0; axis < dims.size(); axis++) {
            position = position.times(dims.get(axis)).plus(at.get(axis));
        }
        return position;
    }

    /// Appends the index of a row-major position.
    static void divide(Dim position, List<Dim> dims, List<Dim> into) {
        Dim stride = Dim.ONE;
        var reversed = new ArrayList<Dim>();
        int first = 0;
        while (first < dims.size() && dims.get(first).isConstant(1)) {
            first++;
        }
        for (int axis = dims.size() - 1; axis >= 0; axis--) {
            var extent = dims.get(axis);
            if (extent.isConstant(1)) {
                reversed.add(Dim.ZERO);
            } else {
                var quotient = position.floorDivide(stride);
                reversed.add(axis == first ? quotient : quotient.modulo(extent));
                stride = stride.times(extent);
            }
        }
        into.addAll(reversed.reversed());
    }
}
