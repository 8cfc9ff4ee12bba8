package org.portolan.llvm;

/// What LLVM is to make code for.
///
/// @param triple such as `x86_64-unknown-linux-gnu`, `aarch64-unknown-linux-gnu`, `nvptx64-nvidia-cuda`
/// @param cpu LLVM's name for the processor, such as `znver5`, `x86-64-v3`, `cortex-a76`, `sm_90`
/// @param features on top of those of the processor: `+avx512f,-avx512fp16`; empty for none
public record LlvmTarget(String triple, String cpu, String features) {
    /// The processor of this machine, with exactly the features that it reports.
    public static LlvmTarget host() {
        return LlvmCompiler.host();
    }
}
