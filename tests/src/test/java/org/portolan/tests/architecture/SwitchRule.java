package org.portolan.tests.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/// Finds each `switch` over operations that has a `default`: with one, `javac` no longer names the places that a new
/// operation must be added to.
record SwitchRule(Set<String> operations) {
    private static final Pattern DIALECT = Pattern.compile("interface\\s+\\w+Op\\s+(?:permits\\s+[\\w.,\\s]+)?extends\\s+Op\\b");
    private static final Pattern RECORD = Pattern.compile("\\brecord\\s+(\\w+)\\s*\\(");
    private static final Pattern SWITCH = Pattern.compile("\\bswitch\\s*\\(");
    private static final Pattern LABEL = Pattern.compile("\\bcase\\s+(?:\\w+Op\\.)?(\\w+)\\s*(?:\\(|\\s\\w+)");
    private static final Pattern DEFAULT = Pattern.compile("\\bdefault\\s*(?:->|:)");

    /// The records that a dialect declares; none where the source is no dialect.
    static List<String> declaredOperations(String source) {
        var code = SourceText.withoutCommentsAndLiterals(source);
        if (!DIALECT.matcher(code).find()) return List.of();
        return RECORD.matcher(code).results().map(match -> match.group(1)).toList();
    }

    /// The lines of the offending switches.
    List<Integer> violations(String source) {
        var code = SourceText.withoutCommentsAndLiterals(source);
        var lines = new ArrayList<Integer>();
        for (var match : SWITCH.matcher(code).results().toList()) {
            var open = code.indexOf('{', SourceText.closing(code, match.end() - 1, '(', ')') - 1);
            if (open < 0) continue;
            var body = topLevel(code.substring(open + 1, SourceText.closing(code, open, '{', '}') - 1));
            var overOperations = LABEL.matcher(body).results().anyMatch(label -> operations.contains(label.group(1)));
            if (overOperations && DEFAULT.matcher(body).find()) lines.add(SourceText.line(source, match.start()));
        }
        return lines;
    }

    /// The text outside nested braces: labels of inner switches do not count for the outer one.
    private static String topLevel(String body) {
        var text = new StringBuilder();
        var depth = 0;
        for (var character : body.toCharArray()) {
            if (character == '}') depth--;
            if (depth == 0) text.append(character);
            if (character == '{') depth++;
        }
        return text.toString();
    }
}
