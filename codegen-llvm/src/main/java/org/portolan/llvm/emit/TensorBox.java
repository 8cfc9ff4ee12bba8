package org.portolan.llvm.emit;

import java.util.List;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// How a parameter of a kernel lies in memory and which boxes of it are copied: what a launch describes once, for a copy engine. The
/// entry takes 128 bytes for each, in order, before everything else.
///
/// @param parameter number of the buffer among the kernel's parameters
/// @param element of whole bytes
/// @param sizes elements of each dimension, the innermost first; expressions over the kernel's symbols
/// @param box elements of each dimension that one copy moves
/// @param swizzle bytes of a row in shared memory whose pieces of 16 are exchanged: 128, 64 or 32; 16 where none are
public record TensorBox(int parameter, ElementType element, List<Dim> sizes, List<Long> box, int swizzle) {
    public TensorBox {
        sizes = List.copyOf(sizes);
        box = List.copyOf(box);
    }
}
