/// OpenCL at run time, by the installable client driver loader of the system: devices, memory, queues, and programs built
/// from source or from the binaries of a cache. Not in here: anything that makes kernels; this package works without the
/// compiler.
package org.portolan.opencl.driver;
