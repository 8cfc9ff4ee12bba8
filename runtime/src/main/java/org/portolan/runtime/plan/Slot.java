package org.portolan.runtime.plan;

import org.portolan.runtime.type.Dim;

/// A place for data. Its number is its index in {@link Plan#slots()}; a kernel gets the address.
public sealed interface Slot {

    /// The memory of an input, in place where it is aligned to 64 bytes.
    ///
    /// @param port index in {@link Plan#inputs()}
    record Input(int port) implements Slot {}

    /// The memory of an output; allocated at binding, or at its first use where its size is not known earlier.
    ///
    /// @param port index in {@link Plan#outputs()}
    record Output(int port) implements Slot {}

    /// Constant data of the program file; read only.
    ///
    /// @param entry name of the archive entry
    /// @param offset bytes from the start of the entry
    record Weight(String entry, long offset, long bytes) implements Slot {}

    /// A range of the arena. Ranges may overlap where the lifetimes do not. Both expressions hold only symbols that
    /// inputs bind.
    ///
    /// @param offset bytes from the start of the arena; 64-byte aligned
    record Temporary(Dim offset, Dim bytes) implements Slot {}

    /// A temporary whose size is known only once the run has read or counted something. It has memory of its own,
    /// which grows to {@code bytes} when a launch uses it, and to the end of what is copied into it; growing keeps
    /// the contents. The sum over all late slots is limited.
    record Late(Dim bytes) implements Slot {}
}
