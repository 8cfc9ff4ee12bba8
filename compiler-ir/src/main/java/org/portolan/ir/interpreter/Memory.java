package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.ElementType;

/// Allocates arrays within a limit. What is alive is counted by retaining and releasing elements; the limit is checked
/// before memory is taken, so that a hostile model gets an error and not the machine.
final class Memory {
    private final long limit;
    private final Map<Elements, Integer> references = new IdentityHashMap<>();
    private long alive;

    Memory(long limit) {
        this.limit = limit;
    }

    /// An array of zeros of the given extents.
    ///
    /// @param what what it is for, for the error
    /// @throws PortolanException.LimitExceeded if the limit would be passed
    /// @throws PortolanException.RunFailed if an extent is negative
    NdArray allocate(ElementType type, long[] shape, String what) {
        int size = check(type, shape, what);
        return new NdArray(
                Arrays.stream(shape).mapToInt(extent -> (int) extent).toArray(), Elements.allocate(type, size));
    }

    /// The number of elements, if they may be allocated.
    int check(ElementType type, long[] shape, String what) {
        long size = 1;
        boolean empty = false;
        for (int axis = 0; axis < shape.length; axis++) {
            if (shape[axis] < 0) {
                throw new PortolanException.RunFailed(
                        what + " would have the negative extent " + shape[axis] + " along axis " + axis,
                        KernelError.INVALID_SIZE,
                        -1);
            }
            empty |= shape[axis] == 0;
        }
        for (long extent : shape) {
            if (extent > Integer.MAX_VALUE - 8) {
                throw tooLarge(what, shape);
            }
            if (!empty) {
                size *= extent;
                if (size > Integer.MAX_VALUE - 8) {
                    throw tooLarge(what, shape);
                }
            }
        }
        size = empty ? 0 : size;
        long bytes = size * Elements.bytesPerElement(type);
        if (alive + bytes > limit) {
            throw new PortolanException.LimitExceeded(what + " needs " + bytes + " bytes more than the " + alive
                    + " in use, and the limit of the interpreter is " + limit
                    + " bytes; give it a higher limit if the model is trusted");
        }
        return (int) size;
    }

    private static PortolanException.LimitExceeded tooLarge(String what, long[] shape) {
        return new PortolanException.LimitExceeded(what + " of extents " + Arrays.toString(shape)
                + " has more elements than the interpreter can hold (2^31)");
    }

    /// A length that a Java array may have.
    ///
    /// @throws PortolanException.LimitExceeded if it is none
    static int arrayLength(long length, String what) {
        if (length > Integer.MAX_VALUE - 8) {
            throw new PortolanException.LimitExceeded(what + " has more elements than the interpreter can hold (2^31)");
        }
        return (int) length;
    }

    void retain(Elements elements) {
        if (references.merge(elements, 1, Integer::sum) == 1) {
            alive += bytes(elements);
        }
    }

    void release(Elements elements) {
        if (references.merge(elements, -1, Integer::sum) == 0) {
            references.remove(elements);
            alive -= bytes(elements);
        }
    }

    private static long bytes(Elements elements) {
        return (long) elements.size() * Elements.bytesPerElement(elements.type());
    }
}
