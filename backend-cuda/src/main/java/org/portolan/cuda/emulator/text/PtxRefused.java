package org.portolan.cuda.emulator.text;

/// PTX that the emulator does not take: the message says where, what, and what is supported instead.
public final class PtxRefused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int line;

    /// @param line counted from 1
    /// @param what was found and what is supported
    public PtxRefused(int line, String what) {
        super("PTX line " + line + ": " + what);
        this.line = line;
    }

    public int line() {
        return line;
    }
}
