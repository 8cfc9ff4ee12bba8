package org.portolan.ascend.emulator;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Whether the vendor's own headers accept a source, for those who have them: `-Dascend.headers=DIR` names the folder of
/// an installed CANN 8.1 or later. The system's `g++` reads the source with them and makes nothing: what is checked is
/// that each call exists with these types. Without the property nothing happens.
///
/// @param include the folders to look in
/// @param compiler the program
record VendorHeaders(List<Path> include, String compiler) {
    private static final String PROPERTY = "ascend.headers";
    private static final int DEEPEST = 9;

    /// What the property names.
    ///
    /// @throws EmulatorException if it names a folder without the headers
    static Optional<VendorHeaders> given() {
        var folder = System.getProperty(PROPERTY);
        if (folder == null || folder.isBlank()) {
            return Optional.empty();
        }
        return Optional.of(in(Path.of(folder)));
    }

    static VendorHeaders in(Path root) {
        var include = new ArrayList<Path>();
        try (var folders = Files.walk(root, DEEPEST)) {
            folders.filter(Files::isDirectory).sorted().forEach(folder -> {
                if (folder.endsWith("basic_api") && Files.isDirectory(folder.resolve("interface"))) {
                    Stream.of("", "impl", "interface").map(folder::resolve).filter(Files::isDirectory).forEach(include::add);
                } else if (folder.endsWith(Path.of("tikicpulib", "lib", "include"))) {
                    include.add(folder);
                } else if (folder.endsWith("include") && folder.getParent().getFileName().toString().endsWith("-linux")) {
                    include.add(folder);
                }
            });
        } catch (IOException | UncheckedIOException unreadable) {
            throw new EmulatorException("-D" + PROPERTY + " names " + root + ", which cannot be read: " + unreadable.getMessage());
        }
        if (include.stream().noneMatch(folder -> Files.isRegularFile(folder.resolve("kernel_operator.h")))) {
            throw new EmulatorException("-D" + PROPERTY + " names " + root
                    + ", and no kernel_operator.h is found below it in a folder basic_api; name the folder of an installed CANN");
        }
        return new VendorHeaders(List.copyOf(include), "g++");
    }

    /// @throws EmulatorException with the compiler's words if the headers do not accept the source
    void check(Path source, int architecture) {
        var command = new ArrayList<>(List.of(compiler, "-std=c++17", "-fsyntax-only", "-w"));
        // How the vendor's headers are told that a processor of the host reads them, and for which chip.
        command.addAll(List.of("-D__CCE_KT_TEST__=1", "-DASCENDC_CPU_DEBUG=1", "-DASCENDC_DEBUG=1"));
        command.addAll(
                switch (architecture) {
                    case 2002 -> List.of("-D__CCE_AICORE__=200", "-D__DAV_M200__");
                    case 2201 -> List.of("-D__CCE_AICORE__=220", "-D__DAV_C220__");
                    default -> throw new EmulatorException("how to read sources for dav-" + architecture
                            + " with the vendor's headers is not known; leave -D" + PROPERTY + " out");
                });
        include.forEach(folder -> command.add("-I" + folder));
        command.add(source.toString());
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                throw new EmulatorException("the vendor's headers refuse this source:\n" + said);
            }
        } catch (IOException absent) {
            throw new EmulatorException("-D" + PROPERTY + " needs the program " + compiler + ": " + absent.getMessage(), absent);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new EmulatorException("compiling was interrupted");
        }
    }
}
