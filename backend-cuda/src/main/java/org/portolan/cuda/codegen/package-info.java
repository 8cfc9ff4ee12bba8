/// The compile-time half of NVIDIA GPUs: machine files and the code generator. Not in here: loading and running.
package org.portolan.cuda.codegen;
