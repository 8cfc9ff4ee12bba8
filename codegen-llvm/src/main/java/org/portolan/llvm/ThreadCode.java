package org.portolan.llvm;

import java.util.List;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A kernel for a machine whose lanes are threads, compiled.
///
/// @param name of the kernel, and of the entry in the assembly
/// @param threads in a block
/// @param blocks whether a block runs one point of the grid; else a thread does
/// @param sharedBytes that a launch must ask for, besides what the assembly declares
/// @param boxes what a launch describes for the copy engine, in the order of the entry's first parameters
/// @param assembly the module's text, with one entry
public record ThreadCode(
        String name, int threads, boolean blocks, long sharedBytes, List<Box> boxes, String assembly) {

    /// What a launch describes of a buffer: how it lies in memory and which boxes of it are copied.
    ///
    /// @param parameter number of the buffer among the kernel's parameters
    /// @param element of whole bytes
    /// @param sizes elements of each dimension, the innermost first; expressions over the kernel's symbols
    /// @param box elements of each dimension that one copy moves
    /// @param swizzle bytes of a row in shared memory whose pieces of 16 are exchanged: 128, 64 or 32; 16 where none are
    public record Box(int parameter, ElementType element, List<Dim> sizes, List<Long> box, int swizzle) {}
}
