/// Machines whose vectors live in memory: every vector of a kernel gets a buffer in near memory, arithmetic becomes maps
/// over whole buffers, and what depends on what is ordered. Not in here: which lanes to use (the scheduler), and how any
/// chip spells a map.
package org.portolan.lowering.vectors;
