package org.portolan.cuda.emulator.run;

import java.util.Arrays;

/// A register that says which thread this is.
///
/// @param slot of a 32-bit register
public record SpecialRegister(Kind kind, int slot) {
    /// The special registers that do not change while a block runs.
    public enum Kind {
        TID_X,
        TID_Y,
        TID_Z,
        NTID_X,
        NTID_Y,
        NTID_Z,
        CTAID_X,
        CTAID_Y,
        CTAID_Z,
        NCTAID_X,
        NCTAID_Y,
        NCTAID_Z,
        LANEID,
        WARPID,
        NWARPID,
        SMID,
        NSMID,
        LANEMASK_EQ,
        LANEMASK_LE,
        LANEMASK_LT,
        LANEMASK_GE,
        LANEMASK_GT,
        TOTAL_SMEM_SIZE,
        DYNAMIC_SMEM_SIZE
    }

    private boolean ofBlock() {
        return kind == Kind.CTAID_X || kind == Kind.CTAID_Y || kind == Kind.CTAID_Z;
    }

    /// Sets what stays the same for all blocks of a launch.
    void fillFixed(Warp warp) {
        if (ofBlock()) {
            return;
        }
        for (int lane = 0; lane < Warp.LANES; lane++) {
            warp.words[slot + lane] = value(warp, lane);
        }
    }

    /// Sets what differs from block to block.
    void fillBlock(Warp warp) {
        if (ofBlock()) {
            Arrays.fill(warp.words, slot, slot + Warp.LANES, value(warp, 0));
        }
    }

    private int value(Warp warp, int lane) {
        var launch = warp.block.launch;
        var block = launch.block();
        var grid = launch.grid();
        int thread = warp.firstThread + lane;
        return switch (kind) {
            case TID_X -> thread % block.x();
            case TID_Y -> thread / block.x() % block.y();
            case TID_Z -> thread / (block.x() * block.y());
            case NTID_X -> block.x();
            case NTID_Y -> block.y();
            case NTID_Z -> block.z();
            case CTAID_X -> warp.block.x;
            case CTAID_Y -> warp.block.y;
            case CTAID_Z -> warp.block.z;
            case NCTAID_X -> grid.x();
            case NCTAID_Y -> grid.y();
            case NCTAID_Z -> grid.z();
            case LANEID -> lane;
            case WARPID -> warp.index;
            case NWARPID -> (block.count() + Warp.LANES - 1) / Warp.LANES;
            case SMID -> 0;
            case NSMID -> 1;
            case LANEMASK_EQ -> 1 << lane;
            case LANEMASK_LE -> (2 << lane) - 1;
            case LANEMASK_LT -> (1 << lane) - 1;
            case LANEMASK_GE -> -1 << lane;
            case LANEMASK_GT -> -2 << lane;
            case TOTAL_SMEM_SIZE -> launch.program().staticSharedBytes() + launch.dynamicShared();
            case DYNAMIC_SMEM_SIZE -> launch.dynamicShared();
        };
    }
}
