package org.portolan.lowering.c;

import java.util.OptionalLong;
import java.util.regex.Pattern;

/// An expression with its type: a name, a number, or something in parentheses, so that it can stand in any other.
///
/// @param number the integer, if it is known; of a vector the same in every lane
/// @param nonNegative whether an index is known to be 0 or more
record Term(CType type, String text, OptionalLong number, boolean nonNegative) {
    /// A number with a fraction, perhaps in parentheses behind the name of a type.
    private static final Pattern CONSTANT =
            Pattern.compile("[(]*(?:[a-z]+\\d*\\)\\(+)?-?(?:0x[0-9a-f.]+p-?\\d+|\\d+\\.\\d+)f?[)]*");

    static Term of(CType type, String text) {
        return new Term(type, text, OptionalLong.empty(), false);
    }

    static Term index(long value) {
        return new Term(CType.INDEX, Long.toString(value), OptionalLong.of(value), value >= 0);
    }

    /// The number, if this is a scalar integer that is known.
    OptionalLong literal() {
        return type.isVector() ? OptionalLong.empty() : number;
    }

    boolean isLiteral(long value) {
        return literal().isPresent() && literal().getAsLong() == value;
    }

    boolean isNonNegative() {
        return nonNegative;
    }

    Term asNonNegative() {
        return new Term(type, text, number, true);
    }

    /// The text where nothing stands around it.
    String bare() {
        if (text.isEmpty() || text.charAt(0) != '(') {
            return text;
        }
        int depth = 0;
        for (int i = 0; i < text.length(); i++) {
            depth += text.charAt(i) == '(' ? 1 : text.charAt(i) == ')' ? -1 : 0;
            if (depth == 0) {
                return i == text.length() - 1 ? text.substring(1, i) : text;
            }
        }
        return text;
    }

    /// Whether this is a name or a number, which may be repeated without computing anything twice.
    boolean isAtom() {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isLetterOrDigit(c) && c != '_' && c != '.') {
                return isConstant();
            }
        }
        return true;
    }

    /// Whether this is a number that is written out, or a vector of such numbers.
    boolean isConstant() {
        return number.isPresent() || CONSTANT.matcher(text).matches();
    }

    @Override
    public String toString() {
        return text;
    }
}
