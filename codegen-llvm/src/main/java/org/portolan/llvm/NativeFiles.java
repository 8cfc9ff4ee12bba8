package org.portolan.llvm;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.jar.JarFile;

/// Unpacks single files out of the jar `org.bytedeco:llvm:<version>:linux-x86_64`, and gives them the names that they
/// need: its programs look for `libLLVM.so.20.1`, which lies in the jar as `libLLVM.so`.
///
/// The folder's name carries the checksum and the size of the library in the jar, so that another version of the jar
/// has another folder. Each file appears there by an atomic rename: a half-written one is never seen.
final class NativeFiles {
    private static final String PREFIX = "org/bytedeco/llvm/linux-x86_64/";
    private static final String LIBRARY = "libLLVM.so";

    private final Path folder;

    private NativeFiles(Path folder) {
        this.folder = folder;
    }

    /// @throws LlvmException.Unavailable on another system than Linux x86-64, or if the jar is absent
    static NativeFiles open() {
        var system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (!system.toLowerCase(Locale.ROOT).matches("linux (amd64|x86_64)")) {
            throw new LlvmException.Unavailable(
                    "compiling needs LLVM, which is bundled for Linux x86-64 only; this is " + system, null);
        }
        var entry = entry(resource(LIBRARY));
        return new NativeFiles(CacheFolder.open("llvm/%08x-%x".formatted(entry.checksum(), entry.size())));
    }

    Path library() {
        return unpack(LIBRARY, "bin/libLLVM.so.20.1", false);
    }

    /// A program of the jar (`lld`, `clang`, `llvm-objdump`, ...), ready to be run.
    Path program(String name) {
        library();
        return unpack(name, "bin/" + name, true);
    }

    /// The bundled clang with its library and its own headers, where it looks for them.
    Path clang() {
        unpack("libclang-cpp.so", "bin/libclang-cpp.so.20.1", false);
        var headers = "lib/clang/20/include/";
        try (var jar = new JarFile(((JarURLConnection) resource(LIBRARY).openConnection()).getJarFile().getName())) {
            jar.stream()
                    .map(entry -> entry.getName())
                    .filter(name -> name.startsWith(PREFIX + headers) && !name.endsWith("/"))
                    .map(name -> name.substring(PREFIX.length()))
                    .forEach(name -> unpack(name, name, false));
        } catch (IOException failure) {
            throw new LlvmException.Unavailable("cannot unpack clang's headers: " + failure, failure);
        }
        return program("clang");
    }

    private record Entry(long checksum, long size) {}

    private static URL resource(String name) {
        var loader = NativeFiles.class.getClassLoader();
        var resource = loader.getResource(PREFIX + name);
        if (resource == null) {
            throw new LlvmException.Unavailable(
                    "LLVM's native files are not on the class path or module path: no " + PREFIX + name
                            + "; add org.bytedeco:llvm:20.1.7-1.5.12:linux-x86_64 (with modules, also"
                            + " --add-modules ALL-MODULE-PATH). Running a compiled program does not need it",
                    null);
        }
        return resource;
    }

    private static Entry entry(URL resource) {
        try {
            // The jar's directory has both numbers: nothing is inflated.
            if (resource.openConnection() instanceof JarURLConnection jar) {
                var entry = jar.getJarEntry();
                return new Entry(entry.getCrc(), entry.getSize());
            }
            throw new LlvmException.Unavailable(resource + " is not in a jar file", null);
        } catch (IOException failure) {
            throw new LlvmException.Unavailable("cannot read " + resource + ": " + failure, failure);
        }
    }

    private Path unpack(String name, String relative, boolean executable) {
        var file = folder.resolve(relative);
        var resource = resource(name);
        try {
            if (Files.isRegularFile(file) && Files.size(file) == entry(resource).size()) {
                return file;
            }
            Files.createDirectories(file.getParent());
            var permissions = PosixFilePermissions.fromString(executable ? "rwx------" : "rw-------");
            var fresh = Files.createTempFile(
                    file.getParent(), "unpack", null, PosixFilePermissions.asFileAttribute(permissions));
            try (var in = resource.openStream();
                    var out = Files.newOutputStream(fresh)) {
                in.transferTo(out);
            } catch (IOException failure) {
                Files.deleteIfExists(fresh);
                throw failure;
            }
            return Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failure) {
            throw new LlvmException.Unavailable(
                    "cannot unpack " + name + " to " + file + ": " + failure
                            + "; name another folder in PORTOLAN_CACHE_DIR or -Dportolan.cache.dir",
                    failure);
        }
    }
}
