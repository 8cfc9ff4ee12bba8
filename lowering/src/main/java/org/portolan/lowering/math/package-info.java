/// Elementary functions said in basic arithmetic: polynomials and integer tricks over scalars and vectors, without
/// tables in memory, branches or libraries, so that every target computes the same. Coefficients are minimax fits of
/// our own (Remez exchange, relative error). Not in here: square roots, which are instructions.
package org.portolan.lowering.math;
