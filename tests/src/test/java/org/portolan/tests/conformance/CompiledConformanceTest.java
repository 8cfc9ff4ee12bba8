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
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;
import org.portolan.cli.Main;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.device.Driver;

/// ONNX's node cases on the first device of every driver, emulated ones too. `docs/conformance.md` lists every case that
/// does not pass on the processor, and `docs/conformance-DRIVER.md` those of another driver: a case that is not listed there
/// must pass, and with `-Dupdate=true` the pages are written anew, where all cases are run. `-Dconformance.driver=NAME`
/// leaves out all others, and `-Dconformance.filter=REGEX` all other cases.
class CompiledConformanceTest {
    private static final String PROCESSOR = "cpu";
    /// What the processor passes of the smallest folder of cases, so that an empty one is seen.
    private static final int LEAST = 700;

    /// With `-Dconformance.share.DRIVER=N` one in N cases is run, always the same ones: for drivers whose vendor compiles each
    /// kernel anew, for about a second. `-Dconformance.all=true` runs all.
    private static final String SHARE = "conformance.share.";

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> nodeCasesPassOnEveryDevice() {
        var only = System.getProperty("conformance.driver", "");
        return Devices.drivers().stream()
                .filter(driver -> only.isEmpty() || driver.name().equals(only))
                .map(driver -> DynamicTest.dynamicTest(driver.name(), () -> check(driver)));
    }

    private void check(Driver driver) throws IOException {
        var cases = nodeCases();
        var listing = driver.list();
        Assumptions.assumeFalse(
                listing.devices().isEmpty(), () -> "skipped: no device of " + driver.name() + ": " + listing.reason());
        var page = folder.resolve("conformance.md");
        var document = folder.resolve("conformance.json");
        var wanted = System.getProperty("conformance.filter", "");
        int share = Boolean.getBoolean("conformance.all") ? 1 : Integer.getInteger(SHARE + driver.name(), 1);
        var filter = wanted.isEmpty() && share > 1 ? sample(cases, share) : wanted;
        var out = new StringWriter();
        var line = Main.commandLine();
        line.setOut(new PrintWriter(out));
        var exitCode = line.execute(
                "conformance", cases.toString(), "--device", driver.name(), "--filter", filter,
                "--json", document.toString(), "--markdown", page.toString());
        assertTrue(exitCode == ExitCode.FINE || exitCode == ExitCode.FAILURE, () -> "exit code " + exitCode + "\n" + out);
        if (wanted.isEmpty() && driver.name().equals(PROCESSOR)) {
            var passed = Json.parse(Files.readString(document)).asMembers().get("passed").asList().size();
            assertTrue(passed >= LEAST, () -> "only " + passed + " cases pass");
        }

        var published = checkout().resolve(page(driver.name()));
        if (Boolean.getBoolean("update") && wanted.isEmpty() && share == 1) {
            Files.copy(page, published, StandardCopyOption.REPLACE_EXISTING);
        }
        var unlisted = new TreeSet<>(listed(page, driver.name()));
        unlisted.removeAll(listed(published, driver.name()));
        assertEquals(List.of(), List.copyOf(unlisted), () -> out + "cases that fail and are not listed in " + published);
    }

    /// A pattern for one in so many names.
    private static String sample(Path cases, int share) throws IOException {
        try (var names = Files.list(cases)) {
            return names.map(path -> path.getFileName().toString())
                    .filter(name -> Math.floorMod(name.hashCode(), share) == 0)
                    .sorted()
                    .collect(Collectors.joining("|", "^(", ")$"));
        }
    }

    private static String page(String driver) {
        return driver.equals(PROCESSOR) ? "docs/conformance.md" : "docs/conformance-" + driver + ".md";
    }

    /// The cases that a page says do not pass; all pass where there is no page.
    private static List<String> listed(Path page, String driver) throws IOException {
        if (!Files.exists(page)) return List.of();
        return Pattern.compile("(?m)^\\| (test_\\S+) \\| " + driver + " \\| ")
                .matcher(Files.readString(page))
                .results()
                .map(match -> match.group(1))
                .toList();
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
