package org.portolan.cli.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A report in the form that every CI system reads: one suite a device, one case a thing that was checked.
public final class JunitXml {
    /// What became of a case.
    public enum Outcome {
        PASSED,
        FAILED,
        SKIPPED
    }

    private record Case(String suite, String name, double seconds, Outcome outcome, String reason) {}

    private final List<Case> cases = new ArrayList<>();

    public synchronized void add(String suite, String name, double seconds, Outcome outcome, String reason) {
        cases.add(new Case(suite, name, seconds, outcome, reason));
    }

    public synchronized String print() {
        var text = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
        for (var suite : cases.stream().map(Case::suite).distinct().toList()) {
            var members = cases.stream().filter(member -> member.suite().equals(suite)).toList();
            text.append("  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" skipped=\"%d\">\n"
                    .formatted(escape(suite), members.size(), count(members, Outcome.FAILED), count(members, Outcome.SKIPPED)));
            members.forEach(member -> append(member, text));
            text.append("  </testsuite>\n");
        }
        return text.append("</testsuites>\n").toString();
    }

    private static void append(Case member, StringBuilder text) {
        text.append(String.format(
                Locale.ROOT,
                "    <testcase classname=\"%s\" name=\"%s\" time=\"%.3f\"",
                escape(member.suite()),
                escape(member.name()),
                member.seconds()));
        switch (member.outcome()) {
            case PASSED -> text.append("/>\n");
            case FAILED -> text.append("><failure message=\"").append(escape(member.reason())).append("\"/></testcase>\n");
            case SKIPPED -> text.append("><skipped message=\"").append(escape(member.reason())).append("\"/></testcase>\n");
        }
    }

    private static long count(List<Case> members, Outcome outcome) {
        return members.stream().filter(member -> member.outcome() == outcome).count();
    }

    /// The text inside an attribute or an element of XML or HTML; characters that XML cannot hold become `?`.
    public static String escape(String text) {
        return text.replaceAll("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]", "?")
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
