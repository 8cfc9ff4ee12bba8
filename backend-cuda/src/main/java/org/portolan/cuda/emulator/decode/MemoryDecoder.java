package org.portolan.cuda.emulator.decode;

import java.util.List;
import java.util.function.LongBinaryOperator;
import org.portolan.cuda.emulator.run.Address;
import org.portolan.cuda.emulator.run.AsyncCopy;
import org.portolan.cuda.emulator.run.Atomic;
import org.portolan.cuda.emulator.run.Control;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.Load;
import org.portolan.cuda.emulator.run.Space;
import org.portolan.cuda.emulator.run.Store;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxTypes;

/// Loads, stores, atomic operations and asynchronous copies.
final class MemoryDecoder {
    private static final List<String> ATOMICS =
            List.of("add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec");

    private static final List<String> SHARED_ACCESSES = List.of("volatile", "relaxed", "acquire", "release", "mmio");

    private MemoryDecoder() {}

    static Instruction load(Operation operation) {
        var type = operation.type();
        var space = operation.spaceAt(1);
        int width = PtxTypes.bits(type) / Byte.SIZE;
        if (width == 0 || width > Long.BYTES) {
            throw operation.unsupported("types of 8 to 64 bits");
        }
        var parts = Operation.parts(operation.operand(0));
        var address = operation.address(1, space);
        var first = parts.stream()
                .filter(part -> !(part instanceof PtxOperand.Unused))
                .findFirst()
                .orElseThrow(() -> operation.refuse("a register is expected as the result"));
        var register = operation.anyRegister(first);
        boolean wide = register.kind() == Register.Kind.LONG;
        int mask = register.bits() >= Integer.SIZE ? -1 : (1 << register.bits()) - 1;
        if (register.bits() < PtxTypes.bits(type)) {
            throw operation.refuse("the register has only " + register.bits() + " bits");
        }
        var to = parts.stream()
                .mapToInt(part -> part instanceof PtxOperand.Unused
                        ? -1
                        : operation.result(part, register.kind(), type))
                .toArray();
        return new Load(space, address, new Load.Target(wide, type.startsWith("s"), mask, others(operation)), width, to);
    }

    static Instruction store(Operation operation) {
        var type = operation.type();
        var space = operation.spaceAt(0);
        int width = PtxTypes.bits(type) / Byte.SIZE;
        if (width == 0 || width > Long.BYTES) {
            throw operation.unsupported("types of 8 to 64 bits");
        }
        var address = operation.address(0, space);
        var parts = Operation.parts(operation.operand(1));
        boolean wide = width == Long.BYTES
                || parts.getFirst() instanceof PtxOperand.Name name
                        && operation.anyRegister(name).kind() == Register.Kind.LONG;
        var from = parts.stream()
                .mapToInt(part -> wide ? operation.wide(part, type) : operation.word(part, type))
                .toArray();
        return new Store(space, address, wide, width, others(operation), from);
    }

    /// Whether an access is made for memory that others change at the same time.
    private static boolean others(Operation operation) {
        return !operation.firstOf("", SHARED_ACCESSES).isEmpty();
    }

    /// {@code atom} and {@code red}, which is the same without a result.
    static Instruction atomic(Operation operation) {
        boolean result = operation.name().equals("atom");
        var type = operation.type();
        var space = operation.space();
        int bits = PtxTypes.bits(type);
        if (bits < Short.SIZE || bits > Long.SIZE || operation.step().modifiers().stream().anyMatch(modifier ->
                modifier.matches("v[248]"))) {
            throw operation.unsupported("one value of 16 to 64 bits");
        }
        boolean wide = bits == Long.SIZE;
        int first = result ? 1 : 0;
        Address address = operation.address(first, space);
        boolean compare = operation.has("cas");
        int to = !result || operation.operand(0) instanceof PtxOperand.Unused
                ? -1
                : wide ? operation.wideTo(0, type) : operation.wordTo(0, type);
        int by = first + (compare ? 2 : 1);
        return new Atomic(
                space,
                address,
                function(operation, type),
                operation.has("and") || operation.has("or") || operation.has("xor"),
                wide,
                bits / Byte.SIZE,
                to,
                wide ? operation.wide(by, type) : operation.word(by, type),
                !compare ? -1 : wide ? operation.wide(first + 1, type) : operation.word(first + 1, type));
    }

    private static LongBinaryOperator function(Operation operation, String type) {
        var name = operation.firstOf("", ATOMICS);
        return switch (name) {
            case "exch", "cas" -> (old, by) -> by;
            case "and" -> (old, by) -> old & by;
            case "or" -> (old, by) -> old | by;
            case "xor" -> (old, by) -> old ^ by;
            case "add" -> sum(operation, type);
            case "min", "max" -> extreme(operation, type, name.equals("min"));
            case "inc" -> (old, by) -> old >= by ? 0 : old + 1;
            case "dec" -> (old, by) -> old == 0 || old > by ? by : old - 1;
            default -> throw operation.unsupported(ATOMICS.toString());
        };
    }

    private static LongBinaryOperator sum(Operation operation, String type) {
        return switch (type) {
            case "f32" ->
                (old, by) ->
                        Float.floatToRawIntBits(Float.intBitsToFloat((int) old) + Float.intBitsToFloat((int) by));
            case "f64" ->
                (old, by) -> Double.doubleToRawLongBits(Double.longBitsToDouble(old) + Double.longBitsToDouble(by));
            case "f16" -> (old, by) -> Floats.half(Floats.half((int) old) + Floats.half((int) by));
            case "bf16" ->
                (old, by) -> Floats.brain(Floats.fmaToOdd(Floats.brain((int) old), 1, Floats.brain((int) by)));
            case "f16x2" ->
                (old, by) -> Floats.half(Floats.half((int) old) + Floats.half((int) by))
                        | (long) Floats.half(Floats.half((int) old >>> 16) + Floats.half((int) by >>> 16)) << 16;
            case "bf16x2" ->
                (old, by) -> Floats.brain(Floats.fmaToOdd(Floats.brain((int) old), 1, Floats.brain((int) by)))
                        | (long) Floats.brain(Floats.fmaToOdd(
                                        Floats.brain((int) old >>> 16), 1, Floats.brain((int) by >>> 16)))
                                << 16;
            case "u32", "s32", "u64", "s64", "b32", "b64" -> Long::sum;
            default -> throw operation.unsupported("add of whole numbers, f16, bf16, f32, f64 and pairs of halves");
        };
    }

    private static LongBinaryOperator extreme(Operation operation, String type, boolean least) {
        return switch (type) {
            case "s32" ->
                least
                        ? (old, by) -> Math.min((int) old, (int) by)
                        : (old, by) -> Math.max((int) old, (int) by);
            case "s64" -> least ? Math::min : Math::max;
            case "u32", "u64" ->
                least
                        ? (old, by) -> Long.compareUnsigned(old, by) <= 0 ? old : by
                        : (old, by) -> Long.compareUnsigned(old, by) >= 0 ? old : by;
            default -> throw operation.unsupported("min and max of whole numbers of 32 and 64 bits");
        };
    }

    /// {@code cp.async} and what belongs to it.
    static Instruction copy(Operation operation) {
        if (!operation.has("async")) {
            throw operation.unsupported("cp.async");
        }
        if (operation.has("bulk")) {
            return AsyncDecoder.bulk(operation);
        }
        if (operation.has("mbarrier")) {
            return AsyncDecoder.arriveWithCopies(operation);
        }
        if (operation.has("commit_group")) {
            return AsyncCopy.commit();
        }
        if (operation.has("wait_all")) {
            return AsyncCopy.await(-1);
        }
        if (operation.has("wait_group")) {
            return AsyncCopy.await(operation.number(0));
        }
        if (operation.count() > 4) {
            throw operation.unsupported("three or four operands");
        }
        int bytes = operation.number(2);
        if (bytes != Integer.BYTES && bytes != Long.BYTES && bytes != 2 * Long.BYTES) {
            throw operation.unsupported("copies of 4, 8 and 16 bytes");
        }
        return new AsyncCopy(
                operation.address(0, Space.SHARED),
                operation.address(1, Space.GLOBAL),
                bytes,
                operation.count() == 4 ? operation.word(3, "b32") : -1);
    }

    /// Hints and orders, which change nothing here.
    static Instruction nothing() {
        return Control.nothing();
    }
}
