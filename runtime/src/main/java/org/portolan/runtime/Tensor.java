package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// An element type, a shape, and the elements in row-major order in a {@link MemorySegment}, little-endian and packed.
///
/// A tensor never copies what it is made of: it looks at the segment, buffer or array of the caller, who keeps it alive
/// and does not change it while a run uses it. A run takes off-heap data that is aligned to 64 bytes as it is; anything
/// else it copies once. Tensors of strings are on the Java heap and have no segment.
public final class Tensor {
    private final ElementType type;
    private final long[] shape;
    private final long elements;
    private final MemorySegment data;
    private final List<String> strings;
    private final Outputs owner;

    Tensor(ElementType type, long[] shape, MemorySegment data, List<String> strings, Outputs owner) {
        this.type = type;
        this.shape = shape;
        this.elements = elements(shape);
        this.data = data;
        this.strings = strings;
        this.owner = owner;
    }

    /// A tensor over all bytes of a segment, heap or native.
    ///
    /// @throws PortolanException.InvalidInput if the shape has a negative extent or does not need exactly these bytes
    public static Tensor of(ElementType type, MemorySegment data, long... shape) {
        if (type == ElementType.STRING || type == ElementType.INDEX) {
            throw new PortolanException.InvalidInput("a memory segment cannot hold elements of type " + type.text());
        }
        long[] own = shape.clone();
        long bytes = bytes(type, own);
        if (bytes != data.byteSize()) {
            throw new PortolanException.InvalidInput("a tensor " + print(type, own) + " takes " + bytes
                    + " bytes and was given " + data.byteSize());
        }
        return new Tensor(type, own, data, null, null);
    }

    public static Tensor of(float[] values, long... shape) {
        return of(ElementType.F32, MemorySegment.ofArray(values), shape);
    }

    public static Tensor of(double[] values, long... shape) {
        return of(ElementType.F64, MemorySegment.ofArray(values), shape);
    }

    public static Tensor of(long[] values, long... shape) {
        return of(ElementType.I64, MemorySegment.ofArray(values), shape);
    }

    public static Tensor of(int[] values, long... shape) {
        return of(ElementType.I32, MemorySegment.ofArray(values), shape);
    }

    public static Tensor of(short[] values, long... shape) {
        return of(ElementType.I16, MemorySegment.ofArray(values), shape);
    }

    public static Tensor of(byte[] values, long... shape) {
        return of(ElementType.I8, MemorySegment.ofArray(values), shape);
    }

    /// The one factory that copies: Java's booleans have no defined bytes.
    public static Tensor of(boolean[] values, long... shape) {
        var bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) (values[i] ? 1 : 0);
        }
        return of(ElementType.BOOL, MemorySegment.ofArray(bytes), shape);
    }

    /// A tensor over the remaining bytes of a buffer, direct or not.
    public static Tensor of(ElementType type, ByteBuffer values, long... shape) {
        return of(type, MemorySegment.ofBuffer(values), shape);
    }

    /// A tensor of f32, f64, i64, i32 or i16 over the remaining elements of a buffer of native byte order.
    public static Tensor of(Buffer values, long... shape) {
        var order =
                switch (values) {
                    case FloatBuffer buffer -> buffer.order();
                    case DoubleBuffer buffer -> buffer.order();
                    case LongBuffer buffer -> buffer.order();
                    case IntBuffer buffer -> buffer.order();
                    case ShortBuffer buffer -> buffer.order();
                    default -> ByteOrder.nativeOrder();
                };
        if (order != ByteOrder.nativeOrder()) {
            throw new PortolanException.InvalidInput("a tensor needs a buffer of native byte order, not " + order
                    + "; set order(ByteOrder.nativeOrder()) before taking the view");
        }
        var type =
                switch (values) {
                    case FloatBuffer _ -> ElementType.F32;
                    case DoubleBuffer _ -> ElementType.F64;
                    case LongBuffer _ -> ElementType.I64;
                    case IntBuffer _ -> ElementType.I32;
                    case ShortBuffer _ -> ElementType.I16;
                    default ->
                        throw new PortolanException.InvalidInput("a " + values.getClass().getSimpleName()
                                + " does not say the element type; use of(ElementType, ByteBuffer, long...)");
                };
        return of(type, MemorySegment.ofBuffer(values), shape);
    }

    /// A tensor of zeros in native memory, aligned so that a run uses it in place.
    public static Tensor allocate(ElementType type, Arena arena, long... shape) {
        return of(type, arena.allocate(bytes(type, shape), 64), shape);
    }

    public static Tensor ofStrings(List<String> values, long... shape) {
        long[] own = shape.clone();
        if (elements(own) != values.size()) {
            throw new PortolanException.InvalidInput("a tensor " + print(ElementType.STRING, own) + " has "
                    + elements(own) + " elements and was given " + values.size());
        }
        return new Tensor(ElementType.STRING, own, null, List.copyOf(values), null);
    }

    public ElementType type() {
        return type;
    }

    /// The extents, outermost first; empty for a scalar.
    public long[] shape() {
        return shape.clone();
    }

    public int rank() {
        return shape.length;
    }

    public long extent(int axis) {
        return shape[axis];
    }

    public long elements() {
        return elements;
    }

    /// The elements' bytes.
    ///
    /// @throws IllegalStateException if this came out of a run whose {@link Outputs} are closed
    public MemorySegment data() {
        if (data == null) {
            throw new IllegalStateException("a tensor of strings has no memory segment; use strings()");
        }
        if (owner != null && owner.isClosed()) {
            throw new IllegalStateException("this tensor's outputs are closed; copy what is needed before closing");
        }
        return data;
    }

    /// The elements of a tensor of strings.
    public List<String> strings() {
        if (strings == null) {
            throw new IllegalStateException("a tensor of " + type.text() + " has no strings");
        }
        return strings;
    }

    /// A view of the bytes, in native order.
    ///
    /// @throws IllegalStateException if they are more than a buffer can hold, or in an array that is not of bytes
    public ByteBuffer asByteBuffer() {
        var segment = data();
        boolean array = !segment.isNative() && !(segment.heapBase().orElse(null) instanceof byte[]);
        if (segment.byteSize() > Integer.MAX_VALUE || array) {
            throw new IllegalStateException("a tensor of " + segment.byteSize() + " bytes"
                    + (array ? " in an array" : "") + " cannot be seen as a buffer of bytes; use data()");
        }
        return segment.asByteBuffer().order(ByteOrder.nativeOrder());
    }

    /// A view of the elements of a tensor of f32.
    public FloatBuffer asFloatBuffer() {
        return heap(ElementType.F32) instanceof float[] array
                ? FloatBuffer.wrap(array, heapOffset(), arrayLength()).slice()
                : asByteBuffer().asFloatBuffer();
    }

    /// A view of the elements of a tensor of f64.
    public DoubleBuffer asDoubleBuffer() {
        return heap(ElementType.F64) instanceof double[] array
                ? DoubleBuffer.wrap(array, heapOffset(), arrayLength()).slice()
                : asByteBuffer().asDoubleBuffer();
    }

    /// A view of the elements of a tensor of i64.
    public LongBuffer asLongBuffer() {
        return heap(ElementType.I64) instanceof long[] array
                ? LongBuffer.wrap(array, heapOffset(), arrayLength()).slice()
                : asByteBuffer().asLongBuffer();
    }

    /// A view of the elements of a tensor of i32.
    public IntBuffer asIntBuffer() {
        return heap(ElementType.I32) instanceof int[] array
                ? IntBuffer.wrap(array, heapOffset(), arrayLength()).slice()
                : asByteBuffer().asIntBuffer();
    }

    /// A view of the elements of a tensor of i16.
    public ShortBuffer asShortBuffer() {
        return heap(ElementType.I16) instanceof short[] array
                ? ShortBuffer.wrap(array, heapOffset(), arrayLength()).slice()
                : asByteBuffer().asShortBuffer();
    }

    /// The array that the elements are in, or null.
    private Object heap(ElementType wanted) {
        if (type != wanted) {
            throw new IllegalStateException("a tensor of " + type.text() + " cannot be seen as " + wanted.text()
                    + "; toFloatArray, toDoubleArray and toLongArray convert");
        }
        return data().heapBase().orElse(null);
    }

    private int heapOffset() {
        return (int) (data.address() / (type.bits() / 8));
    }

    /// One element, converted by the numerics contract.
    public double getDouble(long index) {
        return ElementTypes.getDouble(type, data(), index);
    }

    /// One element, converted by the numerics contract: saturating, NaN gives 0. An u64 keeps its bits.
    public long getLong(long index) {
        return ElementTypes.getLong(type, data(), index);
    }

    /// A copy of all elements, converted.
    public float[] toFloatArray() {
        if (type == ElementType.F32) {
            return data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }
        var values = new float[arrayLength()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) getDouble(i);
        }
        return values;
    }

    /// A copy of all elements, converted.
    public double[] toDoubleArray() {
        var values = new double[arrayLength()];
        Arrays.setAll(values, this::getDouble);
        return values;
    }

    /// A copy of all elements, converted.
    public long[] toLongArray() {
        var values = new long[arrayLength()];
        Arrays.setAll(values, this::getLong);
        return values;
    }

    private int arrayLength() {
        if (elements > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException("a tensor of " + elements + " elements does not fit an array; use data()");
        }
        return (int) elements;
    }

    /// The type and shape, for example {@code f32[1,128]}.
    @Override
    public String toString() {
        return print(type, shape);
    }

    static String print(ElementType type, long[] shape) {
        var text = new StringJoiner(",", type.text() + "[", "]");
        for (long extent : shape) {
            text.add(Long.toString(extent));
        }
        return text.toString();
    }

    private static long elements(long[] shape) {
        boolean empty = false;
        for (int axis = 0; axis < shape.length; axis++) {
            if (shape[axis] < 0) {
                throw new PortolanException.InvalidInput(
                        "axis " + axis + " of a tensor has the negative extent " + shape[axis]);
            }
            empty |= shape[axis] == 0;
        }
        if (empty) {
            return 0;
        }
        long product = 1;
        for (long extent : shape) {
            try {
                product = Math.multiplyExact(product, extent);
            } catch (ArithmeticException e) {
                throw new PortolanException.InvalidInput(
                        "a tensor of shape " + Arrays.toString(shape) + " has more than 2^63 elements");
            }
        }
        return product;
    }

    private static long bytes(ElementType type, long[] shape) {
        try {
            return type.bytes(elements(shape));
        } catch (ArithmeticException e) {
            throw new PortolanException.InvalidInput(
                    "a tensor of shape " + Arrays.toString(shape) + " takes more than 2^63 bytes");
        }
    }
}
