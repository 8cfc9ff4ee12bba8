package org.portolan.tests.filetests;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// One section of a file: its directives, its code, and the expected text if there is one.
///
/// @param line of its first line in the file, from 1
record Section(int line, List<Directive> directives, String code, Optional<String> expected) {
    private static final Pattern DIRECTIVE = Pattern.compile("// (pipeline|error|run|same|find|without): (.*)");
    static final String BOUNDARY = "// ====\n";
    static final String ARROW = "// ----\n";

    record Directive(String word, String text) {}

    static List<Section> parse(String file) {
        var sections = new ArrayList<Section>();
        int line = 1;
        for (var text : file.split("(?m)^" + Pattern.quote(BOUNDARY))) {
            sections.add(section(line, text));
            line += (int) text.lines().count() + 1;
        }
        return sections;
    }

    private static Section section(int line, String text) {
        int arrow = text.indexOf(ARROW);
        var code = arrow < 0 ? text : text.substring(0, arrow);
        var directives = new ArrayList<Directive>();
        for (var candidate : code.lines().toList()) {
            var matcher = DIRECTIVE.matcher(candidate);
            if (matcher.matches()) {
                directives.add(new Directive(matcher.group(1), matcher.group(2).strip()));
            }
        }
        return new Section(
                line,
                directives,
                code,
                arrow < 0 ? Optional.empty() : Optional.of(text.substring(arrow + ARROW.length())));
    }

    Optional<String> only(String word) {
        return directives.stream()
                .filter(directive -> directive.word().equals(word))
                .map(Directive::text)
                .findFirst();
    }

    List<String> all(String word) {
        return directives.stream()
                .filter(directive -> directive.word().equals(word))
                .map(Directive::text)
                .toList();
    }

    /// The section's text with another expected part.
    String withExpected(String text) {
        return code + ARROW + text;
    }

    String text() {
        return expected.map(this::withExpected).orElse(code);
    }
}
