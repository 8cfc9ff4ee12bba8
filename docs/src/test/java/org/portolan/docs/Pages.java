package org.portolan.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The Markdown pages of the checkout.
record Pages(Path root) {

    /// A fenced block.
    ///
    /// @param language the word after the fence
    /// @param line of its first line, counted from one
    record Block(Path page, String language, int line, String text) {}

    static Pages find() {
        var folder = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(folder.resolve("portolan"))) {
            folder = folder.getParent();
            if (folder == null) throw new IllegalStateException("the tests do not run inside a checkout");
        }
        return new Pages(folder);
    }

    List<Path> all() {
        var pages = new ArrayList<Path>();
        try (var top = Files.newDirectoryStream(root, "*.md");
                var docs = Files.walk(root.resolve("docs"))) {
            top.forEach(pages::add);
            docs.filter(path -> path.toString().endsWith(".md") && !path.toString().contains("/target/"))
                    .forEach(pages::add);
        } catch (IOException exception) {
            throw new UncheckedIOException(exception);
        }
        return pages.stream().sorted().toList();
    }

    List<Block> blocks(Path page) {
        var blocks = new ArrayList<Block>();
        var lines = read(page).lines().toList();
        for (var i = 0; i < lines.size(); i++) {
            if (!lines.get(i).startsWith("```")) continue;
            var end = i + 1;
            while (end < lines.size() && !lines.get(end).startsWith("```")) end++;
            var language = lines.get(i).substring(3).strip();
            blocks.add(new Block(page, language, i + 2, String.join("\n", lines.subList(i + 1, end)) + "\n"));
            i = end;
        }
        return blocks;
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException exception) {
            throw new UncheckedIOException(exception);
        }
    }
}
