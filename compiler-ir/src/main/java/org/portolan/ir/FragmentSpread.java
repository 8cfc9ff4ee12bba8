package org.portolan.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.runtime.type.Dim;

/// How a fragment lies over the lanes of a warp, turned around: which of its elements each lane holds in each register.
public final class FragmentSpread {
    private static final Map<Type.Fragment, Optional<FragmentSpread>> KNOWN = new ConcurrentHashMap<>();

    /// The number of an element, the last axis fastest, by lane and register.
    private final int[][] elements;
    private final long[] extents;

    private FragmentSpread(int[][] elements, long[] extents) {
        this.elements = elements;
        this.extents = extents;
    }

    /// Nothing if extents or places are no numbers, or some lane holds more elements than another.
    public static Optional<FragmentSpread> of(Type.Fragment type) {
        return KNOWN.computeIfAbsent(type, FragmentSpread::turnAround);
    }

    public int lanes() {
        return elements.length;
    }

    /// How many elements each lane holds.
    public int registers() {
        return elements[0].length;
    }

    /// The number of an element among all of the fragment, the last axis fastest.
    public int element(int lane, int register) {
        return elements[lane][register];
    }

    /// The indices of an element, one for each axis.
    public long[] index(int lane, int register) {
        return index(elements[lane][register], extents);
    }

    private static long[] index(long number, long[] extents) {
        var index = new long[extents.length];
        long rest = number;
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            index[axis] = rest % extents[axis];
            rest /= extents[axis];
        }
        return index;
    }

    private static Optional<FragmentSpread> turnAround(Type.Fragment type) {
        if (type.dims().stream().anyMatch(dim -> !dim.isConstant())) {
            return Optional.empty();
        }
        var extents = type.dims().stream().mapToLong(dim -> dim.constant().getAsLong()).toArray();
        int count = Math.toIntExact(Dim.product(type.dims()).constant().orElseThrow());
        var places = new HashMap<List<Integer>, Integer>();
        int lanes = 0;
        int registers = 0;
        for (int number = 0; number < count; number++) {
            var inputs = new ArrayList<Dim>();
            for (long value : index(number, extents)) {
                inputs.add(Dim.of(value));
            }
            var place = type.spread().apply(inputs);
            if (place.size() != 2 || place.stream().anyMatch(dim -> !dim.isConstant())) {
                return Optional.empty();
            }
            int lane = Math.toIntExact(place.get(0).constant().getAsLong());
            int register = Math.toIntExact(place.get(1).constant().getAsLong());
            places.put(List.of(lane, register), number);
            lanes = Math.max(lanes, lane + 1);
            registers = Math.max(registers, register + 1);
        }
        if (places.size() != count || lanes * registers != count) {
            return Optional.empty();
        }
        var elements = new int[lanes][registers];
        places.forEach((place, number) -> elements[place.get(0)][place.get(1)] = number);
        return Optional.of(new FragmentSpread(elements, extents));
    }
}
