package org.portolan.tests.architecture;

/// Java source as plain characters, with what a rule must not look at blanked out. Line breaks stay, so that positions do.
final class SourceText {
    private SourceText() {}

    /// The source with comments, and the characters inside string and character literals, replaced by blanks.
    static String withoutCommentsAndLiterals(String source) {
        return blank(source, true);
    }

    /// The source with comments replaced by blanks; literals stay.
    static String withoutComments(String source) {
        return blank(source, false);
    }

    /// The line, counted from one, on which a position lies.
    static int line(String source, int position) {
        return 1 + (int) source.substring(0, position).chars().filter(c -> c == '\n').count();
    }

    /// The position after the bracket that closes the one at `open`.
    static int closing(String code, int open, char opening, char closing) {
        var depth = 0;
        for (var i = open; i < code.length(); i++) {
            if (code.charAt(i) == opening) depth++;
            if (code.charAt(i) == closing && --depth == 0) return i + 1;
        }
        return code.length();
    }

    private static String blank(String source, boolean literalsToo) {
        var text = new StringBuilder(source);
        var at = 0;
        while (at < source.length()) {
            var end = at + 1;
            if (source.startsWith("//", at)) {
                end = position(source, "\n", at);
                clear(text, at, end);
            } else if (source.startsWith("/*", at)) {
                end = Math.min(source.length(), position(source, "*/", at + 2) + 2);
                clear(text, at, end);
            } else if (source.startsWith("\"\"\"", at)) {
                end = Math.min(source.length(), position(source, "\"\"\"", at + 3) + 3);
                if (literalsToo) clear(text, at + 3, end - 3);
            } else if (source.charAt(at) == '"' || source.charAt(at) == '\'') {
                end = literalEnd(source, at);
                if (literalsToo) clear(text, at + 1, end - 1);
            }
            at = end;
        }
        return text.toString();
    }

    private static int literalEnd(String source, int start) {
        var at = start + 1;
        while (at < source.length() && source.charAt(at) != source.charAt(start)) {
            at += source.charAt(at) == '\\' ? 2 : 1;
        }
        return Math.min(source.length(), at + 1);
    }

    private static int position(String source, String what, int from) {
        var found = source.indexOf(what, from);
        return found < 0 ? source.length() : found;
    }

    private static void clear(StringBuilder text, int from, int to) {
        for (var i = from; i < to; i++) {
            if (text.charAt(i) != '\n') text.setCharAt(i, ' ');
        }
    }
}
