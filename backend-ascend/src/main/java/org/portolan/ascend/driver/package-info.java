/// The run-time half: AscendCL by `java.lang.foreign`. Not in here: anything that makes kernels; this package works
/// without the compiler.
package org.portolan.ascend.driver;
