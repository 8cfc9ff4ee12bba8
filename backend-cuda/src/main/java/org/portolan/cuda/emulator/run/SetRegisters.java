package org.portolan.cuda.emulator.run;

/// {@code setmaxnreg}: a warp gives registers back to its block, or takes some. Whether there are enough is found out at the
/// block's end: who takes waits until others have given.
public final class SetRegisters extends Instruction {
    private static final int FILE = 65_536;
    private static final int UNIT = 8;
    private static final int MOST = 255;

    private final int count;
    private final boolean more;

    /// @param count of registers of each thread
    /// @param more whether the warp takes some, and does not give any back
    public SetRegisters(int count, boolean more) {
        this.count = count;
        this.more = more;
    }

    @Override
    void run(Warp warp, int mask) {
        Matrices.requireAll(warp, mask);
        int now = warp.registers == 0 ? atLaunch(warp.block.launch) : warp.registers;
        if (more ? count < now : count > now) {
            throw new Fault(-1, (more ? "takes registers up to " : "gives registers back down to ") + count
                    + " for each thread, of which there are " + now);
        }
        warp.registers = count;
    }

    private static int atLaunch(Launch launch) {
        int said = launch.program().bounds().registers();
        return said > 0 ? said : Math.min(MOST, FILE / launch.threads()) / UNIT * UNIT;
    }

    /// Whether the warps of a block that has come to its end had enough registers.
    static void requireEnough(Block block, int warps) {
        var launch = block.launch;
        int all = 0;
        boolean changed = false;
        for (int index = 0; index < warps; index++) {
            int registers = block.warp(index).registers;
            changed |= registers != 0;
            all += (registers == 0 ? atLaunch(launch) : registers) * Warp.LANES;
        }
        int had = atLaunch(launch) * warps * Warp.LANES;
        if (changed && all > had) {
            throw new Fault(-1, "a deadlock: with setmaxnreg the warps of the block ask for " + all
                    + " registers in all, and the block has " + had);
        }
    }
}
