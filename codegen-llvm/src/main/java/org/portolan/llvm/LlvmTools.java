package org.portolan.llvm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// LLVM's library and programs, unpacked once per user and version. Nothing is unpacked before it is asked for.
public final class LlvmTools {
    private static final Pattern UNDEFINED = Pattern.compile("undefined symbol: (\\S+)");

    private static NativeFiles files;

    private LlvmTools() {}

    private static synchronized NativeFiles files() {
        if (files == null) {
            files = NativeFiles.open();
        }
        return files;
    }

    /// The path of libLLVM.
    public static Path library() {
        return files().library();
    }

    /// The path of a bundled program: `lld`, `llvm-objdump`, `llvm-mca`, `llc`.
    public static Path program(String name) {
        return files().program(name);
    }

    /// The path of the bundled clang; its own headers are in place, a C library's are not.
    public static Path clang() {
        return files().clang();
    }

    /// A folder for files that can be made again, below the user's cache; it belongs to the user alone.
    ///
    /// @throws LlvmException.Unavailable if it cannot be made, or is open to others
    public static Path cacheFolder(String relative) {
        return CacheFolder.open(relative);
    }

    /// Links relocatable ELF objects to one shared object that needs nothing: no C library, no compiler runtime, no
    /// start files. The same objects give the same bytes.
    ///
    /// @throws LlvmException.UndefinedSymbols if a symbol stays undefined
    /// @throws LlvmException.LinkFailed if the linker refuses for another reason
    public static byte[] link(List<byte[]> objects) {
        return link(objects, false);
    }

    /// The same, with the lines that instructions come from, if the objects have them and they are to be kept.
    static byte[] link(List<byte[]> objects, boolean keepsLines) {
        try {
            var folder = Files.createTempDirectory("portolan-link");
            try {
                var command = new ArrayList<>(List.of(
                        program("lld").toString(), "-flavor", "gnu", "-shared", "-nostdlib", "--build-id=none",
                        "--hash-style=gnu", keepsLines ? "--discard-all" : "--strip-all", "--threads=1", "--error-limit=0", "-soname=portolan-kernels",
                        "-z", "defs", "-z", "now", "-z", "relro", "-z", "noexecstack", "-o", "linked"));
                for (int i = 0; i < objects.size(); i++) {
                    var name = "kernel" + i + ".o";
                    Files.write(folder.resolve(name), objects.get(i));
                    command.add(name);
                }
                run(command, folder);
                return Files.readAllBytes(folder.resolve("linked"));
            } finally {
                delete(folder);
            }
        } catch (IOException failure) {
            throw new LlvmException.LinkFailed("cannot run the linker: " + failure);
        }
    }

    private static void run(List<String> command, Path folder) throws IOException {
        var process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        int status;
        try {
            status = process.waitFor();
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new LlvmException.LinkFailed("linking was interrupted");
        }
        if (status != 0) {
            var symbols = new TreeSet<String>();
            UNDEFINED.matcher(said).results().forEach(match -> symbols.add(match.group(1)));
            if (!symbols.isEmpty()) {
                throw new LlvmException.UndefinedSymbols(List.copyOf(symbols));
            }
            throw new LlvmException.LinkFailed("the linker ended with status " + status + ": " + said);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var paths = Files.walk(folder)) {
            for (var path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
