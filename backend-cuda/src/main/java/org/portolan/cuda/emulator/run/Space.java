package org.portolan.cuda.emulator.run;

/// The memories that an instruction can name. Constants lie in global memory here.
public enum Space {
    GLOBAL(0),
    SHARED(0x1_0000_0000L),
    LOCAL(0x2_0000_0000L),
    PARAM(0x3_0000_0000L),
    /// One of the others, by the address.
    GENERIC(0);

    private static final long WINDOW_BYTES = 0x1_0000_0000L;

    private final long window;

    Space(long window) {
        this.window = window;
    }

    /// Where the memory begins among generic addresses; 0: generic addresses are its own.
    public long window() {
        return window;
    }

    /// Whether a generic address lies in it.
    public boolean holds(long address) {
        return of(address) == this;
    }

    /// The memory that a generic address is in.
    static Space of(long address) {
        if (address >= SHARED.window && address < PARAM.window + WINDOW_BYTES) {
            return address < LOCAL.window ? SHARED : address < PARAM.window ? LOCAL : PARAM;
        }
        return GLOBAL;
    }
}
