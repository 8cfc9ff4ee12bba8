package org.portolan.runtime.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import org.portolan.runtime.PortolanException.BadDataFile;

/// Reads JSON by recursive descent, of limited depth.
final class JsonReader {
    private static final int DEPTH_LIMIT = 200;

    private final String text;
    private int position;
    private int depth;

    JsonReader(String text) {
        this.text = text;
    }

    Json read() {
        var value = value();
        if (peek() != 0 || position < text.length()) {
            throw error("the end");
        }
        return value;
    }

    private Json value() {
        return switch (peek()) {
            case '{' -> members();
            case '[' -> elements();
            case '"' -> new Json.Text(string());
            case 't' -> literal("true", new Json.Truth(true));
            case 'f' -> literal("false", new Json.Truth(false));
            case 'n' -> literal("null", new Json.Nothing());
            default -> number();
        };
    }

    private Json members() {
        enter();
        var members = new LinkedHashMap<String, Json>();
        position++;
        if (peek() != '}') {
            do {
                if (peek() != '"') {
                    throw error("a name in quotes");
                }
                var name = string();
                expect(':');
                if (members.put(name, value()) != null) {
                    throw error("no second member '" + name + "'");
                }
            } while (accept(','));
        }
        expect('}');
        depth--;
        return new Json.Members(members);
    }

    private Json elements() {
        enter();
        var elements = new ArrayList<Json>();
        position++;
        if (peek() != ']') {
            do {
                elements.add(value());
            } while (accept(','));
        }
        expect(']');
        depth--;
        return new Json.Elements(elements);
    }

    private void enter() {
        if (++depth > DEPTH_LIMIT) {
            throw error("at most " + DEPTH_LIMIT + " nested values");
        }
    }

    private Json literal(String word, Json value) {
        if (!text.startsWith(word, position)) {
            throw error(word);
        }
        position += word.length();
        return value;
    }

    private Json number() {
        int start = position;
        skip('-');
        if (!skip('0')) {
            digits();
        }
        if (skip('.')) {
            digits();
        }
        if (skip('e') || skip('E')) {
            if (!skip('-')) {
                skip('+');
            }
            digits();
        }
        return new Json.Numeric(text.substring(start, position));
    }

    private void digits() {
        int start = position;
        while (position < text.length() && text.charAt(position) >= '0' && text.charAt(position) <= '9') {
            position++;
        }
        if (start == position) {
            throw error(start == 0 || depth == 0 ? "a value" : "a value or a digit");
        }
    }

    private boolean skip(char wanted) {
        boolean found = position < text.length() && text.charAt(position) == wanted;
        position += found ? 1 : 0;
        return found;
    }

    private String string() {
        position++;
        var value = new StringBuilder();
        while (true) {
            if (position >= text.length()) {
                throw error("'\"'");
            }
            char character = text.charAt(position++);
            if (character == '"') {
                return value.toString();
            }
            if (character < ' ') {
                throw error("no control character in a string");
            }
            value.append(character == '\\' ? escaped() : character);
        }
    }

    private char escaped() {
        char character = position < text.length() ? text.charAt(position++) : 0;
        return switch (character) {
            case '"', '\\', '/' -> character;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                int value = 0;
                for (int i = 0; i < 4; i++) {
                    int digit = position < text.length() ? Character.digit(text.charAt(position), 16) : -1;
                    if (digit < 0) {
                        throw error("four hexadecimal digits");
                    }
                    position++;
                    value = value << 4 | digit;
                }
                yield (char) value;
            }
            default -> throw error("an escape such as \\n");
        };
    }

    /// The next character that is not blank; 0 at the end.
    private char peek() {
        while (position < text.length()) {
            char character = text.charAt(position);
            if (character != ' ' && character != '\n' && character != '\r' && character != '\t') {
                return character;
            }
            position++;
        }
        return 0;
    }

    private boolean accept(char wanted) {
        boolean found = peek() == wanted;
        position += found ? 1 : 0;
        return found;
    }

    private void expect(char wanted) {
        if (!accept(wanted)) {
            throw error("'" + wanted + "'");
        }
    }

    private BadDataFile error(String expected) {
        int line = 1;
        int start = 0;
        for (int i = 0; i < Math.min(position, text.length()); i++) {
            if (text.charAt(i) == '\n') {
                line++;
                start = i + 1;
            }
        }
        return new BadDataFile(
                "JSON, line " + line + ", column " + (position - start + 1) + ": expected " + expected);
    }
}
