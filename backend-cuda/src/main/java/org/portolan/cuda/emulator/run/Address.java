package org.portolan.cuda.emulator.run;

/// The address operand of an instruction.
///
/// @param wide whether the register has 64 bits
/// @param slot of the register
/// @param offset added to it
public record Address(boolean wide, int slot, long offset) {
    private static final long UNSIGNED = 0xFFFF_FFFFL;

    void resolve(Warp warp, int mask, long[] into) {
        if (wide) {
            var longs = warp.longs;
            for (int lane = 0; lane < Warp.LANES; lane++) {
                into[lane] = longs[slot + lane] + offset;
            }
        } else {
            var words = warp.words;
            for (int lane = 0; lane < Warp.LANES; lane++) {
                into[lane] = (words[slot + lane] + offset) & UNSIGNED;
            }
        }
    }
}
