package org.portolan.tests.architecture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// The checkout that the tests run in: its modules and their files.
record Checkout(Path root, List<Module> modules) {
    private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");

    /// One Maven module: its folder's name and what its `module-info.java` says (empty text where there is none).
    record Module(String name, Path folder, String descriptor) {
        boolean isBackend() {
            return name.startsWith("backend-");
        }

        /// The name after `module`, empty where there is no descriptor.
        String moduleName() {
            var matcher = Pattern.compile("module\\s+([\\w.]+)\\s*\\{").matcher(descriptor);
            return matcher.find() ? matcher.group(1) : "";
        }

        List<Path> mainSources() {
            return files(folder.resolve("src/main"), path -> path.toString().endsWith(".java"));
        }

        List<Path> sources() {
            return files(folder.resolve("src"), path -> path.toString().endsWith(".java"));
        }
    }

    static Checkout find() {
        var folder = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(folder.resolve("portolan"))) {
            folder = folder.getParent();
            if (folder == null) throw new IllegalStateException("the tests do not run inside a checkout");
        }
        var root = folder;
        var modules = MODULE.matcher(read(root.resolve("pom.xml")))
                .results()
                .map(match -> module(root, match.group(1)))
                .toList();
        return new Checkout(root, modules);
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException exception) {
            throw new UncheckedIOException(exception);
        }
    }

    static List<Path> files(Path folder, Predicate<Path> wanted) {
        if (!Files.isDirectory(folder)) return List.of();
        try (var walk = Files.walk(folder)) {
            return walk.filter(Files::isRegularFile).filter(wanted).sorted().toList();
        } catch (IOException exception) {
            throw new UncheckedIOException(exception);
        }
    }

    private static Module module(Path root, String name) {
        var folder = root.resolve(name);
        var descriptor = folder.resolve("src/main/java/module-info.java");
        var text = Files.exists(descriptor) ? SourceText.withoutComments(read(descriptor)) : "";
        return new Module(name, folder, text);
    }
}
