package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.portolan.ir.Combine;
import org.portolan.runtime.type.ElementType;

/// Operations across the lanes of vectors.
final class Lanes {
    private final FunctionBuilder builder;
    private final ArithEmitter arith;

    Lanes(FunctionBuilder builder, ArithEmitter arith) {
        this.builder = builder;
        this.arith = arith;
    }

    /// Lane `i` of the result is lane `from[i]` of the vectors laid end to end.
    Operand shuffle(List<Operand> vectors, List<Long> from, LlvmType type) {
        long lanes = vectors.getFirst().type().lanes();
        boolean alike = vectors.stream().allMatch(vector -> vector.type().lanes() == lanes && lanes > 0);
        if (alike && type.isVector() && vectors.size() <= 2) {
            var second = vectors.size() == 2 ? vectors.get(1) : Operand.poison(vectors.getFirst().type());
            return shuffle(vectors.getFirst(), second, from);
        }
        var all = new ArrayList<Operand>();
        for (var vector : vectors) {
            for (long lane = 0; lane < vector.type().lanes(); lane++) {
                all.add(builder.extract(vector, lane));
            }
            if (!vector.type().isVector()) {
                all.add(vector);
            }
        }
        if (!type.isVector()) {
            return all.get(Math.toIntExact(from.getFirst()));
        }
        var result = Operand.poison(type);
        for (int lane = 0; lane < from.size(); lane++) {
            result = builder.insert(result, all.get(Math.toIntExact(from.get(lane))), lane);
        }
        return result;
    }

    private Operand shuffle(Operand first, Operand second, List<Long> from) {
        var places = from.stream().map(lane -> "i32 " + lane).collect(Collectors.joining(", ", "<", ">"));
        return builder.assign(
                "shuffle",
                first.type().withLanes(from.size()),
                "shufflevector " + first + ", " + second + ", <" + from.size() + " x i32> " + places);
    }

    /// All lanes combined: lane `i` with lane `i + n / 2`, then the same for the first half, until one is left. Of an
    /// odd number the last lane waits, and is combined at the end.
    Operand reduce(Operand vector, Combine combine, ElementType element) {
        if (!vector.type().isVector()) {
            return vector;
        }
        var waiting = new ArrayList<Operand>();
        var current = vector;
        for (long lanes = vector.type().lanes(); lanes > 1; lanes /= 2) {
            if (lanes % 2 != 0) {
                waiting.add(builder.extract(current, lanes - 1));
            }
            long half = lanes / 2;
            var lower = shuffle(current, Operand.poison(current.type()), range(0, half));
            var upper = shuffle(current, Operand.poison(current.type()), range(half, 2 * half));
            current = arith.combine(combine, lower, upper, element);
        }
        var result = builder.extract(current, 0);
        for (var lane : waiting.reversed()) {
            result = arith.combine(combine, result, lane, element);
        }
        return result;
    }

    private static List<Long> range(long from, long below) {
        return LongStream.range(from, below).boxed().toList();
    }

    /// Lane `i` is on where `lower + i < upper`.
    Operand mask(Operand lower, Operand upper, LlvmType type) {
        var left = builder.binary("sub", upper, lower);
        var capped = builder.intrinsic(
                "smin", builder.intrinsic("smax", left, Operand.index(0)), Operand.index(type.lanes()));
        // Narrow numbers: as many lanes fit a register as the data has.
        var count = builder.convert("trunc", capped, LlvmType.INT);
        var counts = builder.splat(count, type.lanes());
        return builder.compare("ugt", counts, Operand.ascending(counts.type()));
    }

    /// Whether any lane is on.
    Operand any(Operand mask) {
        return mask.type().isVector()
                ? builder.call("llvm.vector.reduce.or." + mask.type().suffix(), LlvmType.BIT, mask)
                : mask;
    }
}
