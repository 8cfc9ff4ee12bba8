package org.portolan.ascend.emulator;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.portolan.ascend.cache.KernelCache;
import org.portolan.llvm.LlvmException;
import org.portolan.llvm.LlvmTools;

/// Builds in a folder of the user's cache. The folder's name is a hash of the emulator's sources, the compiler and the
/// processor, and so is the library's soname: kernels name the library that they were built for, and the dynamic
/// linker refuses them beside another one. Files appear by an atomic rename.
final class Build {
    private static final String RESOURCES = "/org/portolan/ascend/emulator/";
    private static final List<String> HEADERS = List.of(
            "kernel_operator.h", "portolan/runtime.h", "portolan/types.h", "portolan/tensor.h", "portolan/pipe.h",
            "portolan/vector.h", "portolan/move.h", "portolan/cube.h");
    private static final List<String> PRIVATE_HEADERS =
            List.of("system.h", "memory.h", "core.h", "device.h", "acl.h", "numerics.h", "operands.h");
    // The longest first: they are compiled side by side.
    private static final List<String> SOURCES = List.of(
            "vector", "select", "reduce", "cube", "cast", "core", "pipe", "global", "memory", "move", "launch", "stream",
            "acl_device", "acl_work");
    private static final List<String> COMMON = List.of(
            "-ffreestanding", "-nostdinc++", "-nostdlibinc", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
            "-fPIC", "-fvisibility=hidden", "-fno-math-errno", "-ffp-contract=off");
    private static final List<String> LIBRARY = List.of("-std=c++20", "-O3", "-march=native", "-Wno-pass-failed");
    private static final List<String> KERNEL = List.of("-std=c++17", "-march=x86-64-v3", "-Wall", "-Werror");
    // Where every access is followed, the kernels' own code is the smaller part, and compiling it takes the longer one.
    private static final boolean FOLLOWED = !"0".equals(System.getenv("PORTOLAN_ASCEND_CHECKS"));
    private static final String OPTIMIZATION = FOLLOWED ? "-O0" : "-O2";
    private static final List<String> LINK = List.of(
            "-flavor", "gnu", "-shared", "-nostdlib", "--build-id=none", "--hash-style=gnu", "--threads=1", "-z", "now",
            "-z", "relro", "-z", "noexecstack");

    private static final int BUILDS_BETWEEN = 100;

    private final AtomicInteger built = new AtomicInteger();
    private final Path clang = LlvmTools.clang();
    private final Path linker = LlvmTools.program("lld");
    private final String name;
    private final Path folder;
    private final Path kernels;

    private Build(String name) {
        this.name = name;
        folder = LlvmTools.cacheFolder("ascend/" + name);
        kernels = LlvmTools.cacheFolder("ascend/" + name + "/kernels");
        KernelCache.pruneBeside(folder);
    }

    static Optional<String> missing() {
        try {
            LlvmTools.library();
        } catch (LlvmException.Unavailable unavailable) {
            return Optional.of("the emulator is compiled where it is used: " + unavailable.getMessage());
        }
        var flags = processorFlags();
        for (var needed : List.of("avx2", "fma", "f16c", "bmi2")) {
            if (!flags.contains(needed)) {
                return Optional.of("the emulator needs a processor with AVX2, FMA and F16C; this one has no " + needed);
            }
        }
        return Optional.empty();
    }

    static Build open() {
        var digest = sha256();
        Stream.of(HEADERS.stream().map(header -> "include/" + header), PRIVATE_HEADERS.stream().map(header -> "src/" + header),
                        SOURCES.stream().map(source -> "src/" + source + ".cpp"))
                .flatMap(names -> names)
                .forEach(resource -> digest.update(read(resource)));
        // The compiler lies in a folder whose name is its checksum.
        var circumstances = LlvmTools.library().toString() + COMMON + LIBRARY + KERNEL + LINK + processorFlags();
        digest.update(circumstances.getBytes(StandardCharsets.UTF_8));
        return new Build(HexFormat.of().formatHex(digest.digest(), 0, 10));
    }

    private String soname() {
        return "libportolan-ascend-" + name + ".so";
    }

    synchronized Path library() {
        var library = folder.resolve("libascendcl.so");
        if (Files.isRegularFile(library)) {
            return library;
        }
        unpackHeaders();
        return inFresh(fresh -> {
            write(fresh, "include/", HEADERS);
            write(fresh, "src/", PRIVATE_HEADERS);
            var commands = new ArrayList<List<String>>();
            var link = new ArrayList<>(List.of(linker.toString()));
            link.addAll(LINK);
            // What is undefined is the C library's, which the process has loaded. The library's threads sleep in it.
            link.addAll(List.of("-z", "nodelete", "--unresolved-symbols=ignore-all", "--strip-all", "-soname=" + soname(), "-o", "linked"));
            for (var source : SOURCES) {
                write(fresh, "src/", List.of(source + ".cpp"));
                var command = new ArrayList<>(List.of(clang.toString()));
                command.addAll(COMMON);
                command.addAll(LIBRARY);
                command.addAll(List.of("-c", "src/" + source + ".cpp", "-o", source + ".o"));
                commands.add(command);
                link.add(source + ".o");
            }
            runAll(commands, fresh);
            run(link, fresh);
            return move(fresh.resolve("linked"), library);
        });
    }

    Path kernel(byte[] source, int architecture) {
        VendorHeaders.given().ifPresent(headers -> inFresh(fresh -> {
            headers.check(Files.write(fresh.resolve("kernel.cpp"), source), architecture);
            return fresh;
        }));
        if (!AscendEmulator.architectures().contains(architecture)) {
            throw new EmulatorException("no chip dav-" + architecture + " is known; there are dav-2201, dav-2002 and dav-3510");
        }
        var digest = sha256();
        digest.update(source);
        var file = kernels.resolve(HexFormat.of().formatHex(digest.digest(), 0, 16) + "-" + architecture + OPTIMIZATION + ".so");
        if (Files.isRegularFile(file)) {
            return used(file);
        }
        // A look at the whole folder, now and then.
        if (built.getAndIncrement() % BUILDS_BETWEEN == 0) {
            KernelCache.prune(kernels);
        }
        var library = library();
        var precompiled = precompiled(architecture);
        return inFresh(fresh -> {
            Files.write(fresh.resolve("kernel.cpp"), source);
            run(compiler(architecture, "-include-pch", precompiled.toString(), "-c", "kernel.cpp", "-o", "kernel.o"), fresh);
            var link = new ArrayList<>(List.of(linker.toString()));
            link.addAll(LINK);
            // memcpy and its like stay undefined: they are the C library's.
            link.addAll(List.of("--unresolved-symbols=ignore-all", "--strip-all", "-o", "linked", "kernel.o", library.toString()));
            run(link, fresh);
            return move(fresh.resolve("linked"), file);
        });
    }

    private static Path used(Path file) {
        try {
            KernelCache.used(file);
        } catch (IOException unchangeable) {
            // Then it looks older than it is, and is built again one day.
        }
        return file;
    }

    private synchronized Path precompiled(int architecture) {
        var file = folder.resolve("kernel_operator-" + architecture + OPTIMIZATION + ".pch");
        if (Files.isRegularFile(file)) {
            return file;
        }
        unpackHeaders();
        return inFresh(fresh -> {
            run(compiler(architecture, "-x", "c++-header", folder.resolve("include/kernel_operator.h").toString(), "-o", "header.pch"), fresh);
            return move(fresh.resolve("header.pch"), file);
        });
    }

    private List<String> compiler(int architecture, String... rest) {
        var command = new ArrayList<>(List.of(clang.toString()));
        command.addAll(COMMON);
        command.addAll(KERNEL);
        command.addAll(List.of(OPTIMIZATION, "-D__NPU_ARCH__=" + architecture, "-I", folder.resolve("include").toString()));
        command.addAll(List.of(rest));
        return command;
    }

    private void unpackHeaders() {
        try {
            if (Files.isDirectory(folder.resolve("include"))) {
                return;
            }
            var fresh = Files.createTempDirectory(folder, "headers");
            write(fresh, "include/", HEADERS);
            try {
                Files.move(fresh.resolve("include"), folder.resolve("include"), StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException raced) {
                if (!Files.isDirectory(folder.resolve("include"))) {
                    throw raced;
                }
            } finally {
                delete(fresh);
            }
        } catch (IOException failure) {
            throw new EmulatorException("cannot unpack the emulator's headers to " + folder, failure);
        }
    }

    private interface Work {
        Path in(Path fresh) throws IOException;
    }

    private Path inFresh(Work work) {
        try {
            var fresh = Files.createTempDirectory(folder, "build");
            try {
                return work.in(fresh);
            } finally {
                delete(fresh);
            }
        } catch (IOException failure) {
            throw new EmulatorException("cannot build in " + folder + ": " + failure, failure);
        }
    }

    private static Path move(Path from, Path to) throws IOException {
        return Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void write(Path fresh, String prefix, List<String> names) throws IOException {
        for (var name : names) {
            var file = fresh.resolve(prefix + name);
            Files.createDirectories(file.getParent());
            Files.write(file, read(prefix + name));
        }
    }

    private static void runAll(List<List<String>> commands, Path directory) throws IOException {
        var waiting = new ArrayList<>(commands);
        var running = new ArrayList<Process>();
        var width = Runtime.getRuntime().availableProcessors();
        try {
            while (!waiting.isEmpty() || !running.isEmpty()) {
                while (running.size() < width && !waiting.isEmpty()) {
                    running.add(start(waiting.removeFirst(), directory));
                }
                await(running.removeFirst());
            }
        } finally {
            running.forEach(Process::destroyForcibly);
        }
    }

    private static void run(List<String> command, Path directory) throws IOException {
        await(start(command, directory));
    }

    private static Process start(List<String> command, Path directory) throws IOException {
        var process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        return process;
    }

    private static void await(Process process) throws IOException {
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            if (process.waitFor() != 0) {
                throw new EmulatorException("the emulator's compiler refuses this source:\n" + said);
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new EmulatorException("compiling was interrupted");
        }
    }

    private static byte[] read(String resource) {
        try (var stream = Build.class.getResourceAsStream(RESOURCES + resource)) {
            if (stream == null) {
                throw new EmulatorException("the emulator's source " + resource + " is not in the jar");
            }
            return stream.readAllBytes();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static List<String> processorFlags() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .map(line -> List.of(line.substring(line.indexOf(':') + 1).strip().split(" ")))
                    .orElse(List.of());
        } catch (IOException | UncheckedIOException unreadable) {
            return List.of();
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible); // every Java platform has it
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
