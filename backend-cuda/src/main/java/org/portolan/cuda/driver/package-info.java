/// NVIDIA GPUs at run time: the vendor's driver by {@code java.lang.foreign}, without any other library of the vendor's.
/// Not in here: anything that makes kernels; this package works without the compiler.
package org.portolan.cuda.driver;
