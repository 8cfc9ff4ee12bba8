package org.portolan.ir.text;

/// Strings between quotation marks.
final class Quoted {
    private Quoted() {}

    static void append(String text, StringBuilder into) {
        into.append('"');
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            switch (character) {
                case '"' -> into.append("\\\"");
                case '\\' -> into.append("\\\\");
                case '\n' -> into.append("\\n");
                case '\t' -> into.append("\\t");
                case '\r' -> into.append("\\r");
                default -> {
                    // A lone half of a surrogate pair would not survive a file.
                    if (character < ' ' || character == 0x7f || Character.isSurrogate(character)) {
                        into.append(String.format("\\u%04x", (int) character));
                    } else {
                        into.append(character);
                    }
                }
            }
        }
        into.append('"');
    }

    /// What stands between the quotation marks.
    ///
    /// @throws IllegalArgumentException on an unknown escape
    static String read(String quoted) {
        if (quoted.indexOf('\\') < 0) {
            return quoted.substring(1, quoted.length() - 1);
        }
        var text = new StringBuilder(quoted.length());
        for (int i = 1; i < quoted.length() - 1; i++) {
            char character = quoted.charAt(i);
            if (character != '\\') {
                text.append(character);
                continue;
            }
            char escape = quoted.charAt(++i);
            switch (escape) {
                case '"', '\\' -> text.append(escape);
                case 'n' -> text.append('\n');
                case 't' -> text.append('\t');
                case 'r' -> text.append('\r');
                case 'u' -> {
                    if (i + 5 > quoted.length() - 1) {
                        throw new IllegalArgumentException("expected four hexadecimal digits after \\u");
                    }
                    text.append((char) Integer.parseInt(quoted, i + 1, i + 5, 16));
                    i += 4;
                }
                default ->
                    throw new IllegalArgumentException("expected \\\" \\\\ \\n \\t \\r or \\u, found \\" + escape);
            }
        }
        return text.toString();
    }
}
