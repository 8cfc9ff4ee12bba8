package org.portolan.ascend.emulator;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The emulated `libascendcl`, and kernels compiled for it. Everything is built once per user and content: the library
/// takes some ten seconds of processor time the first time, a kernel's source a tenth of one.
///
/// Which chip a device is, whether accesses are followed and which calls fail is asked of the library itself: see
/// `portolan_emulator_soc`, `portolan_emulator_checks` and `portolan_emulator_fault`, or the environment variables
/// `PORTOLAN_ASCEND_SOC`, `PORTOLAN_ASCEND_CHECKS` and `PORTOLAN_ASCEND_FAULT`.
public final class AscendEmulator {
    private static Build build;

    private AscendEmulator() {}

    /// Why the emulator cannot be used here; empty if it can. Nothing is built.
    public static Optional<String> missing() {
        try {
            return Build.missing();
        } catch (NoClassDefFoundError absent) {
            return Optional.of("the emulator is compiled where it is used, and the compiler's modules are absent ("
                    + absent.getMessage() + "): add portolan-codegen-llvm and LLVM's native files");
        }
    }

    /// The emulated library, built if it is not there. It has the C interface of `libascendcl.so`, and exports
    /// `portolan_emulator_version` besides.
    ///
    /// @throws EmulatorException if it cannot be built
    public static Path library() {
        return build().library();
    }

    /// Compiles one source, which may hold several kernels, to a binary for `aclrtBinaryLoadFromFile`.
    ///
    /// @param source Ascend C; `kernel_operator.h` is the only header there is
    /// @param architecture the chip: 2201, 2002 or 3510
    /// @throws EmulatorException with the compiler's words if it refuses the source
    public static Path compile(String source, int architecture) {
        return build().kernel(source.getBytes(StandardCharsets.UTF_8), architecture);
    }

    /// The numbers that [#compile] takes.
    public static List<Integer> architectures() {
        return List.of(2201, 2002, 3510);
    }

    private static synchronized Build build() {
        if (build == null) {
            missing().ifPresent(reason -> {
                throw new EmulatorException(reason);
            });
            build = Build.open();
        }
        return build;
    }
}
