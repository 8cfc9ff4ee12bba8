package org.portolan.llvm.emit;

import java.util.List;
import java.util.Optional;
import org.portolan.ir.Combine;
import org.portolan.runtime.type.ElementType;

/// Elements in memory combined with a value in one step.
final class Atomics {
    private final FunctionBuilder builder;
    private final Addressing addressing;
    private final ArithEmitter arith;

    Atomics(FunctionBuilder builder, Addressing addressing, ArithEmitter arith) {
        this.builder = builder;
        this.addressing = addressing;
        this.arith = arith;
    }

    /// Gives what was there before; of a vector lane by lane, in order.
    Operand emit(Operand value, BufferPlace place, List<Operand> indices, Combine combine) {
        var element = place.type().element();
        if (element.bits() < 8 || element == ElementType.BOOL) {
            throw new EmitException("atomic operations work on whole numbers of bytes, found elements of " + element);
        }
        var address = addressing.address(place, indices);
        if (!value.type().isVector()) {
            return element(value, address, element, combine);
        }
        var result = Operand.poison(value.type());
        for (long lane = 0; lane < value.type().lanes(); lane++) {
            var place1 = address.type().isVector()
                    ? builder.extract(address, lane)
                    : addressing.step(address, value.type().element(), Operand.index(lane));
            result = builder.insert(result, element(builder.extract(value, lane), place1, element, combine), lane);
        }
        return result;
    }

    private Operand element(Operand value, Operand address, ElementType element, Combine combine) {
        var instruction = instruction(combine, element);
        if (instruction.isPresent()) {
            return builder.assign(
                    "before", value.type(), "atomicrmw " + instruction.get() + " " + address + ", " + value + " monotonic");
        }
        return exchange(value, address, element, combine);
    }

    private static Optional<String> instruction(Combine combine, ElementType element) {
        if (element.isFloat()) {
            // The processor's own minimum and maximum have other corners.
            return Optional.empty();
        }
        return switch (combine) {
            case SUM -> Optional.of("add");
            case PRODUCT -> Optional.empty();
            case MINIMUM -> Optional.of(element.isSigned() ? "min" : "umin");
            case MAXIMUM -> Optional.of(element.isSigned() ? "max" : "umax");
            case AND -> Optional.of("and");
            case OR -> Optional.of("or");
            case XOR -> Optional.of("xor");
        };
    }

    /// Computes and exchanges, until nobody came between.
    private Operand exchange(Operand value, Operand address, ElementType element, Combine combine) {
        var bits = value.type().ofBits(value.type().bits());
        var again = builder.fresh("again");
        var done = builder.fresh("done");
        builder.branch(again);
        builder.startBlock(again);
        var seen = builder.assign(
                "seen", bits, "load atomic " + bits + ", " + address + " monotonic, align " + bits.bits() / 8);
        var before = builder.convert("bitcast", seen, value.type());
        var after = builder.convert("bitcast", arith.combine(combine, before, value, element), bits);
        var pair = builder.assign(
                "pair",
                bits,
                "cmpxchg " + address + ", " + seen + ", " + after + " monotonic monotonic");
        var success = builder.assign(
                "success", LlvmType.BIT, "extractvalue { " + bits + ", i1 } " + pair.text() + ", 1");
        builder.branch(success, done, again);
        builder.startBlock(done);
        return before;
    }
}
