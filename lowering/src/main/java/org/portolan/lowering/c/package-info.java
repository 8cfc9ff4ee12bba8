/// Kernels as text of a language of the C family. One emitter says every operation of `tile` and `arith`; what differs
/// from language to language is a table of {@link org.portolan.lowering.c.Words words}. Not in here: any one language.
package org.portolan.lowering.c;
