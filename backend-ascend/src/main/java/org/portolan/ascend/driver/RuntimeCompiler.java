package org.portolan.ascend.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import org.portolan.ascend.cache.KernelCache;
import org.portolan.runtime.PortolanException.DeviceFailed;

/// Kernels for a card, compiled in this process by CANN's own library, {@code libacl_rtc.so} of 8.5 or later. Never run on
/// hardware. A binary is kept under the hash of itself, since it is loaded from a file.
///
/// @param library the functions {@code aclrtc..}
/// @param folder where binaries are put
record RuntimeCompiler(AclLibrary library, Path folder) implements KernelBuilder {
    private static final String NAME = "libacl_rtc.so";
    private static final long LONGEST_LOG = 1 << 16;

    /// The compiler of the CANN that is installed, if it has one.
    static Optional<RuntimeCompiler> find() {
        try {
            var library = AclLibrary.open(NAME);
            return library.has("aclrtcCreateProg")
                    ? Optional.of(new RuntimeCompiler(library, KernelCache.folder()))
                    : Optional.empty();
        } catch (IllegalArgumentException absent) {
            return Optional.empty();
        }
    }

    @Override
    public Path build(String source, Chips chip, Cores cores) {
        try (var arena = Arena.ofConfined()) {
            var place = arena.allocate(ValueLayout.ADDRESS);
            check("aclrtcCreateProg", library.call(
                    "aclrtcCreateProg",
                    place,
                    arena.allocateFrom(source),
                    arena.allocateFrom("kernels.asc"),
                    0,
                    MemorySegment.NULL,
                    MemorySegment.NULL));
            var program = place.get(ValueLayout.ADDRESS, 0);
            try {
                return stored(compile(program, chip, arena));
            } finally {
                library.call("aclrtcDestroyProg", place);
            }
        } catch (IOException failure) {
            throw new DeviceFailed("cannot keep compiled kernels in " + folder + ": " + failure, failure);
        }
    }

    private byte[] compile(MemorySegment program, Chips chip, Arena arena) {
        var options = arena.allocate(ValueLayout.ADDRESS);
        options.set(ValueLayout.ADDRESS, 0, arena.allocateFrom("--npu-arch=" + chip.architecture()));
        int code = library.call("aclrtcCompileProg", program, 1, options);
        if (code != AclError.SUCCESS) {
            throw new DeviceFailed(
                    "CANN's compiler refuses the kernels (code " + code + "):\n" + log(program, arena), null);
        }
        var size = arena.allocate(ValueLayout.JAVA_LONG);
        check("aclrtcGetBinDataSize", library.call("aclrtcGetBinDataSize", program, size));
        var bytes = arena.allocate(Math.max(1, size.get(ValueLayout.JAVA_LONG, 0)));
        check("aclrtcGetBinData", library.call("aclrtcGetBinData", program, bytes));
        return bytes.asSlice(0, size.get(ValueLayout.JAVA_LONG, 0)).toArray(ValueLayout.JAVA_BYTE);
    }

    private String log(MemorySegment program, Arena arena) {
        var size = arena.allocate(ValueLayout.JAVA_LONG);
        if (library.call("aclrtcGetCompileLogSize", program, size) != AclError.SUCCESS) {
            return "it says nothing";
        }
        long length = Math.clamp(size.get(ValueLayout.JAVA_LONG, 0), 0, LONGEST_LOG);
        var text = arena.allocate(length + 1);
        if (size.get(ValueLayout.JAVA_LONG, 0) > LONGEST_LOG
                || library.call("aclrtcGetCompileLog", program, text) != AclError.SUCCESS) {
            return "it says more than can be shown";
        }
        return text.getString(0, StandardCharsets.UTF_8);
    }

    private void check(String function, int code) {
        if (code != AclError.SUCCESS) {
            throw AclError.of(code, "compiling kernels with " + library.name() + " (" + function + ")", "");
        }
    }

    private Path stored(byte[] binary) throws IOException {
        Files.createDirectories(folder);
        var file = folder.resolve(hash(binary) + ".o");
        if (!Files.isRegularFile(file)) {
            var fresh = Files.write(Files.createTempFile(folder, "build", ".o"), binary);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        }
        KernelCache.used(file);
        KernelCache.prune(folder);
        return file;
    }

    private static String hash(byte[] binary) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(binary), 0, 16);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible); // every Java platform has it
        }
    }
}
