package org.portolan.runtime;

import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.plan.Step.Relation;
import org.portolan.runtime.type.ElementType;

/// A step of a loaded plan. Expressions and symbols are numbers; If and Loop have become jumps to the index of another
/// instruction.
sealed interface Instruction {

    /// @param number counts the launches; picks the grid in a {@link Binding}
    /// @param kernelNumber what the kernel calls itself in an {@linkplain org.portolan.runtime.device.KernelError error}
    /// @param writes indices of those slots that the kernel may change
    record Launch(
            int number,
            Kernel kernel,
            int kernelNumber,
            int device,
            int[] slots,
            int[] extents,
            int[] grid,
            int cost,
            int[] writes,
            String origin)
            implements Instruction {}

    record Copy(int from, int fromOffset, int to, int toOffset, int bytes) implements Instruction {}

    record ReadSymbols(int slot, ElementType type, int[] symbols) implements Instruction {}

    record WriteDims(int slot, ElementType type, int[] values) implements Instruction {}

    record Check(int left, Relation relation, int right, String message) implements Instruction {}

    /// Goes to {@code otherwise} unless the bool in the slot is true.
    record Branch(int condition, int otherwise) implements Instruction {}

    record Jump(int to) implements Instruction {}

    /// Begins a loop: its count is 0, and its limit is evaluated.
    ///
    /// @param limit an expression, or -1
    record LoopEnter(int loop, int limit) implements Instruction {}

    /// Before each round: binds {@code iteration} and goes on, or binds {@code trips} and goes to {@code exit}.
    ///
    /// @param condition a slot, or -1
    record LoopTest(int loop, int condition, int iteration, int trips, int exit) implements Instruction {}

    record LoopNext(int loop, int test) implements Instruction {}
}
