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

    /// The slots say by themselves how far they are.
    ///
    /// @param barriers address of the barrier objects in shared memory: those that say full, then those that say empty
    /// @param filledRound points to whether the slots before the next to fill were filled an odd number of times
    /// @param consumed points to the number of the slot that is read next; `read` is the one that is released next
    /// @param consumedRound the same as `filledRound` for it
    record Signals(Operand barriers, Operand filledRound, Operand consumed, Operand consumedRound) implements Waits {}
}
