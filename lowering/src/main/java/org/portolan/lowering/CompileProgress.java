package org.portolan.lowering;

/// Told how far a compilation has come; from the compiling thread.
@FunctionalInterface
public interface CompileProgress {
    CompileProgress SILENT = (_, _, _) -> {};

    /// A stage begins.
    ///
    /// @param stage what is being done, for people, for example {@code kernels for cpu}
    /// @param done stages that are complete
    /// @param stages all of them
    void begin(String stage, int done, int stages);
}
