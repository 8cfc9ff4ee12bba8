package org.portolan.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;
import org.portolan.cli.Main;
import org.portolan.runtime.data.Json;

/// ONNX's node cases on the processor. `docs/conformance.md` lists every case that does not pass: a case that is not listed
/// there must, and with `-Dupdate=true` the page is written anew.
class CompiledConformanceTest {
    private static final int LEAST = 700;
    private static final Pattern LISTED = Pattern.compile("(?m)^\\| (\\S+) \\| cpu \\| ");

    @TempDir
    Path folder;

    @Test
    void nodeCasesPassOnTheProcessor() throws IOException {
        var cases = nodeCases();
        var page = folder.resolve("conformance.md");
        var document = folder.resolve("conformance.json");
        var out = new StringWriter();
        var line = Main.commandLine();
        line.setOut(new PrintWriter(out));
        var exitCode = line.execute(
                "conformance", cases.toString(), "--device", "cpu", "--json", document.toString(), "--markdown", page.toString());
        assertTrue(exitCode == ExitCode.FINE || exitCode == ExitCode.FAILURE, () -> "exit code " + exitCode);
        var results = Json.parse(Files.readString(document)).asMembers();
        var passed = results.get("passed").asList().size();
        assertTrue(passed >= LEAST, () -> "only " + passed + " cases pass");

        var published = checkout().resolve("docs/conformance.md");
        if (Boolean.getBoolean("update")) Files.copy(page, published, StandardCopyOption.REPLACE_EXISTING);
        var unlisted = new TreeSet<>(listed(page));
        unlisted.removeAll(listed(published));
        assertEquals(List.of(), List.copyOf(unlisted), out::toString);
    }

    private static List<String> listed(Path page) throws IOException {
        return LISTED.matcher(Files.readString(page)).results().map(match -> match.group(1)).toList();
    }

    /// The largest folder of node cases that is here.
    private static Path nodeCases() {
        var folders = Optional.ofNullable(System.getenv("PORTOLAN_ONNX_TESTDATA")).orElse("");
        var nodes = Arrays.stream(folders.split(File.pathSeparator))
                .filter(root -> !root.isBlank())
                .map(root -> Path.of(root, "node"))
                .filter(Files::isDirectory)
                .max(Comparator.comparing(node -> node.toFile().list().length));
        Assumptions.assumeTrue(nodes.isPresent(), "skipped: PORTOLAN_ONNX_TESTDATA names no folder with node cases");
        return nodes.get();
    }

    private static Path checkout() {
        var here = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(here.resolve("portolan"))) here = here.getParent();
        return here;
    }
}
