package org.portolan.llvm;

/// How LLVM is to compile.
///
/// @param pipeline LLVM's textual pass pipeline, such as `default<O2>`; empty for none
/// @param codegenLevel 0 to 3, for instruction selection, scheduling and register allocation
/// @param vectorize whether loops and straight lines that are still scalar may become vector code; kernels say their
///     own vectors, so this seldom gains and costs compile time
/// @param unroll whether LLVM may unroll loops on its own account
public record LlvmOptions(String pipeline, int codegenLevel, boolean vectorize, boolean unroll) {
    /// What kernels are compiled with. They come with their vectors, unrolling and inlining done: what is left for
    /// LLVM is to share expressions, to move what does not change out of loops, and to clean up. Against
    /// `default<O2>` this saves a third of the time and gives code of the same speed.
    public static final LlvmOptions KERNELS = new LlvmOptions(
            "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,loop-mssa(loop-rotate,licm),gvn,"
                    + "instcombine<no-verify-fixpoint>,simplifycfg)",
            3,
            false,
            false);

    /// What kernels are compiled with whose lanes are threads: first of all, pointers learn which memory they point to.
    public static final LlvmOptions THREADS = new LlvmOptions(
            "function(infer-address-spaces)," + KERNELS.pipeline(),
            KERNELS.codegenLevel(),
            KERNELS.vectorize(),
            KERNELS.unroll());
}
