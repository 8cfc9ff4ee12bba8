package org.portolan.llvm.emit;

import org.portolan.ir.Type;

/// Where a buffer value lies.
///
/// @param type extents and layout
/// @param pointer to the first byte
/// @param offset elements from there to the buffer's first; other than 0 only for packed elements, which have no
///     address
/// @param scope what loads and stores say about aliasing; empty if nothing is known
record BufferPlace(Type.Buffer type, Operand pointer, Operand offset, String scope) {}
