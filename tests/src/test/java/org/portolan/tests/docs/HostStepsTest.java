package org.portolan.tests.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.portolan.lowering.Machines;
import org.portolan.lowering.Targets;

/// `docs/host-steps.md` gives a reason for every element type that a machine leaves to the host.
class HostStepsTest {
    private static final String ALL = "all";

    /// A row of the table.
    private record Row(String family, List<String> machines, List<String> types, String reason) {
        boolean covers(String otherFamily, String machine, String type) {
            return family.equals(otherFamily)
                    && (machines.contains(ALL) || machines.contains(machine))
                    && types.contains(type);
        }
    }

    @Test
    void everyMissingTypeHasAReason() throws IOException {
        var rows = rows();
        rows.forEach(row -> assertFalse(row.reason().isBlank(), () -> row + " gives no reason"));
        var unexplained = new TreeSet<String>();
        for (var target : Targets.all()) {
            if (target.codegen().hostMachine().isPresent()) continue;
            for (var type : Machines.missingTypes(target.machine())) {
                var family = target.codegen().family();
                var machine = target.machine().name();
                if (rows.stream().noneMatch(row -> row.covers(family, machine, type.text()))) {
                    unexplained.add("| " + family + " | " + machine + " | " + type.text() + " | why? |");
                }
            }
        }
        assertEquals("", String.join("\n", unexplained), "rows missing in docs/host-steps.md");
    }

    private static List<Row> rows() throws IOException {
        return Files.readString(root().resolve("docs/host-steps.md"))
                .lines()
                .dropWhile(line -> !line.startsWith("## Types"))
                .filter(line -> line.startsWith("| ") && !line.startsWith("| family "))
                .map(line -> line.split("\\|", -1))
                .map(cells -> new Row(cells[1].strip(), names(cells[2]), names(cells[3]), cells[4].strip()))
                .toList();
    }

    private static List<String> names(String cell) {
        return Arrays.stream(cell.split(",")).map(String::strip).toList();
    }

    private static Path root() {
        var folder = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(folder.resolve("portolan"))) folder = folder.getParent();
        return folder;
    }
}
