package org.portolan.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.portolan.cli.Main;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;

class PagesTest {
    private static final Pattern LINK = Pattern.compile("]\\((?!https?:|#)([^)#]+)");
    private static final Pattern COMMAND = Pattern.compile("(?m)^\\./portolan +([a-z]+)");

    private final Pages pages = Pages.find();

    /// Every fenced `ir` block is text that the parser reads, and prints as it stands but for spaces.
    @TestFactory
    Stream<DynamicTest> irBlocksParse() {
        return pages.all().stream()
                .flatMap(page -> pages.blocks(page).stream())
                .filter(block -> block.language().equals("ir"))
                .map(block -> DynamicTest.dynamicTest(
                        pages.root().relativize(block.page()) + ":" + block.line(), () -> {
                            var parsed = IrParser.parse(block.text(), block.page().toString());
                            var printed = IrPrinter.print(parsed);
                            assertEquals(printed, IrPrinter.print(IrParser.parse(printed, "printed")));
                        }));
    }

    @Test
    void linksLeadSomewhere() {
        var dead = new ArrayList<String>();
        for (var page : pages.all()) {
            LINK.matcher(Pages.read(page)).results().forEach(match -> {
                if (!Files.exists(page.resolveSibling(match.group(1)))) {
                    dead.add(pages.root().relativize(page) + " -> " + match.group(1));
                }
            });
        }
        assertEquals(List.of(), dead);
    }

    @Test
    void commandsExist() {
        var known = Main.commandLine().getSubcommands().keySet();
        for (var page : pages.all()) {
            for (var block : pages.blocks(page)) {
                COMMAND.matcher(block.text())
                        .results()
                        .forEach(match -> assertTrue(known.contains(match.group(1)), () -> page + ": " + match.group()));
            }
        }
    }
}
