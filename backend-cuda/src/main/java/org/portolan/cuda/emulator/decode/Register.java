package org.portolan.cuda.emulator.decode;

/// A register's place in a warp.
///
/// @param slot as instructions take it
/// @param bits of its type
record Register(Kind kind, int slot, int bits) {
    /// Which of a warp's arrays it lies in.
    enum Kind {
        PREDICATE,
        WORD,
        LONG
    }
}
