package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.ir.Type;
import org.portolan.runtime.type.Dim;

/// How a fragment is spread over the lanes of a warp, turned around: which element each lane holds in each register.
final class Spread {
    private static final Map<Type.Fragment, Spread> KNOWN = new ConcurrentHashMap<>();

    /// A row of a matrix has 16 bytes, and each lane takes 4 of them.
    private static final int LANES_OF_ROW = 4;

    /// The indices of an element by register, lane and axis.
    private final long[][][] elements;

    private Spread(long[][][] elements) {
        this.elements = elements;
    }

    static Spread of(Type.Fragment type) {
        return KNOWN.computeIfAbsent(type, Spread::turnAround);
    }

    /// Over how many lanes it is spread: those of a warp, or of several warps side by side.
    int lanes() {
        return elements[0].length;
    }

    /// How many elements a lane holds.
    int registers() {
        return elements.length;
    }

    /// The axis along which neighbours share a register of a lane, or where each has its own, lie in neighbouring lanes.
    int axisOfRegister() {
        for (int axis = 0; registers() > 1 && axis < elements[0][0].length; axis++) {
            if (elements[1][0][axis] == elements[0][0][axis] + 1) {
                return axis;
            }
        }
        int axis = 0;
        while (axis < elements[0][0].length - 1 && elements[0][1][axis] != elements[0][0][axis] + 1) {
            axis++;
        }
        return axis;
    }

    private static Spread turnAround(Type.Fragment type) {
        var extents = type.dims().stream()
                .map(dim -> dim.constant()
                        .orElseThrow(() -> new EmitException("a fragment has extents that are numbers, found " + type)))
                .toList();
        long count = extents.stream().reduce(1L, Math::multiplyExact);
        var places = new HashMap<List<Long>, long[]>();
        long lanes = 0;
        long registers = 0;
        for (long number = 0; number < count; number++) {
            var index = new long[extents.size()];
            long rest = number;
            for (int axis = index.length - 1; axis >= 0; axis--) {
                index[axis] = rest % extents.get(axis);
                rest /= extents.get(axis);
            }
            var inputs = new ArrayList<Dim>();
            for (long value : index) {
                inputs.add(Dim.of(value));
            }
            var place = type.spread().apply(inputs).stream()
                    .map(dim -> dim.constant().orElseThrow(() -> new EmitException("a spread that is no number: " + type)))
                    .toList();
            if (places.put(place, index) != null) {
                throw new EmitException("two elements share a place in " + type);
            }
            lanes = Math.max(lanes, place.get(0) + 1);
            registers = Math.max(registers, place.get(1) + 1);
        }
        if (lanes * registers != count) {
            throw new EmitException("every lane holds as many elements as any other, found " + type);
        }
        var elements = new long[Math.toIntExact(registers)][Math.toIntExact(lanes)][];
        places.forEach((place, index) -> elements[place.get(1).intValue()][place.get(0).intValue()] = index);
        return new Spread(elements);
    }

    /// The index along an axis of the element that a lane holds in a register.
    Operand index(FunctionBuilder builder, int register, int axis, Operand lane) {
        long[] values = new long[elements[register].length];
        for (int i = 0; i < values.length; i++) {
            values[i] = elements[register][i][axis];
        }
        return byBits(builder, values, lane);
    }

    /// A function of the lane's number that is a sum over its bits, as everything is that machines spread by.
    static Operand byBits(FunctionBuilder builder, long[] values, Operand lane) {
        int bits = Long.numberOfTrailingZeros(Long.highestOneBit(values.length));
        long[] weights = new long[bits];
        for (int bit = 0; bit < bits; bit++) {
            weights[bit] = values[1 << bit] - values[0];
        }
        for (int number = 0; number < values.length; number++) {
            long sum = values[0];
            for (int bit = 0; bit < bits; bit++) {
                sum += (number >> bit & 1) * weights[bit];
            }
            if (sum != values[number]) {
                throw new EmitException("a spread over lanes is a sum over the bits of the lane's number");
            }
        }
        var result = Operand.index(values[0]);
        for (int bit = 0; bit < bits; ) {
            int end = bit + 1;
            while (end < bits && weights[end] == 2 * weights[end - 1]) {
                end++;
            }
            if (weights[bit] != 0) {
                var shifted = bit == 0 ? lane : builder.binary("lshr", lane, Operand.index(bit));
                var field = end == bits ? shifted : builder.binary("and", shifted, Operand.index((1L << end - bit) - 1));
                builder.markNonNegative(field);
                result = builder.add(result, builder.multiply(field, Operand.index(weights[bit])));
            }
            bit = end;
        }
        return result;
    }

    /// The values of {@link #index} for the rows of the 8x8 matrices that a fragment is made of: lane `8 * i + k` gives
    /// where row `k` of matrix `i` begins, as instructions want that fetch matrices from shared memory.
    ///
    /// @param transposed whether a matrix is turned while it is fetched, so that a lane's neighbours in a register are
    ///     below each other
    Operand rowOfMatrix(FunctionBuilder builder, int axis, boolean transposed, int perRegister, Operand lane) {
        int matrices = registers() / perRegister;
        long[] values = new long[8 * matrices];
        for (int matrix = 0; matrix < matrices; matrix++) {
            for (int row = 0; row < 8; row++) {
                int holder = transposed ? row / perRegister : row * LANES_OF_ROW;
                int register = matrix * perRegister + (transposed ? row % perRegister : 0);
                values[8 * matrix + row] = elements[register][holder][axis];
            }
        }
        // Where there are fewer rows than lanes, the other lanes repeat them.
        var used = values.length == elements[0].length
                ? lane
                : builder.binary("and", lane, Operand.index(values.length - 1L));
        builder.markNonNegative(used);
        return byBits(builder, values, used);
    }
}
