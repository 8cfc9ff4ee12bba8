/// The text form of the intermediate representation: one grammar for all dialects, machine files, kernels and
/// pipelines, a printer and a reader. Both are driven by the records of the operations and know none of them.
package org.portolan.ir.text;
