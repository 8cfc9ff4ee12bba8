package org.portolan.cli.image;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.portolan.runtime.device.Driver;

/// An image of the Java runtime with the modules that run program files: the runtime and every backend's driver. What only
/// compiles stays out.
public final class RuntimeImage {
    /// Where it goes there may be little room.
    private static final long LARGEST = 40L << 20;

    private static final String RUNTIME = "org.portolan.runtime";
    private static final String MAIN = RUNTIME + "/org.portolan.runtime.selftest.Main";

    private RuntimeImage() {}

    /// Links the image and packs it.
    ///
    /// @param archive the .tar.gz; replaced if it is there
    /// @throws IOException if the modules are not there one by one, the linker fails, or the archive is larger than is promised
    public static void write(Path archive) throws IOException {
        var folder = Files.createTempDirectory("portolan");
        try {
            link(folder.resolve("image"));
            TarFile.write(folder.resolve("image"), "portolan", archive);
            if (Files.size(archive) > LARGEST) {
                throw new IOException(archive + " has " + Files.size(archive) + " bytes, and an image is promised to have at most "
                        + LARGEST + ": a defect of the image");
            }
        } finally {
            delete(folder);
        }
    }

    private static void link(Path folder) throws IOException {
        var modules = modules();
        var linker = ToolProvider.findFirst("jlink")
                .orElseThrow(() -> new IOException("this Java has no jlink; take a complete JDK"));
        var path = modules.values().stream()
                .map(module -> Path.of(module.location().orElseThrow()).toString())
                .collect(Collectors.joining(File.pathSeparator));
        var names = String.join(",", modules.keySet());
        var log = new StringWriter();
        var writer = new PrintWriter(log);
        int status = linker.run(
                writer, writer, "--module-path", path, "--add-modules", names, "--output", folder.toString(), "--launcher",
                "portolan=" + MAIN, "--add-options", " --enable-native-access=" + names + " -Xshare:auto -XX:+UseSerialGC",
                "--strip-debug", "--no-header-files", "--no-man-pages", "--compress", "zip-6");
        if (status != 0) {
            throw new IOException("jlink failed: " + log.toString().strip());
        }
    }

    /// The runtime and the drivers by name, wherever this program was started from.
    private static Map<String, ModuleReference> modules() throws IOException {
        var chosen = new LinkedHashMap<String, ModuleReference>();
        for (var entry : entries()) {
            for (var module : find(entry)) {
                var descriptor = module.descriptor();
                if (descriptor.name().equals(RUNTIME) || provides(descriptor, Driver.class)) {
                    chosen.putIfAbsent(descriptor.name(), module);
                }
            }
        }
        if (!chosen.containsKey(RUNTIME)) {
            throw new IOException("the modules are not there one by one; start ./portolan of a checkout");
        }
        return chosen;
    }

    private static List<Path> entries() {
        var entries = new ArrayList<Path>();
        for (var property : List.of("jdk.module.path", "java.class.path")) {
            Stream.of(System.getProperty(property, "").split(File.pathSeparator))
                    .filter(entry -> !entry.isBlank())
                    .map(Path::of)
                    .filter(Files::exists)
                    .forEach(entries::add);
        }
        return entries;
    }

    private static Iterable<ModuleReference> find(Path entry) {
        try {
            return ModuleFinder.of(entry).findAll().stream()
                    .filter(module -> !module.descriptor().isAutomatic())
                    .toList();
        } catch (FindException notModules) {
            return List.of();
        }
    }

    private static boolean provides(ModuleDescriptor module, Class<?> service) {
        return module.provides().stream().anyMatch(provided -> provided.service().equals(service.getName()));
    }

    private static void delete(Path folder) throws IOException {
        try (var walk = Files.walk(folder)) {
            for (var path : walk.sorted(Comparator.reverseOrder()).toList()) Files.delete(path);
        }
    }
}
