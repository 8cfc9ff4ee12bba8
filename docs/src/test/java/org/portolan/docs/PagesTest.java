package org.portolan.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.portolan.cli.Main;

/// Links and commands that the pages show exist. That their `ir` blocks parse is checked in `tests`.
class PagesTest {
    private static final Pattern LINK = Pattern.compile("]\\((?!https?:|#)([^)#]+)");
    private static final Pattern COMMAND = Pattern.compile("(?m)^\\./portolan +([a-z]+)");

    private final Pages pages = Pages.find();

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
