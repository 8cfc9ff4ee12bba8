package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.IrException;
import org.portolan.ir.NestOp;
import org.portolan.ir.Value;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;

/// The elements of an array that a block of a nest touches through one index expression for each of the array's axes.
///
/// @param operands the values of {@code $0} and on, arranged over the layout
/// @param layout the axes of the block's rows, and {@code size} the points in it
record NestAccess(NestSpace space, List<NestIndex> indices, Elements[] operands, int[] layout, int size) {

    /// Reads all points of the block into a row.
    void read(NestOp.Read read, NdArray source, Optional<Elements> other, Elements target) {
        if (size == 0) {
            return;
        }
        if (isAffine() && fits(source.shape())) {
            copy(source, target, true);
            return;
        }
        boolean replaced = read.otherwise() == NestOp.Otherwise.ZERO || read.otherwise() == NestOp.Otherwise.OTHER;
        if (replaced) {
            target.fill(0, size, Elements.allocate(target.type(), 1), 0);
            other.ifPresent(values -> values.copyTo(0, target, 0, size));
        }
        if (isAffine() && replaced && layout.length > 0) {
            readRows(source, target);
            return;
        }
        Strided.gather(source.elements(), 0, offsets(read, source), target, 0);
    }

    private boolean isAffine() {
        return indices.stream().allMatch(index -> index.affine() != null);
    }

    private boolean fits(int[] shape) {
        for (int axis = 0; axis < shape.length; axis++) {
            var range = indices.get(axis).range();
            if (range[0] < 0 || range[1] >= shape[axis]) {
                return false;
            }
        }
        return true;
    }

    /// Copies between an array and a row where no index can lie outside.
    private void copy(NdArray array, Elements row, boolean read) {
        var strides = array.strides();
        var lengths = space.lengths(layout);
        var steps = new int[layout.length];
        int base = 0;
        for (int axis = 0; axis < strides.length; axis++) {
            base += (int) indices.get(axis).first() * strides[axis];
            for (int i = 0; i < layout.length; i++) {
                steps[i] += (int) indices.get(axis).affine().coefficients()[layout[i]] * strides[axis];
            }
        }
        var rowStrides = NdArray.strides(lengths);
        if (read) {
            Strided.copy(array.elements(), base, steps, row, 0, rowStrides, lengths);
        } else {
            Strided.copy(row, 0, rowStrides, array.elements(), base, steps, lengths);
        }
    }

    /// Reads where some points lie outside, which keep what stands in the target: along the innermost axis the points
    /// inside are adjacent.
    private void readRows(NdArray source, Elements target) {
        int inner = layout.length - 1;
        var lengths = space.lengths(layout);
        var outer = Arrays.copyOf(lengths, inner);
        var index = new int[inner];
        var strides = source.strides();
        int to = 0;
        do {
            long first = 0;
            long last = lengths[inner];
            long base = 0;
            int step = 0;
            for (int axis = 0; axis < strides.length; axis++) {
                var coefficients = indices.get(axis).affine().coefficients();
                long start = indices.get(axis).first();
                for (int i = 0; i < inner; i++) {
                    start += coefficients[layout[i]] * index[i];
                }
                long slope = coefficients[layout[inner]];
                int extent = source.shape()[axis];
                if (slope == 0) {
                    last = start >= 0 && start < extent ? last : 0;
                } else {
                    // start + i * slope lies in [0, extent) for i from the first to the last of these bounds.
                    long a = slope > 0 ? Math.ceilDiv(-start, slope) : Math.ceilDiv(start - extent + 1, -slope);
                    long b = slope > 0 ? Math.floorDiv(extent - 1 - start, slope) : Math.floorDiv(start, -slope);
                    first = Math.max(first, a);
                    last = Math.min(last, b + 1);
                }
                base += start * strides[axis];
                step += (int) slope * strides[axis];
            }
            if (first < last) {
                Strided.copy(
                        source.elements(),
                        (int) (base + first * step),
                        new int[] {step},
                        target,
                        to + (int) first,
                        new int[] {1},
                        new int[] {(int) (last - first)});
            }
            to += lengths[inner];
        } while (Strided.next(index, outer));
    }

    /// Where each point's element stands, or -1.
    private int[] offsets(NestOp.Read read, NdArray source) {
        var offsets = new int[size];
        var strides = source.strides();
        for (int axis = 0; axis < strides.length; axis++) {
            var values = indices.get(axis).values(layout, operands, size);
            int extent = source.shape()[axis];
            for (int i = 0; i < size; i++) {
                long place = values[i];
                if (place < 0 || place >= extent) {
                    place = outside(read, source, axis, place);
                }
                offsets[i] = place < 0 || offsets[i] < 0 ? -1 : offsets[i] + (int) place * strides[axis];
            }
        }
        return offsets;
    }

    private static long outside(NestOp.Read read, NdArray source, int axis, long place) {
        int extent = source.shape()[axis];
        return switch (read.otherwise()) {
            case ZERO, OTHER -> -1;
            case PROVEN ->
                throw new IrException("a read of " + read.source() + " was said to lie inside, and index " + place
                        + " lies outside of axis " + axis + " of " + extent);
            case CLAMP -> {
                if (extent == 0) {
                    throw outOfRange(read.source(), axis, place, extent);
                }
                yield Math.clamp(place, 0, extent - 1);
            }
            case ERROR -> throw outOfRange(read.source(), axis, place, extent);
        };
    }

    private static PortolanException.RunFailed outOfRange(Value source, int axis, long place, int extent) {
        return new PortolanException.RunFailed(
                "index " + place + " is outside of axis " + axis + " of " + source + ", which has " + extent,
                KernelError.INDEX_OUT_OF_RANGE,
                -1);
    }

    /// Stores rows into a result and keeps count.
    static final class Writer {
        private final NdArray result;
        private final BitSet scattered = new BitSet();
        private long written;

        Writer(NdArray result) {
            this.result = result;
        }

        /// @throws PortolanException.RunFailed if a computed index lies outside, or names an element twice
        void write(NestAccess access, Elements row) {
            if (access.size == 0) {
                return;
            }
            written += access.size;
            if (access.isAffine() && access.fits(result.shape())) {
                access.copy(result, row, false);
                return;
            }
            var strides = result.strides();
            var offsets = new int[access.size];
            for (int axis = 0; axis < strides.length; axis++) {
                var values = access.indices.get(axis).values(access.layout, access.operands, access.size);
                for (int i = 0; i < access.size; i++) {
                    if (values[i] < 0 || values[i] >= result.shape()[axis]) {
                        throw new PortolanException.RunFailed(
                                "a nest stores at index " + values[i] + ", outside of axis " + axis + " of " + result,
                                KernelError.INDEX_OUT_OF_RANGE,
                                -1);
                    }
                    offsets[i] += (int) values[i] * strides[axis];
                }
            }
            for (int i = 0; i < access.size; i++) {
                if (scattered.get(offsets[i])) {
                    throw new PortolanException.RunFailed(
                            "a nest stores twice to element " + offsets[i] + " of " + result,
                            KernelError.INVALID_ORDER,
                            -1);
                }
                scattered.set(offsets[i]);
                row.copyTo(i, result.elements(), offsets[i], 1);
            }
        }

        /// @throws IrException if not every element was stored
        void checkCovered(Value value) {
            if (written != result.size()) {
                throw new IrException(
                        "a nest stores " + written + " elements to " + value + ", which has " + result.size());
            }
        }
    }
}
