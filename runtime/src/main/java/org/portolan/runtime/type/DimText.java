package org.portolan.runtime.type;

import java.util.List;
import org.portolan.runtime.type.Dim.Binary;
import org.portolan.runtime.type.Dim.Constant;
import org.portolan.runtime.type.Dim.Operator;
import org.portolan.runtime.type.Dim.Product;
import org.portolan.runtime.type.Dim.Sum;
import org.portolan.runtime.type.Dim.Symbol;

/// The text form of {@link Dim}: printing and reading.
final class DimText {
    private static final int EXCLUSIVE_OR = 0;
    private static final int SUM = 1;
    private static final int PRODUCT = 2;
    private static final int ATOM = 3;

    private DimText() {}

    static String print(Dim dim) {
        var text = new StringBuilder();
        print(dim, EXCLUSIVE_OR, text);
        return text.toString();
    }

    private static int strength(Dim dim) {
        return switch (dim) {
            case Constant(long value) -> value < 0 ? SUM : ATOM;
            case Symbol _ -> ATOM;
            case Product(long coefficient, _) -> coefficient < 0 ? SUM : PRODUCT;
            case Sum _ -> SUM;
            case Binary(Operator operator, _, _) ->
                switch (operator) {
                    case FLOOR_DIVIDE, MODULO -> PRODUCT;
                    case CEIL_DIVIDE, MINIMUM, MAXIMUM -> ATOM;
                    case EXCLUSIVE_OR -> EXCLUSIVE_OR;
                };
        };
    }

    private static void print(Dim dim, int weakest, StringBuilder text) {
        if (strength(dim) < weakest) {
            text.append('(');
            print(dim, EXCLUSIVE_OR, text);
            text.append(')');
            return;
        }
        switch (dim) {
            case Constant(long value) -> text.append(value);
            case Symbol(String name) -> text.append(name);
            case Product(long coefficient, List<Dim> factors) -> {
                if (coefficient == -1) {
                    text.append('-');
                } else if (coefficient != 1) {
                    text.append(coefficient).append('*');
                }
                for (int i = 0; i < factors.size(); i++) {
                    text.append(i > 0 ? "*" : "");
                    // A quotient stands bare only at the head of a product: a*b/c is (a*b)/c.
                    print(factors.get(i), i == 0 && coefficient == 1 ? PRODUCT : ATOM, text);
                }
            }
            case Sum(List<Dim> terms) -> {
                for (int i = 0; i < terms.size(); i++) {
                    int start = text.length();
                    print(terms.get(i), i == 0 ? SUM : isNegative(terms.get(i)) ? SUM : PRODUCT, text);
                    if (i > 0 && text.charAt(start) != '-') {
                        text.insert(start, '+');
                    }
                }
            }
            case Binary(Operator operator, Dim left, Dim right) -> {
                switch (operator) {
                    case FLOOR_DIVIDE -> infix(left, "/", right, PRODUCT, text);
                    case MODULO -> infix(left, "%", right, PRODUCT, text);
                    case EXCLUSIVE_OR -> infix(left, "^", right, EXCLUSIVE_OR, text);
                    case CEIL_DIVIDE -> call("ceildiv", left, right, text);
                    case MINIMUM -> call("min", left, right, text);
                    case MAXIMUM -> call("max", left, right, text);
                }
            }
        }
    }

    private static boolean isNegative(Dim term) {
        return switch (term) {
            case Constant(long value) -> value < 0;
            case Product(long coefficient, _) -> coefficient < 0;
            case Symbol _, Sum _, Binary _ -> false;
        };
    }

    private static void infix(Dim left, String sign, Dim right, int level, StringBuilder text) {
        print(left, level, text);
        text.append(sign);
        print(right, level + 1, text);
    }

    private static void call(String name, Dim left, Dim right, StringBuilder text) {
        text.append(name).append('(');
        print(left, EXCLUSIVE_OR, text);
        text.append(", ");
        print(right, EXCLUSIVE_OR, text);
        text.append(')');
    }

    /// Reads the text form by recursive descent. Depth is limited, since the text may come from a file.
    static final class Reader {
        private static final int DEPTH_LIMIT = 200;

        private final String text;
        private int position;
        private int depth;

        Reader(String text) {
            this.text = text;
        }

        Dim readAll() {
            var result = exclusiveOr();
            skipBlanks();
            if (position != text.length()) {
                throw error("an operator or the end");
            }
            return result;
        }

        private Dim exclusiveOr() {
            if (++depth > DEPTH_LIMIT) {
                throw error("at most " + DEPTH_LIMIT + " nested parentheses");
            }
            var result = sum();
            while (accept('^')) {
                result = result.exclusiveOr(sum());
            }
            depth--;
            return result;
        }

        private Dim sum() {
            var result = accept('-') ? product().times(-1) : product();
            while (true) {
                if (accept('+')) {
                    result = result.plus(product());
                } else if (accept('-')) {
                    result = result.minus(product());
                } else {
                    return result;
                }
            }
        }

        private Dim product() {
            var result = atom();
            while (true) {
                if (accept('*')) {
                    result = result.times(atom());
                } else if (accept('/')) {
                    result = result.floorDivide(atom());
                } else if (accept('%')) {
                    result = result.modulo(atom());
                } else {
                    return result;
                }
            }
        }

        private Dim atom() {
            skipBlanks();
            if (accept('(')) {
                var result = exclusiveOr();
                expect(')');
                return result;
            }
            int start = position;
            if (position < text.length() && Character.isDigit(text.charAt(position))) {
                while (position < text.length() && Character.isDigit(text.charAt(position))) {
                    position++;
                }
                try {
                    return Dim.of(Long.parseLong(text, start, position, 10));
                } catch (NumberFormatException e) {
                    position = start;
                    throw error("a number of at most 64 bits");
                }
            }
            while (position < text.length() && isNamePart(text.charAt(position))) {
                position++;
            }
            if (start == position) {
                throw error("a number, a symbol or '('");
            }
            var name = text.substring(start, position);
            if (!accept('(')) {
                return Dim.symbol(name);
            }
            var left = exclusiveOr();
            expect(',');
            var right = exclusiveOr();
            expect(')');
            return switch (name) {
                case "ceildiv" -> left.ceilDivide(right);
                case "min" -> left.minimum(right);
                case "max" -> left.maximum(right);
                default -> throw error("ceildiv, min or max before '('");
            };
        }

        private static boolean isNamePart(char character) {
            return Character.isLetterOrDigit(character) || character == '_' || character == '$' || character == '.';
        }

        private void skipBlanks() {
            while (position < text.length() && Character.isWhitespace(text.charAt(position))) {
                position++;
            }
        }

        private boolean accept(char wanted) {
            skipBlanks();
            if (position < text.length() && text.charAt(position) == wanted) {
                position++;
                return true;
            }
            return false;
        }

        private void expect(char wanted) {
            if (!accept(wanted)) {
                throw error("'" + wanted + "'");
            }
        }

        private IllegalArgumentException error(String expected) {
            return new IllegalArgumentException(
                    "expected " + expected + " at column " + (position + 1) + " of '" + text + "'");
        }
    }
}
