package org.portolan.ascend.driver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.portolan.ascend.cache.KernelCache;
import org.portolan.runtime.PortolanException.DeviceFailed;

/// Kernels for a card, by the compiler of the user's own CANN: device code only, linked to an object that the runtime
/// loads; one for the vector cores and one for those of the cube. Never run on hardware. The result is kept in the user's
/// cache, by the source, the command and the version of CANN.
final class BishengBuilder implements KernelBuilder {
    private static final String HOME = "ASCEND_HOME_PATH";

    /// Whether the environment says where a toolkit is.
    static boolean isThere() {
        var home = System.getenv(HOME);
        return home != null && !home.isBlank();
    }

    @Override
    public Path build(String source, Chips chip, Cores cores) {
        return build(source, chip, cores, System.getenv(HOME), KernelCache.folder());
    }

    /// @param home where CANN is; absent or blank if nothing says it
    static Path build(String source, Chips chip, Cores cores, String home, Path folder) {
        if (home == null || home.isBlank()) {
            throw new DeviceFailed("kernels for a card are compiled by CANN's own compiler, and " + HOME
                    + " does not say where CANN is; read its set_env.sh, install a CANN that has libacl_rtc.so, or compile elsewhere with"
                    + " portolan compile --emit ascendc", null);
        }
        try {
            var cann = Path.of(home).toRealPath();
            Files.createDirectories(folder);
            var command = compiler(cann, chip, cores);
            var file = folder.resolve(name(source, command, version(cann)) + ".o");
            if (Files.isRegularFile(file)) {
                KernelCache.used(file);
                return file;
            }
            var fresh = Files.createTempDirectory(folder, "build");
            Files.writeString(fresh.resolve("kernel.cce"), source);
            run(command, fresh);
            run(List.of(tool(cann, "ld.lld"), "-m", "aicorelinux", "-Ttext=0", "kernel.o", "-static", "-o", "linked.o"), fresh);
            var built = Files.move(fresh.resolve("linked.o"), file, StandardCopyOption.ATOMIC_MOVE);
            KernelCache.delete(fresh);
            KernelCache.prune(folder);
            return built;
        } catch (IOException failure) {
            throw new DeviceFailed("cannot compile kernels with CANN in " + home + ": " + failure, failure);
        }
    }

    /// What says the version of an installation: its own files, wherever this release has them. Two installations that took
    /// turns in one folder differ in them.
    private static String version(Path cann) throws IOException {
        var text = new StringBuilder(cann.toString());
        for (var name : List.of(
                "version.cfg", "version.info", "ascend_toolkit_install.info", "compiler/version.info", "runtime/version.info",
                "../version.cfg")) {
            var file = cann.resolve(name);
            if (Files.isRegularFile(file)) {
                text.append('\n').append(name).append('\n').append(Files.readString(file));
            }
        }
        var compiler = Path.of(tool(cann, "bisheng"));
        return text.append('\n').append(Files.size(compiler)).append(Files.getLastModifiedTime(compiler)).toString();
    }

    private static String name(String source, List<String> command, String version) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update((command + "\n" + version + "\n" + source).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(), 0, 16);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible); // every Java platform has it
        }
    }

    private static String tool(Path cann, String name) {
        for (var folder : List.of("compiler/ccec_compiler/bin", "ccec_compiler/bin", "tools/bisheng_compiler/bin", "bin")) {
            if (Files.isExecutable(cann.resolve(folder).resolve(name))) {
                return cann.resolve(folder).resolve(name).toString();
            }
        }
        throw new DeviceFailed("CANN in " + cann + " has no " + name + "; install the toolkit, not only the runtime", null);
    }

    /// Where cube and vector unit are cores apart, each has an architecture of its own.
    static String architecture(Chips chip, Cores cores) {
        var kind = cores == Cores.CUBE ? "-cube" : "-vec";
        return switch (chip.number()) {
            case 2201 -> "dav-c220" + kind;
            case 2002 -> "dav-m200";
            default -> "dav-c310" + kind;
        };
    }

    private static List<String> compiler(Path cann, Chips chip, Cores cores) {
        var arch = architecture(chip, cores);
        var command = new ArrayList<>(List.of(
                tool(cann, "bisheng"), "-c", "-x", "cce", "-O2", "-std=c++17", "kernel.cce", "-o", "kernel.o",
                "--cce-aicore-arch=" + arch, "--cce-aicore-only"));
        var tikcfw = cann.resolve("compiler/tikcpp/tikcfw");
        for (var include : List.of("", "impl", "interface")) {
            command.add("-I" + tikcfw.resolve(include));
        }
        for (var option : List.of(
                "-cce-aicore-stack-size=0x8000", "-cce-aicore-function-stack-size=0x8000", "-cce-aicore-record-overflow=true",
                "-cce-aicore-addr-transform", "-cce-aicore-dcci-insert-for-scalar=false")) {
            command.addAll(List.of("-mllvm", option));
        }
        command.addAll(List.of("-DTILING_KEY_VAR=0", "-DASCENDC_DUMP=0"));
        return command;
    }

    private static void run(List<String> command, Path folder) throws IOException {
        var process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        process.getOutputStream().close();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new DeviceFailed("CANN's compiler refuses the kernels; the source is in " + folder + ":\n" + said, null);
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new DeviceFailed("compiling kernels was interrupted", interrupted);
        }
    }
}
