package org.portolan.cuda.emulator.run;

/// What a check of the emulator found. Inside it names the lane; outside, where the kernel, the instruction and the
/// thread are known, the message names them too.
public final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int lane;

    /// @param lane of the warp that is running; -1: none in particular
    public Fault(int lane, String message) {
        super(message, null, false, false);
        this.lane = lane;
    }

    int lane() {
        return lane;
    }
}
