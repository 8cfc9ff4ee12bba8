package org.portolan.llvm.emit;

/// What a target's instructions can do that the text must know, because LLVM would otherwise call a function that a
/// kernel does not have.
///
/// @param fma32 whether `llvm.fma` on `float` is an instruction
/// @param fma64 whether `llvm.fma` on `double` is an instruction
/// @param half whether `half` is converted to and from `float` by instructions
/// @param rounding whether `floor`, `ceil`, `trunc` and `roundeven` are instructions
public record Traits(boolean fma32, boolean fma64, boolean half, boolean rounding) {}
