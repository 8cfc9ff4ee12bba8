package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.Combine;
import org.portolan.runtime.type.ElementType;

/// Operations across the lanes of vectors.
final class Lanes {
    private final Builder builder;
    private final Parts parts;
    private final Arithmetic arithmetic;

    Lanes(Builder builder, Parts parts, Arithmetic arithmetic) {
        this.builder = builder;
        this.parts = parts;
        this.arithmetic = arithmetic;
    }

    /// Lane {@code i} of the result is lane {@code from[i]} of the vectors laid end to end.
    List<Term> shuffle(List<List<Term>> vectors, List<Long> from, CType.Base base) {
        var all = new ArrayList<Term>();
        vectors.forEach(vector -> vector.forEach(part -> all.add(builder.let("part", part))));
        return parts.each(from.size(), (first, width) -> {
            var lanes = new ArrayList<Term>();
            for (int lane = 0; lane < width; lane++) {
                lanes.add(parts.lane(all, from.get(first + lane)));
            }
            return builder.build(new CType(base, width), lanes);
        });
    }

    /// All lanes combined: lane {@code i} with lane {@code i + n / 2}, then the same for the first half, until one is
    /// left. Of an odd number the last lane waits, and is combined at the end.
    Term reduce(List<Term> vector, Combine combine, ElementType element) {
        var waiting = new ArrayList<Term>();
        var current = vector;
        var base = vector.getFirst().type().base();
        for (int lanes = Parts.lanes(vector); lanes > 1; lanes /= 2) {
            if (lanes % 2 != 0) {
                waiting.add(parts.lane(current, lanes - 1));
            }
            var lower = shuffle(List.of(current), range(0, lanes / 2), base);
            var upper = shuffle(List.of(current), range(lanes / 2, lanes / 2 * 2), base);
            var next = new ArrayList<Term>();
            for (int part = 0; part < lower.size(); part++) {
                next.add(builder.let("half", arithmetic.combine(combine, lower.get(part), upper.get(part), element)));
            }
            current = next;
        }
        var result = parts.lane(current, 0);
        for (var lane : waiting.reversed()) {
            result = builder.let("all", arithmetic.combine(combine, result, lane, element));
        }
        return result;
    }

    private static List<Long> range(long from, long below) {
        var lanes = new ArrayList<Long>();
        for (long lane = from; lane < below; lane++) {
            lanes.add(lane);
        }
        return lanes;
    }

    /// Lane {@code i} is on where {@code lower + i < upper}.
    List<Term> mask(Term lower, Term upper, long lanes) {
        if (lanes == 1) {
            return List.of(builder.compare("<", lower, upper));
        }
        // Narrow numbers: as many lanes fit a register as the data has.
        var left = builder.let("left", builder.binary("-", upper, lower));
        var positive = builder.function(Words.Function.MAX, left, Term.index(0));
        var capped = builder.function(Words.Function.MIN, positive, Term.index(lanes));
        var count = builder.let("count", builder.convert(capped, CType.Base.I32));
        return parts.each(lanes, (first, width) ->
                builder.compare("<", builder.ascending(CType.INT.withLanes(width), first), count));
    }

    /// Whether any lane is on.
    Term any(List<Term> mask) {
        var result = builder.any(mask.getFirst());
        for (var part : mask.subList(1, mask.size())) {
            result = builder.or(result, builder.any(part));
        }
        return result;
    }
}
