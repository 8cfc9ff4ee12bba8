/// The emulator: builds the emulated `libascendcl` and the kernels that it loads, with the clang that LLVM's jar
/// carries, and keeps them in the user's cache. What the emulator does is C++ beside this package's resources; not in
/// here: anything that talks to a device, emulated or real (that is the driver, which cannot tell the two apart but by
/// the name of the library).
package org.portolan.ascend.emulator;
