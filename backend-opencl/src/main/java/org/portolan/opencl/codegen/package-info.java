/// The compile-time half of OpenCL: machine files, the words of OpenCL C, the code generator. Not in here: loading and
/// running.
package org.portolan.opencl.codegen;
