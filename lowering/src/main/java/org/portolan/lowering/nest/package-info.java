/// From operations on tensors to nests: says every operation as one nest, and puts nests into their readers. Not in
/// here: loops, memory and everything else that depends on a machine.
package org.portolan.lowering.nest;
