package org.portolan.cli.argument;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.SplittableRandom;
import org.portolan.cli.CommandFailure;
import org.portolan.cli.ExitCode;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Tensors made on the spot.
public final class GeneratedTensors {
    private GeneratedTensors() {}

    /// Numbers of a seeded generator, the same on every machine: floating point uniform in [-1, 1), everything else 0 or 1,
    /// which is a valid index, mask or token of nearly every model.
    public static Tensor random(ElementType type, List<Long> extents, long seed) {
        refuseStrings(type);
        var tensor = allocate(type, extents);
        var generator = new SplittableRandom(seed);
        for (var i = 0L; i < tensor.elements(); i++) {
            if (type.isFloat()) {
                ElementTypes.setDouble(type, tensor.data(), i, generator.nextDouble(-1, 1));
            } else {
                ElementTypes.setLong(type, tensor.data(), i, generator.nextInt(2));
            }
        }
        return tensor;
    }

    /// Numbers that were written out: one for each element, or one for all.
    public static Tensor literal(InputArgument.Literal literal) {
        refuseStrings(literal.type());
        var tensor = allocate(literal.type(), literal.extents());
        var given = literal.elements();
        if (given.size() != 1 && given.size() != tensor.elements()) {
            throw new CommandFailure(
                    ExitCode.WRONG_USAGE,
                    tensor + " takes " + tensor.elements() + " numbers, " + given.size() + " are given",
                    "one number stands for all");
        }
        for (var i = 0L; i < tensor.elements(); i++) {
            set(tensor, i, given.get(given.size() == 1 ? 0 : (int) i));
        }
        return tensor;
    }

    static Tensor allocate(ElementType type, List<Long> extents) {
        var shape = extents.stream().mapToLong(Long::longValue).toArray();
        return Tensor.allocate(type, Arena.ofAuto(), shape);
    }

    private static void set(Tensor tensor, long index, String number) {
        try {
            switch (number) {
                case "true" -> ElementTypes.setLong(tensor.type(), tensor.data(), index, 1);
                case "false" -> ElementTypes.setLong(tensor.type(), tensor.data(), index, 0);
                default -> setNumber(tensor, index, number);
            }
        } catch (NumberFormatException _) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "'" + number + "' is no " + tensor.type().text(), "");
        }
    }

    private static void setNumber(Tensor tensor, long index, String number) {
        var type = tensor.type();
        if (type.isFloat()) {
            ElementTypes.setDouble(type, tensor.data(), index, Double.parseDouble(number));
        } else if (type == ElementType.U64) {
            ElementTypes.setLong(type, tensor.data(), index, Long.parseUnsignedLong(number));
        } else {
            ElementTypes.setLong(type, tensor.data(), index, Long.parseLong(number));
        }
    }

    private static void refuseStrings(ElementType type) {
        if (type == ElementType.STRING) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "strings cannot be generated", "give a file");
        }
    }
}
