package org.portolan.cuda.codegen;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.portolan.cuda.image.CudaImage;
import org.portolan.lowering.CompileException;

/// The vendor's assembler, where it is installed: it turns PTX text into machine code, and says how many registers that
/// takes and what of it did not fit into registers.
///
/// @param program its path
record Ptxas(Path program) {
    private static final String NAME = "ptxas";
    private static final Pattern TARGET = Pattern.compile("(?m)^\\.target (\\w+)");
    private static final Pattern HEADER = Pattern.compile("(?s)^.*?\\.address_size 64\n");
    private static final Pattern LINE_INFORMATION = Pattern.compile("(?m)^\\s*\\.(loc|file) .*\n");
    private static final Pattern SAID = Pattern.compile("Compiling entry function '([^']+)'"
            + "|(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads|Used (\\d+) registers");

    /// On the path of the process.
    static Optional<Ptxas> find() {
        return Arrays.stream(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, NAME))
                .filter(Files::isExecutable)
                .findFirst()
                .map(Ptxas::new);
    }

    /// Machine code of one module.
    ///
    /// @throws CompileException if the assembler refuses it
    byte[] assemble(String ptx) {
        return inFolder(folder -> {
            run(folder, List.of("-lineinfo"), ptx);
            return Files.readAllBytes(folder.resolve("code.cubin"));
        });
    }

    /// What it says of a kernel.
    ///
    /// @param registers of each thread
    /// @param stackBytes of each thread
    /// @param spilledBytes stored and loaded
    record Assembled(String kernel, long registers, long stackBytes, long spilledBytes) {}

    /// What it says of every kernel, in order.
    ///
    /// @throws CompileException if it refuses one
    List<Assembled> examine(List<CudaImage.Module> modules) {
        if (modules.isEmpty()) {
            return List.of();
        }
        var text = joined(modules.stream().map(CudaImage.Module::ptx).toList());
        return inFolder(folder -> findings(run(folder, List.of(), text)));
    }

    /// All kernels as one module, since one run is much faster than many. Their heads differ in nothing but the version of PTX, of
    /// which the highest is right for all; lines are left out, which are of files that each module numbers for itself.
    static String joined(List<String> modules) {
        var head = modules.stream()
                .max(Comparator.comparing(PtxVersion::of))
                .map(HEADER::matcher)
                .filter(Matcher::find)
                .map(Matcher::group)
                .orElse("");
        return head
                + modules.stream()
                        .map(ptx -> HEADER.matcher(ptx).replaceFirst(""))
                        .map(ptx -> LINE_INFORMATION.matcher(ptx).replaceAll(""))
                        .collect(Collectors.joining());
    }

    static List<Assembled> findings(String said) {
        var findings = new ArrayList<Assembled>();
        var matcher = SAID.matcher(said);
        var kernel = "";
        long stack = 0;
        long spilled = 0;
        while (matcher.find()) {
            if (matcher.group(1) != null) {
                kernel = matcher.group(1);
                stack = 0;
                spilled = 0;
            } else if (matcher.group(2) != null) {
                stack += Long.parseLong(matcher.group(2));
                spilled += Long.parseLong(matcher.group(3)) + Long.parseLong(matcher.group(4));
            } else if (!kernel.isEmpty()) {
                findings.add(new Assembled(kernel, Long.parseLong(matcher.group(5)), stack, spilled));
                kernel = "";
            }
        }
        return findings;
    }

    private String run(Path folder, List<String> options, String ptx) throws IOException {
        var target = TARGET.matcher(ptx);
        if (!target.find()) {
            throw new CompileException("the PTX text names no target");
        }
        Files.writeString(folder.resolve("code.ptx"), ptx);
        var command = new ArrayList<>(
                List.of(program.toString(), "-v", "-arch=" + target.group(1), "-o", "code.cubin", "code.ptx"));
        command.addAll(options);
        var process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new CompileException(NAME + " refuses the kernels: " + said.strip());
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new CompileException("assembling was interrupted", interrupted);
        }
        return said;
    }

    private interface InFolder<T> {
        T run(Path folder) throws IOException;
    }

    private static <T> T inFolder(InFolder<T> task) {
        try {
            var folder = Files.createTempDirectory("portolan-ptxas");
            try {
                return task.run(folder);
            } finally {
                Files.deleteIfExists(folder.resolve("code.ptx"));
                Files.deleteIfExists(folder.resolve("code.cubin"));
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new CompileException("cannot run " + NAME + ": " + e.getMessage(), e);
        }
    }
}
