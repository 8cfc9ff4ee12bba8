package org.portolan.lowering.c;

import org.portolan.ir.Type;

/// Where a buffer value lies.
///
/// @param type extents and layout
/// @param pointer the name of a pointer to the first byte
/// @param offset elements from there to the buffer's first; other than 0 only for elements of less than a byte
/// @param shared whether it belongs to a block of threads
/// @param constant whether the kernel only reads it
record Place(Type.Buffer type, String pointer, Term offset, boolean shared, boolean constant) {}
