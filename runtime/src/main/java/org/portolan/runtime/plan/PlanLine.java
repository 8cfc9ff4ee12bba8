package org.portolan.runtime.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A cursor over one line of a plan's text.
final class PlanLine {
    private final String text;
    private final int number;
    private int position;

    PlanLine(String text, int number) {
        this.text = text;
        this.number = number;
        skipBlanks();
    }

    /// The next word: everything up to a blank, a comma or a bracket that stands outside of parentheses.
    String word() {
        int start = position;
        int depth = 0;
        while (position < text.length()) {
            char character = text.charAt(position);
            if (depth == 0 && (character == ' ' || character == ',' || character == '[' || character == ']')) {
                break;
            }
            depth += character == '(' ? 1 : character == ')' ? -1 : 0;
            position++;
        }
        if (start == position) {
            throw error("expected a word");
        }
        var word = text.substring(start, position);
        skipBlanks();
        return word;
    }

    boolean startsWith(String wanted) {
        return text.startsWith(wanted, position);
    }

    void keyword(String wanted) {
        int start = position;
        if (!word().equals(wanted)) {
            position = start;
            throw error("expected '" + wanted + "'");
        }
    }

    long number() {
        var word = word();
        try {
            return Long.parseLong(word);
        } catch (NumberFormatException e) {
            throw error("expected a number and got '" + word + "'");
        }
    }

    /// A number that counts or names something in this plan.
    int index() {
        long value = number();
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw error("expected a number from 0 to 2147483647 and got " + value);
        }
        return (int) value;
    }

    Dim dim() {
        return dim(word());
    }

    Dim dim(String word) {
        try {
            return Dim.parse(word);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw error("'" + word + "' is no integer expression: " + e.getMessage());
        }
    }

    ElementType elementType() {
        var word = word();
        if (!ElementType.isElementType(word)) {
            throw error("'" + word + "' is no element type");
        }
        return ElementType.parse(word);
    }

    <T> List<T> list(Supplier<T> element) {
        expect('[');
        var elements = new ArrayList<T>();
        if (!accept(']')) {
            do {
                elements.add(element.get());
            } while (accept(','));
            expect(']');
        }
        return elements;
    }

    List<Dim> dims() {
        return list(this::dim);
    }

    String quoted() {
        expect('"', false);
        var value = new StringBuilder();
        while (position < text.length() && text.charAt(position) != '"') {
            char character = text.charAt(position++);
            value.append(character == '\\' ? escaped() : character);
        }
        expect('"', true);
        return value.toString();
    }

    private char escaped() {
        if (position < text.length() && text.charAt(position) != 'u') {
            return text.charAt(position++);
        }
        try {
            char value = (char) Integer.parseInt(text, position + 1, position + 5, 16);
            position += 5;
            return value;
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            throw error("expected four hexadecimal digits after \\u");
        }
    }

    void end() {
        if (position != text.length()) {
            throw error("expected the end of the line");
        }
    }

    PlanFormatException error(String message) {
        return new PlanFormatException(number, message + ", at column " + (position + 1) + " of '" + text + "'");
    }

    private void expect(char wanted) {
        expect(wanted, true);
    }

    private void expect(char wanted, boolean skipBlanks) {
        if (position >= text.length() || text.charAt(position) != wanted) {
            throw error("expected '" + wanted + "'");
        }
        position++;
        if (skipBlanks) {
            skipBlanks();
        }
    }

    private boolean accept(char wanted) {
        if (position < text.length() && text.charAt(position) == wanted) {
            position++;
            skipBlanks();
            return true;
        }
        return false;
    }

    private void skipBlanks() {
        while (position < text.length() && text.charAt(position) == ' ') {
            position++;
        }
    }
}
