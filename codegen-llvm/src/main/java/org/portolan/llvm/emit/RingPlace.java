package org.portolan.llvm.emit;

import java.util.List;
import org.portolan.ir.Type;

/// A ring on a processor that copies by itself: plain buffers one behind the other, and two counters in memory, which
/// LLVM turns into registers.
///
/// @param slots points to the first slot
/// @param slotElements from one slot to the next
/// @param filled points to the number of slots handed over so far
/// @param groups points to the number of the group of copies that filled each slot; none where a copy is done at once
/// @param read points to the number of slots handed back so far
record RingPlace(Type.Ring type, Operand slots, long slotElements, Operand filled, Operand read, List<Operand> groups) {}
