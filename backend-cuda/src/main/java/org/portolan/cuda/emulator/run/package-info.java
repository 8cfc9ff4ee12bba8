/// Executes decoded kernels: a warp's 32 lanes at a time, with the checks that hardware does not make. No PTX text and
/// no ANTLR here.
package org.portolan.cuda.emulator.run;
