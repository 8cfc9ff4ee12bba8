package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;

/// Reads and writes at computed indices. A negative index counts from the end; one outside fails the run.
final class Gathering {
    private Gathering() {}

    static void gather(NdArray data, NdArray indices, int axis, NdArray result, String what) {
        int outer = NdArray.product(data.shape(), 0, axis);
        int extent = data.shape()[axis];
        int inner = NdArray.product(data.shape(), axis + 1, data.rank());
        int to = 0;
        for (int i = 0; i < outer; i++) {
            for (int j = 0; j < indices.size(); j++) {
                int index = index(indices, j, extent, what);
                data.elements().copyTo((i * extent + index) * inner, result.elements(), to, inner);
                to += inner;
            }
        }
    }

    static void gatherElements(NdArray data, NdArray indices, int axis, NdArray result, String what) {
        var strides = data.strides();
        var at = new int[indices.rank()];
        for (int i = 0; i < indices.size(); i++) {
            int from = place(data, strides, at, axis, index(indices, i, data.shape()[axis], what), what);
            data.elements().copyTo(from, result.elements(), i, 1);
            Strided.next(at, indices.shape());
        }
    }

    static void scatterElements(
            NdArray data,
            NdArray indices,
            NdArray updates,
            int axis,
            Optional<Combine> combine,
            NdArray result,
            String what) {
        expect(Arrays.equals(indices.shape(), updates.shape()), what + ": " + updates + " does not fit " + indices);
        data.elements().copyTo(0, result.elements(), 0, data.size());
        var combiner = combine.map(kind -> new Combiner(kind, data.type()));
        var strides = data.strides();
        var at = new int[indices.rank()];
        for (int i = 0; i < indices.size(); i++) {
            int to = place(data, strides, at, axis, index(indices, i, data.shape()[axis], what), what);
            store(updates.elements(), i, result.elements(), to, 1, combiner);
            Strided.next(at, indices.shape());
        }
    }

    static void gatherNd(NdArray data, NdArray indices, int batch, NdArray result, String what) {
        var slices = new Slices(data, indices, batch, what);
        expect(
                (long) slices.tuples * slices.length == result.size(),
                what + ": " + data + " taken at " + indices + " does not give " + result);
        for (int i = 0; i < slices.tuples; i++) {
            data.elements().copyTo(slices.begin(i), result.elements(), i * slices.length, slices.length);
        }
    }

    static void scatterNd(
            NdArray data, NdArray indices, NdArray updates, Optional<Combine> combine, NdArray result, String what) {
        var slices = new Slices(data, indices, 0, what);
        expect(
                (long) slices.tuples * slices.length == updates.size(),
                what + ": " + updates + " does not fit " + indices + " into " + data);
        data.elements().copyTo(0, result.elements(), 0, data.size());
        var combiner = combine.map(kind -> new Combiner(kind, data.type()));
        for (int i = 0; i < slices.tuples; i++) {
            store(updates.elements(), i * slices.length, result.elements(), slices.begin(i), slices.length, combiner);
        }
    }

    private static void store(
            Elements source, int from, Elements target, int to, int count, Optional<Combiner> combiner) {
        if (combiner.isEmpty()) {
            source.copyTo(from, target, to, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            combiner.get().into(target, to + i, source, from + i);
        }
    }

    /// The slices of an array that index tuples name.
    private static final class Slices {
        final int tuples;
        final int length;
        private final NdArray data;
        private final NdArray indices;
        private final int batch;
        private final int depth;
        private final int batches;
        private final int[] strides;
        private final String what;

        Slices(NdArray data, NdArray indices, int batch, String what) {
            this.data = data;
            this.indices = indices;
            this.batch = batch;
            this.what = what;
            expect(indices.rank() > batch, what + ": " + indices + " has no axis of index tuples");
            depth = indices.shape()[indices.rank() - 1];
            expect(batch + depth <= data.rank(), what + ": tuples of " + depth + " are too long for " + data);
            for (int axis = 0; axis < batch; axis++) {
                expect(
                        data.shape()[axis] == indices.shape()[axis],
                        what + ": batch axes of " + data + " and " + indices + " differ");
            }
            tuples = NdArray.product(indices.shape(), 0, indices.rank() - 1);
            length = NdArray.product(data.shape(), batch + depth, data.rank());
            batches = NdArray.product(data.shape(), 0, batch);
            strides = data.strides();
        }

        /// Where the slice of a tuple begins in the data.
        int begin(int tuple) {
            int inBatch = batches == 0 ? 0 : tuple / (tuples / batches);
            int place = batch == 0 ? 0 : inBatch * strides[batch - 1];
            for (int k = 0; k < depth; k++) {
                int extent = data.shape()[batch + k];
                place += index(indices, tuple * depth + k, extent, what) * strides[batch + k];
            }
            return place;
        }
    }

    private static int index(NdArray indices, int at, int extent, String what) {
        long index = indices.elements().getLong(at);
        long place = index < 0 ? index + extent : index;
        if (place < 0 || place >= extent) {
            throw new PortolanException.RunFailed(
                    what + ": index " + index + " is outside of an axis of " + extent,
                    KernelError.INDEX_OUT_OF_RANGE,
                    -1);
        }
        return (int) place;
    }

    private static int place(NdArray data, int[] strides, int[] at, int axis, int index, String what) {
        int place = 0;
        for (int i = 0; i < strides.length; i++) {
            int component = i == axis ? index : at[i];
            expect(component < data.shape()[i], what + ": the indices reach beyond axis " + i + " of " + data);
            place += component * strides[i];
        }
        return place;
    }

    private static void expect(boolean holds, String message) {
        if (!holds) {
            throw new PortolanException.RunFailed(message, KernelError.INVALID_SIZE, -1);
        }
    }
}
