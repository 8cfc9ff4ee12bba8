package org.portolan.runtime.selftest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.selftest.Pack.Weight;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementTypes;

/// Puts the elements of a weight where the kernels expect them; places without an element are 0.
final class WeightLayout {
    private static final long ALIGNMENT = 64;

    private final Weight weight;

    WeightLayout(Weight weight) {
        this.weight = weight;
    }

    MemorySegment apply(MemorySegment rowMajor, Arena arena) {
        var type = weight.data().type();
        long places = product(weight.physical());
        var packed = arena.allocate(type.bytes(places), ALIGNMENT);
        var shape = weight.data().shape();
        var index = new long[shape.size()];
        long elements = product(shape);
        for (long element = 0; element < elements; element++) {
            long place = 0;
            for (int axis = 0; axis < weight.layout().size(); axis++) {
                place = place * weight.physical().get(axis) + evaluate(weight.layout().get(axis), index);
            }
            if (place < 0 || place >= places) {
                throw new BadDataFile("the pack is damaged: a weight's layout leaves its memory");
            }
            ElementTypes.setBits(type, packed, place, ElementTypes.getBits(type, rowMajor, element));
            for (int axis = index.length - 1; axis >= 0 && ++index[axis] == shape.get(axis); axis--) {
                index[axis] = 0;
            }
        }
        return packed;
    }

    private long evaluate(Dim expression, long[] index) {
        return expression.evaluate(name -> index[weight.indices().indexOf(name)]);
    }

    private static long product(List<Long> extents) {
        return extents.stream().reduce(1L, Math::multiplyExact);
    }
}
