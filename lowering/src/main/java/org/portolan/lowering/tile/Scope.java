package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.portolan.ir.Op;
import org.portolan.ir.Value;

/// The code of one loop body while it is being written. A scalar of the nest is computed in the innermost scope that
/// binds one of the axes it is free in: outer scopes are finished before the loops they contain, so that everything is
/// hoisted as far as it can be.
final class Scope {
    /// Where an axis stands: element {@code base + coordinate * stride + lane} for each of {@code unroll} coordinates.
    /// Coordinates from {@code whole} on may reach beyond {@code end} and are masked; all lanes of a coordinate alike where
    /// lanes are those of a thread.
    ///
    /// @param group so many coordinates after each other stand at neighbouring elements, and only their groups a stride apart
    record Position(Value base, long unroll, long lanes, long stride, long whole, Value end, long group) {
        Position(Value base, long unroll, long lanes, long stride, long whole, Value end) {
            this(base, unroll, lanes, stride, whole, end, 1);
        }

        Position(Value base, long unroll, long lanes, long whole, Value end) {
            this(base, unroll, lanes, lanes, whole, end);
        }

        /// How far the element at a coordinate lies behind the first.
        long offset(int coordinate) {
            return coordinate / group * stride + coordinate % group;
        }

        boolean isVector() {
            return lanes > 1;
        }
    }

    private final Scope parent;
    private final Map<String, Position> positions = new HashMap<>();
    private final Map<Value, Map<Map<String, Integer>, Value>> values = new IdentityHashMap<>();
    private final Map<Object, Value> helpers = new HashMap<>();
    final List<Op> ops = new ArrayList<>();

    Scope(Scope parent) {
        this.parent = parent;
    }

    Scope parent() {
        return parent;
    }

    Scope bind(String axis, Position position) {
        positions.put(axis, position);
        return this;
    }

    Position position(String axis) {
        for (var scope = this; scope != null; scope = scope.parent) {
            var position = scope.positions.get(axis);
            if (position != null) {
                return position;
            }
        }
        return null;
    }

    /// The innermost scope around here that binds one of the axes; the outermost one if none does.
    Scope home(Set<String> axes) {
        var scope = this;
        while (scope.parent != null && scope.positions.keySet().stream().noneMatch(axes::contains)) {
            scope = scope.parent;
        }
        return scope;
    }

    boolean encloses(Scope other) {
        for (var scope = other; scope != null; scope = scope.parent) {
            if (scope == this) {
                return true;
            }
        }
        return false;
    }

    Value known(Value nestValue, Map<String, Integer> coordinates) {
        var known = values.get(nestValue);
        return known == null ? null : known.get(coordinates);
    }

    void remember(Value nestValue, Map<String, Integer> coordinates, Value tileValue) {
        values.computeIfAbsent(nestValue, _ -> new HashMap<>()).put(coordinates, tileValue);
    }

    /// A value that stands for no scalar of the nest (an index, a mask, a constant), made once in this scope.
    Value helper(Object key, Supplier<Value> make) {
        var known = helpers.get(key);
        if (known == null) {
            known = make.get();
            helpers.put(key, known);
        }
        return known;
    }
}
