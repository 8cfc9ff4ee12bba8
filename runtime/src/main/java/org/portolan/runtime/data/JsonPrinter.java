package org.portolan.runtime.data;

import java.util.List;
import java.util.Map;

/// Writes JSON.
final class JsonPrinter {
    private final boolean lines;
    private final StringBuilder text = new StringBuilder();
    private int indentation;

    JsonPrinter(boolean lines) {
        this.lines = lines;
    }

    String print(Json value) {
        append(value);
        return text.toString();
    }

    private void append(Json value) {
        switch (value) {
            case Json.Members(Map<String, Json> members) -> {
                open('{');
                var separator = "";
                for (var member : members.entrySet()) {
                    text.append(separator);
                    newLine();
                    quote(member.getKey());
                    text.append(": ");
                    append(member.getValue());
                    separator = lines ? "," : ", ";
                }
                close('}', !members.isEmpty());
            }
            case Json.Elements(List<Json> elements) -> {
                boolean nested = elements.stream()
                        .anyMatch(element -> element instanceof Json.Members || element instanceof Json.Elements);
                open('[');
                var separator = "";
                for (var element : elements) {
                    text.append(separator);
                    if (nested) {
                        newLine();
                    }
                    append(element);
                    separator = lines && nested ? "," : ", ";
                }
                close(']', nested);
            }
            case Json.Text(String string) -> quote(string);
            case Json.Numeric(String digits) -> text.append(digits);
            case Json.Truth(boolean truth) -> text.append(truth);
            case Json.Nothing() -> text.append("null");
        }
    }

    private void open(char bracket) {
        text.append(bracket);
        indentation += 2;
    }

    private void close(char bracket, boolean onNewLine) {
        indentation -= 2;
        if (onNewLine) {
            newLine();
        }
        text.append(bracket);
    }

    private void newLine() {
        if (lines) {
            text.append('\n').repeat(' ', indentation);
        }
    }

    private void quote(String string) {
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char character = string.charAt(i);
            switch (character) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\n' -> text.append("\\n");
                case '\t' -> text.append("\\t");
                case '\r' -> text.append("\\r");
                default -> {
                    // A lone surrogate has no UTF-8 form, so none is written as it is.
                    if (character < ' ' || character == 0x7F || Character.isSurrogate(character)) {
                        text.append(String.format("\\u%04x", (int) character));
                    } else {
                        text.append(character);
                    }
                }
            }
        }
        text.append('"');
    }
}
