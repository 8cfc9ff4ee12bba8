package org.portolan.tests.filetests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.pass.PassVerification;
import org.portolan.ir.pass.Pipeline;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.verify.Verifier;

/// Runs all file tests; one test for each section.
class FileTest {
    private static final boolean UPDATE = System.getProperty("update") != null;

    @TestFactory
    Stream<DynamicNode> files() throws IOException {
        var root = root();
        try (var walk = Files.walk(root)) {
            return walk.filter(path -> path.toString().endsWith(".ir"))
                    .sorted()
                    .map(path -> (DynamicNode) file(root.relativize(path).toString(), path))
                    .toList()
                    .stream();
        }
    }

    private static Path root() {
        var folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("tests/filetests"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("the tests do not run inside a checkout");
            }
        }
        return folder.resolve("tests/filetests");
    }

    private static DynamicContainer file(String name, Path path) {
        try {
            var sections = Section.parse(Files.readString(path));
            var tests = new ArrayList<DynamicNode>();
            for (int i = 0; i < sections.size(); i++) {
                int index = i;
                tests.add(DynamicTest.dynamicTest(
                        "line " + sections.get(i).line(), path.toUri(), () -> run(name, path, sections, index)));
            }
            return DynamicContainer.dynamicContainer(name, path.toUri(), tests.stream());
        } catch (IOException e) {
            throw new IllegalStateException("reading " + path, e);
        }
    }

    private static void run(String name, Path path, List<Section> sections, int index) throws IOException {
        var section = sections.get(index);
        var error = section.only("error");
        if (error.isPresent()) {
            var thrown = assertThrows(IrException.class, () -> transform(name, section));
            assertTrue(thrown.getMessage().contains(error.get()), thrown.getMessage());
            return;
        }
        var module = IrParser.parse(section.code(), name);
        Verifier.verify(module);
        var printed = IrPrinter.print(module);
        assertEquals(printed, IrPrinter.print(IrParser.parse(printed, name)));
        if (section.only("pipeline").isPresent()) {
            var result = IrPrinter.print(transform(name, section));
            boolean isFound = find(section, result);
            if (isFound && section.expected().isEmpty()) {
                continueWith(module, section);
                return;
            }
            if (UPDATE) {
                update(path, index, result);
            } else {
                assertEquals(section.expected().orElse("").strip(), result.strip());
            }
        }
        continueWith(module, section);
    }

    private static void continueWith(List<Op> module, Section section) {
        for (var line : section.all("run")) {
            new Runs(module).run(line);
        }
        for (var line : section.all("same")) {
            new Runs(module).same(line);
        }
    }

    /// Whether a section says what to find in a text that is too long to be expected as a whole: all of that is there, in that
    /// order, and nothing of what is to be missing.
    private static boolean find(Section section, String text) {
        int place = 0;
        for (var wanted : section.all("find")) {
            int found = text.indexOf(wanted, place);
            assertTrue(found >= 0, () -> "expected to find '" + wanted + "' after what stands before it in\n" + text);
            place = found + wanted.length();
        }
        for (var unwanted : section.all("without")) {
            assertFalse(text.contains(unwanted), () -> "expected not to find '" + unwanted + "' in\n" + text);
        }
        return place > 0;
    }

    private static List<Op> transform(String name, Section section) {
        var module = IrParser.parse(section.code(), name);
        Verifier.verify(module);
        return Pipeline.parse(section.only("pipeline").orElse("")).run(module, new PassVerification());
    }

    private static synchronized void update(Path path, int index, String result) throws IOException {
        var sections = Section.parse(Files.readString(path));
        var text = Stream.iterate(0, i -> i < sections.size(), i -> i + 1)
                .map(i -> i == index ? sections.get(i).withExpected(result) : sections.get(i).text())
                .collect(Collectors.joining(Section.BOUNDARY));
        Files.writeString(path, text);
    }
}
