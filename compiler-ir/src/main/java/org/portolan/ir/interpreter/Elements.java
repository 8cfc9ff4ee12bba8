package org.portolan.ir.interpreter;

import java.util.Arrays;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// A row of elements on the Java heap: tensors, the lanes of a vector and scalars alike. Floating-point types of up to
/// 32 bits are held as the floats they are, all integers and truth values as longs (an u64 with its bits).
public sealed interface Elements {

    /// Numbers of a floating-point type of at most 32 bits.
    record Floats(ElementType type, float[] values) implements Elements {
        @Override
        public Object array() {
            return values;
        }

        @Override
        public int size() {
            return values.length;
        }
    }

    /// Numbers of type f64.
    record Doubles(double[] values) implements Elements {
        @Override
        public ElementType type() {
            return ElementType.F64;
        }

        @Override
        public Object array() {
            return values;
        }

        @Override
        public int size() {
            return values.length;
        }
    }

    /// Integers, indices, and truth values as 0 and 1.
    record Longs(ElementType type, long[] values) implements Elements {
        @Override
        public Object array() {
            return values;
        }

        @Override
        public int size() {
            return values.length;
        }
    }

    /// Texts.
    record Texts(String[] values) implements Elements {
        @Override
        public ElementType type() {
            return ElementType.STRING;
        }

        @Override
        public Object array() {
            return values;
        }

        @Override
        public int size() {
            return values.length;
        }
    }

    ElementType type();

    int size();

    /// The Java array behind.
    Object array();

    /// Zeros, false or empty texts.
    static Elements allocate(ElementType type, int size) {
        if (type == ElementType.STRING) {
            var texts = new String[size];
            Arrays.fill(texts, "");
            return new Texts(texts);
        }
        if (type == ElementType.F64) {
            return new Doubles(new double[size]);
        }
        return type.isFloat() ? new Floats(type, new float[size]) : new Longs(type, new long[size]);
    }

    /// Bytes that one element takes in this representation.
    static int bytesPerElement(ElementType type) {
        return type.isFloat() && type != ElementType.F64 ? Float.BYTES : Long.BYTES;
    }

    /// A single integer, index or truth value.
    static Elements of(ElementType type, long value) {
        return new Longs(type, new long[] {value});
    }

    /// One element as a double; an integer of more than 53 bits is rounded.
    default double getDouble(int index) {
        return switch (this) {
            case Floats(_, float[] values) -> values[index];
            case Doubles(double[] values) -> values[index];
            case Longs(ElementType type, long[] values) -> ElementTypes.decodeDouble(type, values[index]);
            case Texts _ -> throw new IllegalStateException("a text is no number");
        };
    }

    /// One element as an integer: towards zero, saturating.
    default long getLong(int index) {
        return switch (this) {
            case Floats(_, float[] values) -> (long) values[index];
            case Doubles(double[] values) -> (long) values[index];
            case Longs(_, long[] values) -> values[index];
            case Texts _ -> throw new IllegalStateException("a text is no number");
        };
    }

    /// One element as the bits it has in memory.
    default long getBits(int index) {
        return switch (this) {
            case Floats(ElementType type, float[] values) -> type == ElementType.F32
                    ? Float.floatToRawIntBits(values[index]) & 0xFFFF_FFFFL
                    : ElementTypes.encodeDouble(type, values[index], false, ElementTypes.ScaleRounding.NEAREST);
            case Doubles(double[] values) -> Double.doubleToRawLongBits(values[index]);
            case Longs(ElementType type, long[] values) -> ElementTypes.encodeLong(type, values[index]);
            case Texts _ -> throw new IllegalStateException("a text has no bits");
        };
    }

    /// Stores an element given by its bits in memory.
    default void setBits(int index, long bits) {
        switch (this) {
            case Floats(ElementType type, float[] values) -> values[index] = type == ElementType.F32
                    ? Float.intBitsToFloat((int) bits)
                    : (float) ElementTypes.decodeDouble(type, bits);
            case Doubles(double[] values) -> values[index] = Double.longBitsToDouble(bits);
            case Longs(ElementType type, long[] values) -> values[index] = ElementTypes.decodeLong(type, bits);
            case Texts _ -> throw new IllegalStateException("a text has no bits");
        }
    }

    /// Stores the nearest element.
    default void setDouble(int index, double value) {
        switch (this) {
            case Floats(ElementType type, float[] values) -> values[index] = (float) Rounding.round(type, value);
            case Doubles(double[] values) -> values[index] = value;
            case Longs(ElementType type, long[] values) ->
                values[index] = ElementTypes.decodeLong(type, ElementTypes.encodeDouble(type, value));
            case Texts _ -> throw new IllegalStateException("a number is no text");
        }
    }

    /// Stores an integer: its low bits, or the nearest number of a floating-point type.
    default void setLong(int index, long value) {
        switch (this) {
            case Floats _, Doubles _ -> setBits(index, ElementTypes.encodeLong(type(), value));
            case Longs(ElementType type, long[] values) -> values[index] = Rounding.wrap(type, value);
            case Texts _ -> throw new IllegalStateException("a number is no text");
        }
    }

    /// Copies elements of the same type.
    default void copyTo(int from, Elements target, int to, int count) {
        System.arraycopy(array(), from, target.array(), to, count);
    }

    /// Repeats one element of a row of the same type.
    default void fill(int from, int count, Elements source, int index) {
        int to = from + count;
        switch (this) {
            case Floats(_, float[] values) -> Arrays.fill(values, from, to, ((Floats) source).values[index]);
            case Doubles(double[] values) -> Arrays.fill(values, from, to, ((Doubles) source).values[index]);
            case Longs(_, long[] values) -> Arrays.fill(values, from, to, ((Longs) source).values[index]);
            case Texts(String[] values) -> Arrays.fill(values, from, to, ((Texts) source).values[index]);
        }
    }
}
