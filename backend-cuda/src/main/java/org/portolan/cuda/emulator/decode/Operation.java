package org.portolan.cuda.emulator.decode;

import java.util.List;
import java.util.Locale;
import org.portolan.cuda.emulator.decode.Names.Variable;
import org.portolan.cuda.emulator.run.Address;
import org.portolan.cuda.emulator.run.Space;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxOperand.Kind;
import org.portolan.cuda.emulator.text.PtxRefused;
import org.portolan.cuda.emulator.text.PtxStatement.Step;
import org.portolan.cuda.emulator.text.PtxTypes;

/// An instruction with the names that it may use: gives its parts as slots.
///
/// @param step as it is written
record Operation(Step step, Names names) {
    private static final int HALF_MASK = 0xFFFF;
    private static final int BYTE_MASK = 0xFF;

    String name() {
        return step.name();
    }

    boolean has(String modifier) {
        return step.has(modifier);
    }

    /// The first of some modifiers that it has, or another text.
    String firstOf(String otherwise, List<String> modifiers) {
        return step.modifiers().stream().filter(modifiers::contains).findFirst().orElse(otherwise);
    }

    int count() {
        return step.operands().size();
    }

    PtxOperand operand(int index) {
        if (index >= count()) {
            throw refuse("operand " + (index + 1) + " is missing");
        }
        return step.operands().get(index);
    }

    /// The modifiers that are types, in order.
    List<String> types() {
        return step.modifiers().stream()
                .filter(modifier -> PtxTypes.bits(modifier) > 0)
                .toList();
    }

    /// The last type.
    String type() {
        var types = types();
        if (types.isEmpty()) {
            throw refuse("no type that is supported is among its modifiers");
        }
        return types.getLast();
    }

    PtxRefused refuse(String why) {
        return new PtxRefused(step.line(), "'" + step.fullName() + "': " + why);
    }

    /// @param supported the forms that there are
    PtxRefused unsupported(String supported) {
        return refuse("this form is not supported; supported are " + supported);
    }

    // Sources.

    /// A 32-bit operand, or a shorter one.
    int word(int index, String type) {
        return word(operand(index), type);
    }

    int word(PtxOperand operand, String type) {
        return switch (operand) {
            case PtxOperand.Literal literal -> names.wordConstant(wordBits(literal, type));
            case PtxOperand.Name name -> {
                var variable = names.variable(name.name());
                yield variable.isPresent()
                        ? names.wordConstant((int) (variable.get().address() + name.offset()))
                        : register(name, Register.Kind.WORD, type).slot();
            }
            default -> throw refuse("a register or a number is expected as operand of type ." + type);
        };
    }

    private int wordBits(PtxOperand.Literal literal, String type) {
        if (literal.kind() == Kind.DOUBLE && type.equals("f32")) {
            return Float.floatToRawIntBits((float) Double.longBitsToDouble(literal.bits()));
        }
        if (literal.kind() == Kind.DOUBLE) {
            throw refuse("a floating-point number is no operand of type ." + type);
        }
        int bits = (int) literal.bits();
        return switch (PtxTypes.bits(type)) {
            case 8 -> bits & BYTE_MASK;
            case 16 -> bits & HALF_MASK;
            default -> bits;
        };
    }

    /// A 64-bit operand.
    int wide(int index, String type) {
        return wide(operand(index), type);
    }

    int wide(PtxOperand operand, String type) {
        return switch (operand) {
            case PtxOperand.Literal literal -> names.longConstant(longBits(literal, type));
            case PtxOperand.Name name -> {
                var variable = names.variable(name.name());
                yield variable.isPresent()
                        ? names.longConstant(variable.get().address() + name.offset())
                        : register(name, Register.Kind.LONG, type).slot();
            }
            default -> throw refuse("a register or a number is expected as operand of type ." + type);
        };
    }

    private static long longBits(PtxOperand.Literal literal, String type) {
        if (literal.kind() == Kind.FLOAT && type.equals("f64")) {
            return Double.doubleToRawLongBits(Float.intBitsToFloat((int) literal.bits()));
        }
        return literal.bits();
    }

    /// A predicate; where it is negated there is another register for that.
    int predicate(int index) {
        return switch (operand(index)) {
            case PtxOperand.Name name -> register(name, Register.Kind.PREDICATE, "pred").slot();
            case PtxOperand.Literal literal -> names.predicateConstant(literal.bits() != 0);
            default -> throw refuse("a predicate is expected as operand " + (index + 1));
        };
    }

    boolean negated(int index) {
        return operand(index) instanceof PtxOperand.Name name && name.negated();
    }

    /// The number that an operand is.
    int number(int index) {
        if (operand(index) instanceof PtxOperand.Literal literal && literal.kind() == Kind.INTEGER) {
            return (int) literal.bits();
        }
        throw refuse("operand " + (index + 1) + " must be a number");
    }

    Register register(PtxOperand.Name name, Register.Kind kind, String type) {
        var register = names.register(name.name(), step.line())
                .orElseThrow(() -> refuse("'" + name.name() + "' is not declared, or no special register that is"
                        + " supported"));
        if (register.kind() != kind) {
            throw refuse("register " + name.name() + " has " + register.bits() + " bits, which does not fit type ."
                    + type);
        }
        return register;
    }

    Register anyRegister(PtxOperand operand) {
        if (operand instanceof PtxOperand.Name name) {
            return names.register(name.name(), step.line())
                    .orElseThrow(() -> refuse("'" + name.name() + "' is not declared, or no special register that is"
                            + " supported"));
        }
        throw refuse("a register is expected");
    }

    // Results.

    int wordTo(int index, String type) {
        return result(operand(index), Register.Kind.WORD, type);
    }

    int wideTo(int index, String type) {
        return result(operand(index), Register.Kind.LONG, type);
    }

    int predicateTo(int index) {
        return result(operand(index), Register.Kind.PREDICATE, "pred");
    }

    int result(PtxOperand operand, Register.Kind kind, String type) {
        return switch (operand) {
            case PtxOperand.Name name -> register(name, kind, type).slot();
            case PtxOperand.Unused unused -> names.fresh(type, step.line()).slot();
            default -> throw refuse("a register is expected as the result");
        };
    }

    /// The parts of a vector in braces, or the operand itself.
    static List<PtxOperand> parts(PtxOperand operand) {
        return operand instanceof PtxOperand.Vector vector ? vector.parts() : List.of(operand);
    }

    int[] words(PtxOperand operand, String type) {
        return parts(operand).stream().mapToInt(part -> word(part, type)).toArray();
    }

    int[] wordsTo(PtxOperand operand, String type) {
        return parts(operand).stream()
                .mapToInt(part -> result(part, Register.Kind.WORD, type))
                .toArray();
    }

    // Addresses.

    /// The state space among the modifiers.
    Space space() {
        for (var modifier : step.modifiers()) {
            switch (modifier) {
                case "global", "const" -> {
                    return Space.GLOBAL;
                }
                case "shared", "shared::cta", "shared::cluster" -> {
                    return Space.SHARED;
                }
                case "local" -> {
                    return Space.LOCAL;
                }
                case "param", "param::entry" -> {
                    return Space.PARAM;
                }
                default -> {}
            }
        }
        return Space.GENERIC;
    }

    /// The memory that the instruction names; arguments of calls lie in local memory here.
    Space spaceAt(int index) {
        var named = space();
        boolean argument = named == Space.PARAM
                && operand(index) instanceof PtxOperand.Address(var parts)
                && parts.getFirst() instanceof PtxOperand.Name name
                && names.variable(name.name())
                        .filter(variable -> variable.space() == Space.LOCAL)
                        .isPresent();
        return argument ? Space.LOCAL : named;
    }

    /// The address in square brackets.
    ///
    /// @param space that the instruction names
    Address address(int index, Space space) {
        if (!(operand(index) instanceof PtxOperand.Address(var parts)) || parts.size() != 1) {
            throw refuse("an address in square brackets is expected as operand " + (index + 1));
        }
        return firstOfAddress(index, space);
    }

    /// What stands second in square brackets: the coordinates of a tensor copy.
    PtxOperand secondOfAddress(int index) {
        if (operand(index) instanceof PtxOperand.Address(var parts) && parts.size() == 2) {
            return parts.getLast();
        }
        throw refuse("an address and coordinates in square brackets are expected as operand " + (index + 1));
    }

    /// The address that stands first in square brackets.
    Address firstOfAddress(int index, Space space) {
        if (!(operand(index) instanceof PtxOperand.Address(var parts))) {
            throw refuse("an address in square brackets is expected as operand " + (index + 1));
        }
        return switch (parts.getFirst()) {
            case PtxOperand.Literal literal -> new Address(true, names.longConstant(literal.bits()), 0);
            case PtxOperand.Name name -> {
                var variable = names.variable(name.name());
                if (variable.isPresent()) {
                    yield new Address(true, names.longConstant(address(variable.get(), space)), name.offset());
                }
                var register = anyRegister(name);
                if (register.kind() == Register.Kind.PREDICATE) {
                    throw refuse("a predicate is no address");
                }
                yield new Address(register.kind() == Register.Kind.LONG, register.slot(), name.offset());
            }
            default -> throw refuse("this address is not supported");
        };
    }

    private long address(Variable variable, Space space) {
        if (space == Space.GENERIC) {
            return variable.address() + variable.space().window();
        }
        if (variable.space() != space) {
            throw refuse("the variable lies in ." + variable.space().name().toLowerCase(Locale.ROOT)
                    + ", and the instruction names another memory");
        }
        return variable.address();
    }
}
