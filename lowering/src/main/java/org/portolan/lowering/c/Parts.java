package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/// How the lanes of a value are split over the vectors that the language has: the widest first, scalars for the rest.
final class Parts {
    private final Builder builder;

    Parts(Builder builder) {
        this.builder = builder;
    }

    /// The lanes of each part.
    List<Integer> of(long lanes) {
        var parts = new ArrayList<Integer>();
        long left = lanes;
        for (int width : builder.words.widths()) {
            while (left >= width) {
                parts.add(width);
                left -= width;
            }
        }
        return parts;
    }

    /// A value part by part.
    ///
    /// @param part given the number of the part's first lane, and its lanes
    List<Term> each(long lanes, BiFunction<Integer, Integer, Term> part) {
        var result = new ArrayList<Term>();
        int first = 0;
        for (int width : of(lanes)) {
            result.add(part.apply(first, width));
            first += width;
        }
        return result;
    }

    /// The part of a value that starts at a lane; a scalar is the same everywhere.
    static Term at(List<Term> parts, int first) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        int lane = 0;
        for (var part : parts) {
            if (lane == first) {
                return part;
            }
            lane += part.type().lanes();
        }
        throw new EmitException("no part of a value starts at lane " + first);
    }

    /// One lane of a value.
    Term lane(List<Term> parts, long lane) {
        long rest = lane;
        for (var part : parts) {
            if (rest < part.type().lanes()) {
                return builder.lane(part, Math.toIntExact(rest));
            }
            rest -= part.type().lanes();
        }
        throw new EmitException("a value has no lane " + lane);
    }

    static int lanes(List<Term> parts) {
        return parts.stream().mapToInt(part -> part.type().lanes()).sum();
    }
}
