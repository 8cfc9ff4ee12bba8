package org.portolan.llvm.emit;

/// A kernel for a machine whose lanes are threads, and how it is launched.
///
/// @param text a module of LLVM IR with the kernel alone
/// @param threads in a block
/// @param blocks whether a block runs one point of the grid; else a thread does
/// @param sharedBytes that a launch must ask for
public record ThreadKernel(String text, int threads, boolean blocks, long sharedBytes) {}
