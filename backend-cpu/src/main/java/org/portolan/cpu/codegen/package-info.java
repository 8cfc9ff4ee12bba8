/// The compile-time half of the host processor: machine files and the code generator. Not in here: loading and running.
package org.portolan.cpu.codegen;
