package org.portolan.cuda.emulator.run;

/// {@code setmaxnreg}: a warp gives registers back to its block, or takes some and waits until there are enough.
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
    boolean isTogether() {
        return true;
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

    @Override
    Flow flow() {
        return Flow.GATHER;
    }

    @Override
    boolean ready(Warp warp) {
        var block = warp.block;
        int warps = (block.launch.threads() + Warp.LANES - 1) / Warp.LANES;
        int before = atLaunch(block.launch);
        int all = count;
        for (int index = 0; index < warps; index++) {
            int registers = block.warp(index).registers;
            all += index == warp.index ? 0 : registers == 0 ? before : registers;
        }
        boolean enough = !more || all <= before * warps;
        if (!enough) {
            warp.stall(-1, count + " registers for each of its threads; with those the warps of the block would have "
                    + all * Warp.LANES + " in all, and it has " + before * warps * Warp.LANES);
        }
        return enough;
    }
}
