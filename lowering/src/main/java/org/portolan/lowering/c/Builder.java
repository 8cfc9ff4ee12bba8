package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/// Writes expressions and the variables that hold them. Operands of different lanes are made alike: a scalar stands for
/// all lanes.
final class Builder {
    final Words words;
    final Code code;
    final Helpers helpers;

    Builder(Words words, Code code, Helpers helpers) {
        this.words = words;
        this.code = code;
        this.helpers = helpers;
    }

    // ------------------------------------------------------------------------------------------------------- variables

    /// A variable with this value; a name or number stays as it is.
    Term let(String hint, Term value) {
        if (value.isAtom()) {
            return value;
        }
        var name = code.fresh(hint);
        code.line("const " + type(value.type()) + " " + name + " = " + value.bare() + ";");
        return new Term(value.type(), name, OptionalLong.empty(), value.nonNegative());
    }

    /// A variable that is assigned to later.
    Term variable(String hint, Term initial) {
        var name = code.fresh(hint);
        code.line(type(initial.type()) + " " + name + " = " + initial.bare() + ";");
        return Term.of(initial.type(), name);
    }

    Term declare(String hint, CType type) {
        var name = code.fresh(hint);
        code.line(type(type) + " " + name + ";");
        return Term.of(type, name);
    }

    void assign(Term variable, Term value) {
        if (!variable.text().equals(value.text())) {
            code.line(variable + " = " + value.bare() + ";");
        }
    }

    String type(CType type) {
        if (type.base() == CType.Base.F64) {
            helpers.useDouble();
        }
        return words.type(type);
    }

    // ------------------------------------------------------------------------------------------------------- constants

    Term integer(CType type, long value) {
        if (type.base() == CType.Base.TRUTH) {
            return truth(type, (value & 1) != 0);
        }
        long own = wrapped(type, value);
        var scalar = new Term(type.lane(), words.integer(type.lane(), own), OptionalLong.of(own), own >= 0);
        return splat(scalar, type.lanes());
    }

    /// The number as the type holds it.
    private static long wrapped(CType type, long value) {
        int unused = 64 - type.bits();
        return type.base().isSigned() ? value << unused >> unused : value << unused >>> unused;
    }

    Term truth(CType type, boolean value) {
        var scalar = compare(value ? "==" : "!=", integer(CType.INT, 0), integer(CType.INT, 0));
        return type.isVector()
                ? compare(value ? "==" : "!=", integer(CType.INT.withLanes(type.lanes()), 0),
                        integer(CType.INT.withLanes(type.lanes()), 0))
                : scalar;
    }

    /// A number in every lane, rounded to the type.
    Term floating(CType type, double value) {
        if (type.base() == CType.Base.F64) {
            helpers.useDouble();
        }
        double rounded = type.base() == CType.Base.F32 ? (float) value : value;
        var scalar = type.lane();
        if (Double.isFinite(rounded)) {
            return splat(Term.of(scalar, words.floating(scalar, rounded)), type.lanes());
        }
        long bits = scalar.bits() == 32
                ? Integer.toUnsignedLong(Float.floatToRawIntBits((float) rounded))
                : Double.doubleToRawLongBits(rounded);
        return splat(bits(integer(scalar.of(scalar.base().unsigned()), bits), scalar), type.lanes());
    }

    /// 0 of any type.
    Term zero(CType type) {
        return type.isFloat() ? floating(type, 0) : integer(type, 0);
    }

    /// 0, 1, 2 and so on, lane by lane, from a number on.
    Term ascending(CType type, long first) {
        if (!type.isVector()) {
            return integer(type, first);
        }
        var lanes = new ArrayList<Term>();
        for (int lane = 0; lane < type.lanes(); lane++) {
            lanes.add(integer(type.lane(), first + lane));
        }
        return build(type, lanes);
    }

    // ----------------------------------------------------------------------------------------------------------- lanes

    Term splat(Term value, int lanes) {
        if (value.type().lanes() == lanes) {
            return value;
        }
        if (value.type().isVector()) {
            throw new EmitException("a vector of " + value.type().lanes() + " lanes stands where " + lanes + " are");
        }
        var type = value.type().withLanes(lanes);
        return new Term(type, words.splat(type, value.text()), value.number(), value.nonNegative());
    }

    Term lane(Term vector, int lane) {
        return vector.type().isVector()
                ? Term.of(vector.type().lane(), words.lane(vector.type(), vector.text(), lane))
                : vector;
    }

    Term build(CType type, List<Term> lanes) {
        return type.isVector()
                ? Term.of(type, words.build(type, lanes.stream().map(Term::text).toList()))
                : lanes.getFirst();
    }

    // ------------------------------------------------------------------------------------------------------ arithmetic

    /// One of C's own operators, which wraps only for unsigned numbers.
    Term binary(String operator, Term left, Term right) {
        int lanes = Math.max(left.type().lanes(), right.type().lanes());
        var a = splat(left, lanes);
        var b = splat(right, lanes);
        var text = "(" + a + " " + operator + " " + b + ")";
        // Numbers of fewer bits than an int are computed as ints.
        boolean promoted = lanes == 1 && a.type().bits() < 32;
        return Term.of(a.type(), promoted ? "((" + words.type(a.type()) + ")" + text + ")" : text);
    }

    Term compare(String operator, Term left, Term right) {
        int lanes = Math.max(left.type().lanes(), right.type().lanes());
        var a = splat(left, lanes);
        var b = splat(right, lanes);
        return Term.of(
                new CType(CType.Base.TRUTH, lanes), words.compare(operator, a.type(), a.text(), b.text()));
    }

    Term and(Term left, Term right) {
        return binary("&", left, right);
    }

    Term or(Term left, Term right) {
        return binary("|", left, right);
    }

    Term not(Term truth) {
        return Term.of(truth.type(), words.not(truth.type(), truth.text()));
    }

    Term choose(Term condition, Term yes, Term no) {
        int lanes = Math.max(yes.type().lanes(), Math.max(no.type().lanes(), condition.type().lanes()));
        var a = splat(yes, lanes);
        var b = splat(no, lanes);
        return Term.of(
                a.type(), words.choose(condition.type(), a.type(), condition.text(), a.text(), b.text()));
    }

    Term convert(Term value, CType.Base base) {
        var to = value.type().of(base);
        if (value.type().equals(to)) {
            return value;
        }
        type(to);
        if (value.number().isPresent() && !to.isFloat() && base != CType.Base.TRUTH) {
            return integer(to, value.number().getAsLong());
        }
        return Term.of(
                to,
                value.type().base() == CType.Base.TRUTH
                        ? words.number(value.type(), to, value.text())
                        : words.convert(value.type(), to, value.text()));
    }

    Term bits(Term value, CType type) {
        var to = type.withLanes(value.type().lanes());
        if (value.number().isPresent() && !to.isFloat()) {
            return integer(to, value.number().getAsLong());
        }
        return value.type().equals(to) ? value : Term.of(to, words.bits(value.type(), to, value.text()));
    }

    Term bits(Term value, CType.Base base) {
        return bits(value, value.type().of(base));
    }

    Term function(Words.Function function, Term... arguments) {
        int lanes = 1;
        for (var argument : arguments) {
            lanes = Math.max(lanes, argument.type().lanes());
        }
        var texts = new ArrayList<String>();
        for (var argument : arguments) {
            texts.add(splat(argument, lanes).bare());
        }
        var type = arguments[0].type().withLanes(lanes);
        return Term.of(type, words.function(function, type, texts));
    }

    Term any(Term truth) {
        return truth.type().isVector() ? Term.of(CType.TRUTH, words.any(truth.type(), truth.text())) : truth;
    }

    Term all(Term truth) {
        return truth.type().isVector() ? Term.of(CType.TRUTH, words.all(truth.type(), truth.text())) : truth;
    }

    // --------------------------------------------------------------------------------------------------------- indices

    /// A sum of indices; they never overflow.
    Term add(Term left, Term right) {
        if (left.literal().isPresent() && right.literal().isPresent()) {
            return Term.index(left.literal().getAsLong() + right.literal().getAsLong());
        }
        if (left.isLiteral(0)) {
            return right;
        }
        if (right.isLiteral(0)) {
            return left;
        }
        Term sum;
        if (right.literal().isPresent() && right.literal().getAsLong() < 0 && !left.type().isVector()) {
            sum = binary("-", left, Term.index(-right.literal().getAsLong()));
        } else {
            sum = binary("+", left, right);
        }
        return left.isNonNegative() && right.isNonNegative() ? sum.asNonNegative() : sum;
    }

    /// A product of indices; they never overflow.
    Term multiply(Term left, Term right) {
        if (left.literal().isPresent() && right.literal().isPresent()) {
            return Term.index(left.literal().getAsLong() * right.literal().getAsLong());
        }
        if (left.isLiteral(0) || right.isLiteral(1)) {
            return left;
        }
        if (right.isLiteral(0) || left.isLiteral(1)) {
            return right;
        }
        var product = binary("*", left, right);
        return left.isNonNegative() && right.isNonNegative() ? product.asNonNegative() : product;
    }
}
