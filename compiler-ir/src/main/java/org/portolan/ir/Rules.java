package org.portolan.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The rules that several operations share. Extents that are symbolic and different in form may still be equal: only
/// extents that can never be equal are refused here, the rest is checked when a run binds its symbols.
final class Rules {
    private Rules() {}

    static void check(boolean holds, String rule) {
        IrException.check(holds, rule);
    }

    static void mayEqual(Dim left, Dim right, String what) {
        boolean differ = left.minus(right) instanceof Dim.Constant(long difference) && difference != 0;
        check(!differ, what + ": extents " + left + " and " + right + " differ");
    }

    static void mayEqual(List<Dim> left, List<Dim> right, String what) {
        check(left.size() == right.size(), what + ": ranks of " + left + " and " + right + " differ");
        for (int axis = 0; axis < left.size(); axis++) {
            mayEqual(left.get(axis), right.get(axis), what + ", axis " + axis);
        }
    }

    static void sameElement(Value left, Value right, String what) {
        check(
                left.type().elementType() == right.type().elementType(),
                what + ": element types of " + left + " and " + right + " differ");
    }

    static void sameType(Value left, Value right, String what) {
        check(left.type().equals(right.type()), what + ": types of " + left + " and " + right + " differ");
    }

    static void axis(long axis, int rank, String what) {
        check(axis >= 0 && axis < rank, what + ": axis " + axis + " is not within a rank of " + rank);
    }

    static void permutation(List<Long> permutation, int rank, String what) {
        check(
                permutation.stream().sorted().toList().equals(LongStream.range(0, rank).boxed().toList()),
                what + ": " + permutation + " is no permutation of " + rank + " axes");
    }

    static void isInteger(Value value, String what) {
        var element = value.type().elementType();
        check(element.isInteger(), what + ": expected integers, found " + value);
    }

    static void isBoolean(Value value, String what) {
        check(value.type().elementType() == ElementType.BOOL, what + ": expected booleans, found " + value);
    }

    static void isIndex(Value value, String what) {
        check(value.type().equals(Type.INDEX), what + ": expected an index, found " + value);
    }

    /// The extents without some axes.
    static List<Dim> without(List<Dim> dims, List<Long> axes) {
        var kept = new ArrayList<Dim>();
        for (int axis = 0; axis < dims.size(); axis++) {
            if (!axes.contains((long) axis)) {
                kept.add(dims.get(axis));
            }
        }
        return kept;
    }
}
