package org.portolan.lowering.c;

import java.util.HashSet;
import java.util.Set;

/// The lines of a function, and the names in it.
final class Code {
    private static final int LONGEST_NAME = 40;

    private final StringBuilder text = new StringBuilder();
    private final Set<String> names = new HashSet<>();
    private int depth = 1;

    Code(Set<String> reserved) {
        names.addAll(reserved);
    }

    void line(String line) {
        text.append("    ".repeat(depth)).append(line).append('\n');
    }

    void comment(String words) {
        if (!words.isEmpty()) {
            line("// " + words.replace('\n', ' ').replace('\\', '/'));
        }
    }

    /// Opens a block.
    void open(String head) {
        line((head + " {").strip());
        depth++;
    }

    void close() {
        depth--;
        line("}");
    }

    /// Between the two bodies of a choice.
    void otherwise() {
        depth--;
        line("} else {");
        depth++;
    }

    /// A name that nothing else in the function has, like the hint as far as the language lets it.
    String fresh(String hint) {
        var clean = clean(hint);
        var name = clean;
        for (int number = 2; !names.add(name); number++) {
            name = clean + "_" + number;
        }
        return name;
    }

    /// The letters, digits and underscores of a text, not beginning with a digit; of a path the last part.
    static String clean(String hint) {
        var last = hint.substring(hint.lastIndexOf('/') + 1);
        var name = new StringBuilder();
        for (int i = 0; i < last.length() && name.length() < LONGEST_NAME; i++) {
            char c = last.charAt(i);
            boolean plain = c < 128 && Character.isLetterOrDigit(c);
            if (plain || !name.isEmpty() && name.charAt(name.length() - 1) != '_') {
                name.append(plain ? c : '_');
            }
        }
        if (name.isEmpty()) {
            return "v";
        }
        return Character.isDigit(name.charAt(0)) ? "v" + name : name.toString();
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
