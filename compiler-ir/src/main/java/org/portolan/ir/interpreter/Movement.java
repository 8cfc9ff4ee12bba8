package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.GraphOp;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;

/// The graph operations that only move elements.
final class Movement {
    private Movement() {}

    static void transpose(NdArray input, List<Long> permutation, NdArray result) {
        var strides = input.strides();
        var from = permutation.stream()
                .mapToInt(axis -> strides[Math.toIntExact(axis)])
                .toArray();
        Strided.copy(input.elements(), 0, from, result.elements(), 0, result.strides(), result.shape());
    }

    static void broadcast(NdArray input, NdArray result, String what) {
        int lead = result.rank() - input.rank();
        var strides = input.strides();
        var from = new int[result.rank()];
        for (int axis = 0; axis < input.rank(); axis++) {
            int extent = input.shape()[axis];
            int wanted = result.shape()[axis + lead];
            if (extent != wanted && extent != 1) {
                throw new PortolanException.RunFailed(
                        what + ": " + input + " cannot be repeated to " + result, KernelError.INVALID_SIZE, -1);
            }
            from[axis + lead] = extent == 1 ? 0 : strides[axis];
        }
        Strided.copy(input.elements(), 0, from, result.elements(), 0, result.strides(), result.shape());
    }

    static void slice(NdArray input, long[] starts, long[] steps, NdArray result, String what) {
        var strides = input.strides();
        long begin = 0;
        var from = new int[result.rank()];
        for (int axis = 0; axis < result.rank(); axis++) {
            int count = result.shape()[axis];
            if (count == 0) {
                continue;
            }
            long last = Math.addExact(starts[axis], Math.multiplyExact((long) count - 1, steps[axis]));
            int extent = input.shape()[axis];
            if (starts[axis] < 0 || starts[axis] >= extent || last < 0 || last >= extent) {
                throw new PortolanException.RunFailed(
                        what + " takes " + starts[axis] + " to " + last + " of axis " + axis + ", which has " + extent,
                        KernelError.INDEX_OUT_OF_RANGE,
                        -1);
            }
            begin += starts[axis] * strides[axis];
            from[axis] = count == 1 ? 0 : Math.toIntExact(steps[axis] * strides[axis]);
        }
        Strided.copy(input.elements(), (int) begin, from, result.elements(), 0, result.strides(), result.shape());
    }

    static void concat(List<NdArray> inputs, int axis, NdArray result) {
        var strides = result.strides();
        int offset = 0;
        for (var input : inputs) {
            Strided.copy(input.elements(), 0, input.strides(), result.elements(), offset, strides, input.shape());
            offset += input.shape()[axis] * strides[axis];
        }
    }

    static void pad(
            NdArray input, Optional<NdArray> value, long[] low, GraphOp.PadMode mode, NdArray result, String what) {
        value.ifPresent(scalar -> result.elements().fill(0, result.size(), scalar.elements(), 0));
        if (result.size() == 0) {
            return;
        }
        int rank = result.rank();
        if (rank == 0) {
            input.elements().copyTo(0, result.elements(), 0, 1);
            return;
        }
        var strides = input.strides();
        var tables = new int[rank][];
        for (int axis = 0; axis < rank; axis++) {
            tables[axis] = new int[result.shape()[axis]];
            for (int i = 0; i < tables[axis].length; i++) {
                long index = source(i - low[axis], input.shape()[axis], mode, what);
                tables[axis][i] = index < 0 ? -1 : (int) index * strides[axis];
            }
        }
        var outer = Arrays.copyOf(result.shape(), rank - 1);
        var index = new int[rank - 1];
        int to = 0;
        do {
            int base = 0;
            for (int axis = 0; axis < rank - 1 && base >= 0; axis++) {
                int offset = tables[axis][index[axis]];
                base = offset < 0 ? -1 : base + offset;
            }
            if (base >= 0) {
                Strided.gather(input.elements(), base, tables[rank - 1], result.elements(), to);
            }
            to += result.shape()[rank - 1];
        } while (Strided.next(index, outer));
    }

    /// The input's index for one of the result, or -1 where the value stands.
    private static long source(long index, int extent, GraphOp.PadMode mode, String what) {
        if (index >= 0 && index < extent) {
            return index;
        }
        if (mode != GraphOp.PadMode.CONSTANT && extent == 0) {
            throw new PortolanException.RunFailed(
                    what + " has nothing to repeat: an axis of its input is empty", KernelError.INVALID_SIZE, -1);
        }
        return switch (mode) {
            case CONSTANT -> -1;
            case EDGE -> index < 0 ? 0 : extent - 1;
            case WRAP -> Math.floorMod(index, (long) extent);
            case REFLECT -> {
                long period = Math.max(1, 2L * (extent - 1));
                long place = Math.floorMod(index, period);
                yield place < extent ? place : period - place;
            }
        };
    }

    static void iota(int axis, NdArray result) {
        int inner = NdArray.product(result.shape(), axis + 1, result.rank());
        int extent = result.shape()[axis];
        for (int i = 0; i < result.size(); i++) {
            result.elements().setLong(i, i / inner % extent);
        }
    }
}
