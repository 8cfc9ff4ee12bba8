package org.portolan.cli.argument;

import java.lang.foreign.Arena;
import java.util.List;
import org.portolan.cli.CommandFailure;
import org.portolan.cli.ExitCode;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Tensors made on the spot.
public final class GeneratedTensors {
    private GeneratedTensors() {}

    /// Numbers of a seeded generator that suit most models; see [RandomTensors#random].
    public static Tensor random(ElementType type, List<Long> extents, long seed) {
        refuseStrings(type);
        return RandomTensors.random(type, seed, shape(extents));
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
        return Tensor.allocate(type, Arena.ofAuto(), shape(extents));
    }

    static long[] shape(List<Long> extents) {
        return extents.stream().mapToLong(Long::longValue).toArray();
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
