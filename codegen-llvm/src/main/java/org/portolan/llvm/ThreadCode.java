package org.portolan.llvm;

import java.util.List;
import org.portolan.llvm.emit.TensorBox;

/// A kernel for a machine whose lanes are threads, compiled.
///
/// @param name of the kernel, and of the entry in the assembly
/// @param threads in a block
/// @param blocks whether a block runs one point of the grid; else a thread does
/// @param sharedBytes that a launch must ask for, besides what the assembly declares
/// @param boxes what a launch describes for the copy engine, in the order of the entry's first parameters
/// @param assembly the module's text, with one entry
public record ThreadCode(
        String name, int threads, boolean blocks, long sharedBytes, List<TensorBox> boxes, String assembly) {}
