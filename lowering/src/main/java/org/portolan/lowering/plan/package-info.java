/// The host side of a compiled model: kernels and their launches, memory, weights. Not in here: what happens inside of a
/// kernel.
package org.portolan.lowering.plan;
