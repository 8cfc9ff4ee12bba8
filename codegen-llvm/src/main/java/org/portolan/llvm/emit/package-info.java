/// `tile` kernels to LLVM IR text: one exhaustive switch for each dialect, one file for each idea. Nothing here calls
/// LLVM, and nothing schedules: what the tile code says is what is written.
package org.portolan.llvm.emit;
