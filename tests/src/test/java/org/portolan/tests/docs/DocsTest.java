package org.portolan.tests.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.ResourceStore;
import org.portolan.ir.verify.Verifier;

class DocsTest {
    private static final String MARK = "<!-- What follows is written from the records by DocsTest. -->\n";
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```ir\\n(.*?)^```$");
    /// The examples name weights that nobody needs to look at.
    private static final ResourceStore STORE = (name, offset, bytes) -> MemorySegment.ofArray(new byte[(int) bytes]);

    @Test
    void theReferenceOfOperationsIsUpToDate() throws IOException {
        var file = root().resolve("docs/ir.md");
        var page = Files.readString(file);
        int mark = page.indexOf(MARK) + MARK.length();
        assertTrue(mark > MARK.length(), "docs/ir.md has lost its mark");
        var expected = page.substring(0, mark) + OpReference.generate(root());
        if (System.getProperty("update") != null) {
            Files.writeString(file, expected);
        } else {
            assertEquals("", firstDifference(expected, page), "docs/ir.md is old; run this test with -Dupdate");
        }
    }

    private static String firstDifference(String expected, String page) {
        var wanted = expected.lines().toList();
        var found = page.lines().toList();
        for (int i = 0; i < Math.max(wanted.size(), found.size()); i++) {
            var left = i < wanted.size() ? wanted.get(i) : "";
            var right = i < found.size() ? found.get(i) : "";
            if (!left.equals(right)) {
                return "line " + (i + 1) + ": expected '" + left + "', found '" + right + "'";
            }
        }
        return "";
    }

    @TestFactory
    Stream<DynamicTest> codeInDocumentsIsCode() throws IOException {
        var tests = new ArrayList<DynamicTest>();
        try (var walk = Stream.concat(
                Files.walk(root().resolve("docs")),
                Stream.of(root().resolve("README.md"), root().resolve("CONTRIBUTING.md")))) {
            for (var file : walk.filter(path -> path.toString().endsWith(".md")).sorted().toList()) {
                var page = Files.readString(file);
                for (var block : BLOCK.matcher(page).results().toList()) {
                    long line = page.substring(0, block.start()).lines().count() + 1;
                    var name = root().relativize(file) + ":" + line;
                    tests.add(DynamicTest.dynamicTest(
                            name, () -> Verifier.verify(IrParser.parse(block.group(1), name, STORE))));
                }
            }
        }
        return tests.stream();
    }

    private static Path root() {
        var folder = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(folder.resolve("portolan"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("the tests do not run inside a checkout");
            }
        }
        return folder;
    }
}
