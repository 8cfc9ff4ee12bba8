package org.portolan.llvm.emit;

import java.util.List;

/// A kernel for a machine whose lanes are threads, and how it is launched.
///
/// @param text a module of LLVM IR with the kernel alone
/// @param threads in a block
/// @param blocks whether a block runs one point of the grid; else a thread does
/// @param sharedBytes that a launch must ask for
/// @param boxes what a launch describes for the copy engine, in the order of the entry's first parameters
public record ThreadKernel(String text, int threads, boolean blocks, long sharedBytes, List<TensorBox> boxes) {}
