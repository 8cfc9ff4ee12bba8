package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.ir.TileOp;

/// Loads, stores, copies and atomic updates, element by element.
final class TileAccess {
    private TileAccess() {}

    /// Where the lanes of an access lie; -1 for lanes that are off.
    ///
    /// @param fragment the extents of a fragment, whose elements are a block of the buffer's last axes; else empty
    private static int[] places(
            TileBuffer buffer, Elements[] indices, Optional<Elements> mask, int lanes, long[] fragment) {
        var places = new int[lanes];
        var index = new long[indices.length];
        boolean gather = false;
        for (int axis = 0; axis < index.length; axis++) {
            index[axis] = indices[axis].getLong(0);
            gather |= indices[axis].size() > 1;
        }
        if (fragment.length > 0) {
            for (int lane = 0; lane < lanes; lane++) {
                int rest = lane;
                for (int axis = fragment.length - 1; axis >= 0; axis--) {
                    int at = index.length - fragment.length + axis;
                    index[at] = indices[at].getLong(0) + rest % fragment[axis];
                    rest /= (int) fragment[axis];
                }
                places[lane] = isOn(mask, lane) ? buffer.checkedPlace(index) : -1;
            }
            return places;
        }
        if (!gather) {
            long first = lanes > 0 && isOn(mask, 0) ? buffer.checkedPlace(index) : buffer.place(index);
            for (int lane = 0; lane < lanes; lane++) {
                places[lane] = isOn(mask, lane) ? buffer.checked(first + lane) : -1;
            }
            return places;
        }
        for (int lane = 0; lane < lanes; lane++) {
            if (!isOn(mask, lane)) {
                places[lane] = -1;
                continue;
            }
            for (int axis = 0; axis < index.length; axis++) {
                index[axis] = indices[axis].getLong(indices[axis].size() > 1 ? lane : 0);
            }
            places[lane] = buffer.checkedPlace(index);
        }
        return places;
    }

    private static boolean isOn(Optional<Elements> mask, int lane) {
        return mask.isEmpty() || mask.get().getLong(mask.get().size() > 1 ? lane : 0) != 0;
    }

    static void load(
            TileThread thread,
            TileBuffer buffer,
            Elements[] indices,
            Optional<Elements> mask,
            Optional<Elements> other,
            Elements result,
            long[] fragment) {
        int lanes = result.size();
        other.ifPresent(values -> values.copyTo(0, result, 0, lanes));
        var places = places(buffer, indices, mask, lanes, fragment);
        for (int lane = 0; lane < lanes; lane++) {
            if (places[lane] >= 0) {
                if (fragment.length == 0) {
                    buffer.memory.checkLoad(places[lane], thread);
                }
                buffer.memory.elements.copyTo(buffer.memory.read(places[lane]), result, lane, 1);
            }
        }
    }

    static void store(
            TileThread thread,
            Elements value,
            TileBuffer buffer,
            Elements[] indices,
            Optional<Elements> mask,
            long[] fragment) {
        var places = places(buffer, indices, mask, value.size(), fragment);
        for (int lane = 0; lane < places.length; lane++) {
            if (places[lane] >= 0) {
                if (fragment.length == 0) {
                    buffer.memory.checkStore(places[lane], thread);
                }
                value.copyTo(lane, buffer.memory.elements, buffer.memory.write(places[lane]), 1);
            }
        }
    }

    /// Lanes that name the same element combine one after the other.
    static void atomic(Elements value, TileBuffer buffer, Elements[] indices, Combine combine, Elements result) {
        var places = places(buffer, indices, Optional.empty(), value.size(), new long[0]);
        var combiner = new Combiner(combine, value.type());
        for (int lane = 0; lane < places.length; lane++) {
            int place = buffer.memory.read(places[lane]);
            buffer.memory.elements.copyTo(place, result, lane, 1);
            combiner.into(buffer.memory.elements, place, value, lane);
        }
    }

    static void copy(TileBuffer from, TileBuffer to, long[] offsets, TileOp.Copy copy) {
        boolean async = copy.async();
        int lead = from.extents.length - to.extents.length;
        if (lead < 0) {
            throw new TileException("a copy to " + to.describe() + " needs a source of at least as many axes, found "
                    + from.describe());
        }
        if (to.size() == 0) {
            return;
        }
        to.memory.fill(from, copy);
        var shape = to.shape();
        var index = new int[shape.length];
        var zero = Elements.allocate(to.memory.elements.type(), 1);
        var target = new long[shape.length];
        do {
            var source = offsets.clone();
            for (int axis = 0; axis < index.length; axis++) {
                target[axis] = index[axis];
                source[copy.source(axis)] += index[axis];
            }
            int place = to.checkedPlace(target);
            if (from.isInside(source)) {
                to.memory.copy(place, from.memory.elements, from.memory.read(from.checkedPlace(source)), async);
            } else if (copy.inside()) {
                throw new TileException("a copy from " + from.describe() + " says that it stays inside, and goes to "
                        + Arrays.toString(source));
            } else {
                to.memory.copy(place, zero, 0, async);
            }
        } while (Strided.next(index, shape));
    }

    /// The elements of a buffer in row-major order of its indices.
    ///
    /// @param checked whether elements that were never written are refused
    static NdArray contents(TileBuffer buffer, boolean checked) {
        var array = new NdArray(buffer.shape(), Elements.allocate(buffer.memory.elements.type(), buffer.size()));
        forEach(buffer, (place, i) -> {
            if (checked) {
                buffer.memory.read(place);
            }
            buffer.memory.elements.copyTo(place, array.elements(), i, 1);
        });
        return array;
    }

    /// Stores elements given in row-major order of the indices.
    static void replace(TileBuffer buffer, Elements elements) {
        forEach(buffer, (place, i) -> elements.copyTo(i, buffer.memory.elements, buffer.memory.write(place), 1));
    }

    private interface Visit {
        void at(int place, int number);
    }

    private static void forEach(TileBuffer buffer, Visit visit) {
        if (buffer.size() == 0) {
            return;
        }
        var shape = buffer.shape();
        var index = new int[shape.length];
        var logical = new long[shape.length];
        int number = 0;
        do {
            for (int axis = 0; axis < index.length; axis++) {
                logical[axis] = index[axis];
            }
            visit.at(buffer.checkedPlace(logical), number++);
        } while (Strided.next(index, shape));
    }
}
