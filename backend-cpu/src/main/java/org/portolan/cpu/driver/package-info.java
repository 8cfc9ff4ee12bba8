/// The host processor at run time: loads kernels that are in shared objects without any dependency, and runs them on
/// the threads of a worker pool. Not in here: anything that makes kernels; this package works without the compiler.
package org.portolan.cpu.driver;
