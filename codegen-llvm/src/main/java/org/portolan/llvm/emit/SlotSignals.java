package org.portolan.llvm.emit;

/// By what the slots of rings that go together say how far they are: two barrier objects for each slot, and counters in memory, which
/// LLVM turns into registers.
///
/// @param barriers address of the barrier objects in shared memory: those that say full, then those that say empty
/// @param depth how many slots there are
/// @param bytes that come to one slot of all of the rings
/// @param filled where the copies are
/// @param consumed where the readers are
/// @param released points to the number of the slot that is handed back next
record SlotSignals(Operand barriers, long depth, long bytes, Turn filled, Turn consumed, Operand released) {

    /// @param slot points to the number of the next slot
    /// @param round points to whether it was the next an odd number of times before
    record Turn(Operand slot, Operand round) {}
}
