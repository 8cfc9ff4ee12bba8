package org.portolan.llvm.emit;

import java.util.List;
import org.portolan.ir.Type;

/// A ring on a processor that copies by itself: plain buffers one behind the other, and counters in memory, which LLVM turns
/// into registers.
///
/// @param slots points to the first slot
/// @param slotElements from one slot to the next
/// @param filled points to the number of the slot that is handed over next
/// @param read points to the number of the slot that is handed back next
/// @param waits how a thread knows that a slot's copies are complete
record RingPlace(Type.Ring type, Operand slots, long slotElements, Operand filled, Operand read, Waits waits) {

    sealed interface Waits {}

    /// A copy is done at once.
    record Never() implements Waits {}

    /// @param groups for each slot points to the number of the group of copies that filled it
    record Numbered(List<Operand> groups) implements Waits {}

    /// The rings are published in turns.
    ///
    /// @param rings how many there are
    /// @param place which of them this is
    /// @param pending points to the number of slots that are published and not consumed
    record InTurns(int rings, int place, Operand pending) implements Waits {}

    /// The slots say by themselves how far they are; rings that go together do so with the same objects and counters.
    ///
    /// @param objects of the rings that go together
    /// @param first whether a turn begins with this ring
    /// @param last whether it ends with it
    record Signals(SlotSignals objects, boolean first, boolean last) implements Waits {}
}
