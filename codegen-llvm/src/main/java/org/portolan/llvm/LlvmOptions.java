package org.portolan.llvm;

/// How LLVM is to compile.
///
/// @param pipeline LLVM's textual pass pipeline, such as `default<O2>`; empty for none
/// @param codegenLevel 0 to 3, for instruction selection, scheduling and register allocation
/// @param vectorize whether loops and straight lines that are still scalar may become vector code; kernels say their own
///     vectors, so this seldom gains and costs compile time
/// @param unroll whether LLVM may unroll loops on its own account
public record LlvmOptions(String pipeline, int codegenLevel, boolean vectorize, boolean unroll) {
    /// What kernels are compiled with.
    public static final LlvmOptions KERNELS = new LlvmOptions("default<O2>", 3, false, false);
}
