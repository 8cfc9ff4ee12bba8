package org.portolan.cuda.emulator.decode;

import java.util.Locale;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.LongLanes;
import org.portolan.cuda.emulator.run.Moves;
import org.portolan.cuda.emulator.run.Space;
import org.portolan.cuda.emulator.run.TestLanes;
import org.portolan.cuda.emulator.run.WordLanes;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxTypes;

/// {@code mov} and {@code cvta}.
final class MoveDecoder {
    private MoveDecoder() {}

    static Instruction move(Operation operation) {
        var type = operation.type();
        if (type.equals("pred")) {
            return CompareDecoder.move(operation);
        }
        if (operation.operand(0) instanceof PtxOperand.Vector) {
            return unpack(operation, type);
        }
        if (operation.operand(1) instanceof PtxOperand.Vector) {
            return pack(operation, type);
        }
        if (operation.operand(1) instanceof PtxOperand.Name name
                && (name.name().startsWith("%clock") || name.name().startsWith("%globaltimer"))) {
            return clock(operation, name.name());
        }
        return PtxTypes.bits(type) == Long.SIZE
                ? LongLanes.long1(a -> a, operation.wideTo(0, type), operation.wide(1, type))
                : WordLanes.word1(a -> a, operation.wordTo(0, type), operation.word(1, type));
    }

    private static Instruction clock(Operation operation, String name) {
        return switch (name) {
            case "%clock", "%clock_lo" -> Moves.clock(Moves.Clock.CLOCK, operation.wordTo(0, "b32"));
            case "%clock64" -> Moves.clock(Moves.Clock.CLOCK64, operation.wideTo(0, "b64"));
            case "%globaltimer" -> Moves.clock(Moves.Clock.GLOBALTIMER, operation.wideTo(0, "b64"));
            default -> throw operation.unsupported("%clock, %clock64 and %globaltimer");
        };
    }

    private static Instruction unpack(Operation operation, String type) {
        var parts = Operation.parts(operation.operand(0));
        int bits = PtxTypes.bits(type) / parts.size();
        boolean wide = PtxTypes.bits(type) == Long.SIZE;
        var to = parts.stream()
                .mapToInt(part -> part instanceof PtxOperand.Unused
                        ? -1
                        : operation.result(part, Register.Kind.WORD, "b" + bits))
                .toArray();
        return Moves.unpack(to, bits, wide ? operation.wide(1, type) : operation.word(1, type), wide);
    }

    private static Instruction pack(Operation operation, String type) {
        var parts = Operation.parts(operation.operand(1));
        int bits = PtxTypes.bits(type) / parts.size();
        boolean wide = PtxTypes.bits(type) == Long.SIZE;
        var from = parts.stream().mapToInt(part -> operation.word(part, "b" + bits)).toArray();
        return Moves.pack(wide ? operation.wideTo(0, type) : operation.wordTo(0, type), wide, bits, from);
    }

    /// Between addresses of one memory and generic ones.
    static Instruction convertAddress(Operation operation) {
        var space = operation.space();
        if (space == Space.GENERIC) {
            throw operation.unsupported("global, const, shared, local and param");
        }
        long window = operation.has("to") ? -space.window() : space.window();
        var type = operation.type();
        if (PtxTypes.bits(type) != Long.SIZE) {
            throw operation.unsupported("addresses of 64 bits");
        }
        // A variable stands for its address in its own memory, which is what this instruction takes.
        return LongLanes.long1(a -> a + window, operation.wideTo(0, type), operation.wide(1, type));
    }

    /// {@code isspacep}.
    static Instruction isSpace(Operation operation) {
        var space = operation.space();
        if (space == Space.GENERIC) {
            throw operation.unsupported("global, const, shared, local and param, not "
                    + operation.step().modifiers().toString().toLowerCase(Locale.ROOT));
        }
        return TestLanes.longTest1(
                space::holds, operation.predicateTo(0), operation.wide(1, "b64"));
    }
}
