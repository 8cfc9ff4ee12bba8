package org.portolan.ir.interpreter;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// A tensor while it is interpreted: extents, and the elements in row-major order on the Java heap. Arrays may share
/// elements; nobody writes to elements that were handed out.
///
/// @param shape the extents, outermost first; not to be changed
public record NdArray(int[] shape, Elements elements) {
    private static final ValueLayout.OfFloat FLOATS =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLES =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public NdArray {
        long count = 1;
        for (int extent : shape) {
            count *= extent;
        }
        if (count != elements.size()) {
            throw new IllegalArgumentException(
                    "extents " + Arrays.toString(shape) + " do not hold " + elements.size() + " elements");
        }
    }

    /// A copy of a tensor's elements.
    ///
    /// @throws PortolanException.LimitExceeded if they are more than a Java array can hold
    public static NdArray of(Tensor tensor) {
        var shape = new int[tensor.rank()];
        for (int axis = 0; axis < shape.length; axis++) {
            shape[axis] = Memory.arrayLength(tensor.extent(axis), tensor.toString());
        }
        int size = Memory.arrayLength(tensor.elements(), tensor.toString());
        return new NdArray(
                shape,
                tensor.type() == ElementType.STRING
                        ? new Elements.Texts(tensor.strings().toArray(String[]::new))
                        : decode(tensor.type(), tensor.data(), size));
    }

    /// Elements that lie packed in memory.
    static Elements decode(ElementType type, MemorySegment data, int size) {
        var elements = Elements.allocate(type, size);
        switch (elements) {
            case Elements.Floats(_, float[] values) -> {
                if (type == ElementType.F32) {
                    MemorySegment.copy(data, FLOATS, 0, values, 0, size);
                } else {
                    for (int i = 0; i < size; i++) {
                        values[i] = (float) ElementTypes.getDouble(type, data, i);
                    }
                }
            }
            case Elements.Doubles(double[] values) -> MemorySegment.copy(data, DOUBLES, 0, values, 0, size);
            case Elements.Longs(_, long[] values) -> {
                for (int i = 0; i < size; i++) {
                    values[i] = ElementTypes.getLong(type, data, i);
                }
            }
            case Elements.Texts _ -> throw new IllegalArgumentException("texts do not lie in memory");
        }
        return elements;
    }

    /// The same elements as a tensor on the Java heap.
    public Tensor toTensor() {
        long[] extents = Arrays.stream(shape).asLongStream().toArray();
        if (elements instanceof Elements.Texts(String[] texts)) {
            return Tensor.ofStrings(List.of(texts), extents);
        }
        var type = elements.type() == ElementType.INDEX ? ElementType.I64 : elements.type();
        var segment = MemorySegment.ofArray(new byte[Memory.arrayLength(type.bytes(size()), toString())]);
        if (elements instanceof Elements.Floats(_, float[] values) && type == ElementType.F32) {
            MemorySegment.copy(values, 0, segment, FLOATS, 0, size());
        } else {
            for (int i = 0; i < size(); i++) {
                ElementTypes.setBits(type, segment, i, elements.getBits(i));
            }
        }
        return Tensor.of(type, segment, extents);
    }

    public ElementType type() {
        return elements.type();
    }

    public int rank() {
        return shape.length;
    }

    public int size() {
        return elements.size();
    }

    /// Elements from one index of each axis to the next.
    int[] strides() {
        return strides(shape);
    }

    static int[] strides(int[] shape) {
        var strides = new int[shape.length];
        int stride = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= shape[axis];
        }
        return strides;
    }

    /// The product of some extents.
    static int product(int[] shape, int from, int to) {
        int product = 1;
        for (int axis = from; axis < to; axis++) {
            product *= shape[axis];
        }
        return product;
    }

    /// The only element, as an integer.
    long scalar() {
        return elements.getLong(0);
    }

    /// The type and shape, for example {@code f32[1,128]}.
    @Override
    public String toString() {
        var text = new StringJoiner(",", type().text() + "[", "]");
        for (int extent : shape) {
            text.add(Integer.toString(extent));
        }
        return text.toString();
    }
}
