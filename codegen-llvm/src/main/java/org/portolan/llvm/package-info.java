/// Tile kernels to LLVM IR text to objects, and the tools out of the LLVM jar.
package org.portolan.llvm;
