package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Which keys of a row a nest hides, as far as that is a comparison of indices: a score becomes minus infinity where
/// `key > row + offset` (causal), `key < row - width` (a window), `key >= length[batch]` (padding). Such keys add nothing to
/// any sum over the row, so that a schedule need not visit them.
final class HiddenKeys {
    /// A key is hidden where the condition is as told.
    private record Condition(Value value, boolean holds) {}

    /// An end of the keys that a row sees.
    ///
    /// @param condition the comparison that says so
    /// @param hides what it gives where a key is hidden
    /// @param upper whether keys from here on are hidden, else those before it
    /// @param index the first hidden key, or the first seen one, over axes without the key and {@code $} operands
    /// @param operands integers that depend on neither key nor row
    /// @param slope how much further the end lies for the next row
    record End(Value condition, boolean hides, boolean upper, Dim index, List<Value> operands, long slope) {}

    /// A sum of an index expression and integers of the nest, some of them subtracted.
    private record Linear(Dim index, List<Value> added, List<Value> subtracted) {
        Linear minus(Linear other) {
            var more = new ArrayList<>(added);
            more.addAll(other.subtracted);
            var less = new ArrayList<>(subtracted);
            less.addAll(other.added);
            return new Linear(index.minus(other.index), more, less);
        }

        int operands() {
            return added.size() + subtracted.size();
        }
    }

    private final NestAnalysis analysis;
    private final OnlineRows rows;

    private HiddenKeys(NestAnalysis analysis, OnlineRows rows) {
        this.analysis = analysis;
        this.rows = rows;
    }

    /// The ends of the keys that every reduction over the row respects.
    static List<End> of(NestAnalysis analysis, OnlineRows rows) {
        var keys = new HiddenKeys(analysis, rows);
        var conditions = keys.hiding(rows.maximum().values().getFirst());
        for (var reduction : rows.plain()) {
            conditions.retainAll(keys.ignoring(reduction));
        }
        return conditions.stream()
                .map(keys::end)
                .flatMap(Optional::stream)
                .toList();
    }

    /// Where a reduction that does not depend on the scores takes nothing in: a maximum, where its value is minus infinity.
    private Set<Condition> ignoring(Reduction reduction) {
        return OnlineRows.isMaximum(reduction) ? hiding(reduction.values().getFirst()) : Set.of();
    }

    /// The conditions each of which makes a value minus infinity.
    private Set<Condition> hiding(Value value) {
        var definition = analysis.definition(value);
        if (definition instanceof ArithOp.Select select) {
            if (isLowest(select.yes())) {
                return union(when(select.condition(), true), hiding(select.no()));
            }
            if (isLowest(select.no())) {
                return union(when(select.condition(), false), hiding(select.yes()));
            }
            var both = hiding(select.yes());
            both.retainAll(hiding(select.no()));
            return both;
        }
        if (definition instanceof ArithOp.Add add) {
            return union(hiding(add.left()), hiding(add.right()));
        }
        if (definition instanceof ArithOp.Min min) {
            return union(hiding(min.left()), hiding(min.right()));
        }
        boolean converted = definition instanceof ArithOp.Cast cast
                && value.type().elementType().isFloat()
                && cast.operand().type().elementType().isFloat();
        return converted ? hiding(((ArithOp.Cast) definition).operand()) : new LinkedHashSet<>();
    }

    private boolean isLowest(Value value) {
        return analysis.definition(value) instanceof ArithOp.Const(double number, var _)
                && number == Double.NEGATIVE_INFINITY;
    }

    /// The comparisons each of which alone gives a condition the value.
    private Set<Condition> when(Value condition, boolean holds) {
        var definition = analysis.definition(condition);
        if (definition instanceof ArithOp.Not not) {
            return when(not.operand(), !holds);
        }
        if (definition instanceof ArithOp.And and && !holds) {
            return union(when(and.left(), false), when(and.right(), false));
        }
        if (definition instanceof ArithOp.Or or && holds) {
            return union(when(or.left(), true), when(or.right(), true));
        }
        return definition instanceof ArithOp.Compare
                ? new LinkedHashSet<>(Set.of(new Condition(condition, holds)))
                : new LinkedHashSet<>();
    }

    private static <T> Set<T> union(Set<T> left, Set<T> right) {
        var both = new LinkedHashSet<>(left);
        both.addAll(right);
        return both;
    }

    private Optional<End> end(Condition condition) {
        var compare = (ArithOp.Compare) analysis.definition(condition.value());
        var left = linear(compare.left());
        var right = linear(compare.right());
        if (left.isEmpty() || right.isEmpty()) {
            return Optional.empty();
        }
        // Hidden where the difference is positive, or not negative.
        return switch (condition.holds() ? compare.relation() : opposite(compare.relation())) {
            case GREATER -> end(condition, left.get().minus(right.get()), Dim.ZERO);
            case GREATER_OR_EQUAL -> end(condition, left.get().minus(right.get()), Dim.ONE);
            case LESS -> end(condition, right.get().minus(left.get()), Dim.ZERO);
            case LESS_OR_EQUAL -> end(condition, right.get().minus(left.get()), Dim.ONE);
            case EQUAL, NOT_EQUAL -> Optional.empty();
        };
    }

    private static Relation opposite(Relation relation) {
        return switch (relation) {
            case EQUAL -> Relation.NOT_EQUAL;
            case NOT_EQUAL -> Relation.EQUAL;
            case LESS -> Relation.GREATER_OR_EQUAL;
            case LESS_OR_EQUAL -> Relation.GREATER;
            case GREATER -> Relation.LESS_OR_EQUAL;
            case GREATER_OR_EQUAL -> Relation.LESS;
        };
    }

    /// A key is hidden where `difference + more > 0`.
    private Optional<End> end(Condition condition, Linear difference, Dim more) {
        var whole = difference.index().plus(more);
        // Each operand is brought within bounds that nothing overflows from, which is right for one of them alone.
        if (difference.operands() > 1) {
            return Optional.empty();
        }
        var key = NestAnalysis.stride(whole, rows.key());
        var row = NestAnalysis.stride(whole, rows.row());
        if (key.isEmpty() || row.isEmpty() || Math.abs(key.getAsLong()) != 1) {
            return Optional.empty();
        }
        boolean upper = key.getAsLong() == 1;
        var rest = whole.minus(Dim.symbol(rows.key()).times(key.getAsLong()));
        boolean plain = rest.symbols().stream()
                .noneMatch(name -> name.startsWith("$")
                        || name.equals(rows.key())
                        || name.equals(rows.deep())
                        || name.equals(rows.column()));
        if (!plain) {
            return Optional.empty();
        }
        var operands = new ArrayList<Value>();
        for (var value : difference.added()) {
            rest = rest.plus(Dim.symbol("$" + operands.size()));
            operands.add(value);
        }
        for (var value : difference.subtracted()) {
            rest = rest.minus(Dim.symbol("$" + operands.size()));
            operands.add(value);
        }
        // key + rest > 0: from 1 - rest on; rest - key > 0: all before rest.
        var index = upper ? Dim.ONE.minus(rest) : rest;
        long slope = upper ? -row.getAsLong() : row.getAsLong();
        return Optional.of(new End(condition.value(), condition.holds(), upper, index, operands, slope));
    }

    /// An integer as a sum; nothing where it depends on the key or the row otherwise than by their indices.
    private Optional<Linear> linear(Value value) {
        var element = value.type().elementType();
        if (element != ElementType.INDEX && element != ElementType.I64 && element != ElementType.I32) {
            return Optional.empty();
        }
        var definition = analysis.definition(value);
        if (definition instanceof NestOp.Index index && index.operands().isEmpty()) {
            return Optional.of(new Linear(index.value(), List.of(), List.of()));
        }
        if (definition instanceof ArithOp.Integer(long number, var _)) {
            return Optional.of(new Linear(Dim.of(number), List.of(), List.of()));
        }
        if (definition instanceof ArithOp.Cast cast && element != ElementType.I32) {
            var inner = linear(cast.operand());
            if (inner.isPresent()) {
                return inner;
            }
        }
        if (definition instanceof ArithOp.Add add && element != ElementType.I32) {
            var right = linear(add.right()).map(all -> new Linear(Dim.ZERO, List.of(), List.of()).minus(all));
            return difference(value, linear(add.left()), right);
        }
        if (definition instanceof ArithOp.Sub sub && element != ElementType.I32) {
            return difference(value, linear(sub.left()), linear(sub.right()));
        }
        return own(value);
    }

    /// A difference; as the number that it is where it is made of several, since each of these may be out of bounds by itself.
    private Optional<Linear> difference(Value value, Optional<Linear> left, Optional<Linear> right) {
        if (left.isEmpty() || right.isEmpty()) {
            return own(value);
        }
        var parts = left.get().minus(right.get());
        return parts.operands() == 0 ? Optional.of(parts) : own(value).or(() -> Optional.of(parts));
    }

    /// A number that is the same for all keys and rows.
    private Optional<Linear> own(Value value) {
        var free = analysis.free(value);
        var inner = Set.of(rows.key(), rows.row(), rows.deep(), rows.column());
        return free.stream().anyMatch(inner::contains) || reduces(value)
                ? Optional.empty()
                : Optional.of(new Linear(Dim.ZERO, List.of(value), List.of()));
    }

    private boolean reduces(Value value) {
        var definition = analysis.definition(value);
        return definition != null
                && (analysis.reduction(definition) != null
                        || OpSchema.operands(definition).stream().anyMatch(this::reduces));
    }
}
