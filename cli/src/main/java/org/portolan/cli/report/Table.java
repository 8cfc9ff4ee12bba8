package org.portolan.cli.report;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/// A table for people: columns as wide as they need to be, numbers to the right.
public final class Table {
    private final List<String> header;
    private final List<List<String>> rows = new ArrayList<>();

    public Table(String... header) {
        this.header = List.of(header);
    }

    /// @param cells as many as the header has
    public Table row(Object... cells) {
        if (cells.length != header.size()) {
            throw new IllegalArgumentException("a row of " + cells.length + " cells under " + header);
        }
        rows.add(List.of(cells).stream().map(String::valueOf).toList());
        return this;
    }

    public boolean isEmpty() {
        return rows.isEmpty();
    }

    public void print(PrintWriter out) {
        printRow(header, out);
        rows.forEach(row -> printRow(row, out));
        out.flush();
    }

    private void printRow(List<String> cells, PrintWriter out) {
        var line = new StringBuilder();
        for (var column = 0; column < cells.size(); column++) {
            var cell = cells.get(column);
            var padding = " ".repeat(width(column) - cell.length());
            line.append(column == 0 ? "" : "  ").append(isNumeric(column) ? padding + cell : cell + padding);
        }
        out.println(line.toString().stripTrailing());
    }

    private int width(int column) {
        var widest = header.get(column).length();
        for (var row : rows) widest = Math.max(widest, row.get(column).length());
        return widest;
    }

    private boolean isNumeric(int column) {
        return !rows.isEmpty() && rows.stream().allMatch(row -> row.get(column).matches("[-–]?|[-+]?[\\d.,]+(e[-+]?\\d+)?( ?[a-zA-Zµ%]{1,3})?"));
    }
}
