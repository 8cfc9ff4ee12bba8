package org.portolan.runtime.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Reproducible random tensors: {@code random(seed=7)} gives the same elements on every machine.
///
/// The element with index {@code i} (row-major, from 0) comes from the 64 bits {@code z} of SplitMix64 (Steele, Lea and
/// Flood, OOPSLA 2014) at {@code seed + (i + 1) * 0x9E3779B97F4A7C15}. A floating-point element is
/// {@code low + (z >>> 11) * 2^-53 * (high - low)}, computed in f64 and rounded to the type; an integer is {@code low}
/// plus the upper 64 bits of the unsigned product of {@code z} and {@code high - low}.
public final class RandomTensors {
    private static final long STEP = 0x9E3779B97F4A7C15L;

    private RandomTensors() {}

    /// Elements that suit most models: floating-point ones from -1 to 1; integers of 8 bits and less from their whole
    /// range; bools and larger integers 0 or 1, since they mostly are indices, masks or sizes.
    public static Tensor random(ElementType type, long seed, long... shape) {
        if (type.isFloat()) {
            return uniform(type, seed, type == ElementType.F8E8M0 ? 0.25 : -1, 1, shape);
        }
        boolean whole = type.isInteger() && type.bits() <= 8;
        return whole
                ? integers(type, seed, ElementTypes.smallest(type), ElementTypes.largest(type) + 1, shape)
                : integers(type, seed, 0, 2, shape);
    }

    /// Floating-point elements from {@code low} to below {@code high}.
    public static Tensor uniform(ElementType type, long seed, double low, double high, long... shape) {
        var tensor = Tensor.allocate(type, Arena.ofAuto(), shape);
        var data = tensor.data();
        for (long index = 0; index < tensor.elements(); index++) {
            double value = low + (bits(seed, index) >>> 11) * 0x1p-53 * (high - low);
            ElementTypes.setDouble(type, data, index, value);
        }
        return tensor;
    }

    /// Integers or bools from {@code low} to below {@code high}.
    public static Tensor integers(ElementType type, long seed, long low, long high, long... shape) {
        if (low >= high) {
            throw new IllegalArgumentException("the range from " + low + " to below " + high + " is empty");
        }
        var tensor = Tensor.allocate(type, Arena.ofAuto(), shape);
        var data = tensor.data();
        for (long index = 0; index < tensor.elements(); index++) {
            long value = low + Math.unsignedMultiplyHigh(bits(seed, index), high - low);
            ElementTypes.setLong(type, data, index, value);
        }
        return tensor;
    }

    /// Elements in place of weights that must not travel: those of {@code java.util.SplittableRandom}, floating-point ones
    /// from -1 to 1, integers and bools in all their bits. A compiler that is given weights by their seed takes these.
    public static MemorySegment noise(ElementType type, long elements, long seed, Arena arena) {
        var random = new SplittableRandom(seed);
        var data = arena.allocate(type.bytes(elements), 64);
        for (long index = 0; index < elements; index++) {
            if (type.isFloat()) {
                ElementTypes.setDouble(type, data, index, random.nextDouble(-1, 1));
            } else {
                ElementTypes.setLong(type, data, index, type == ElementType.BOOL ? random.nextInt(2) : random.nextLong());
            }
        }
        return data;
    }

    private static long bits(long seed, long index) {
        long z = seed + (index + 1) * STEP;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
