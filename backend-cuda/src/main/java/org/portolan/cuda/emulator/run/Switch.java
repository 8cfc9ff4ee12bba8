package org.portolan.cuda.emulator.run;

/// Goes to one of several places, by a register.
public final class Switch extends Instruction {
    final int meeting;
    private final int register;
    private final int[] targets;

    /// @param register slot of the choice, counted from 0
    /// @param targets numbers of the next instructions
    /// @param meeting where lanes that go different ways meet again; {@link Program#NOWHERE}: they don't
    public Switch(int register, int[] targets, int meeting) {
        this.register = register;
        this.targets = targets.clone();
        this.meeting = meeting;
    }

    int choice(Warp warp, int lane) {
        int choice = warp.words[register + lane];
        if (choice < 0 || choice >= targets.length) {
            throw new Fault(lane, "brx.idx picks place " + choice + " of " + targets.length);
        }
        return targets[choice];
    }

    @Override
    Flow flow() {
        return Flow.SWITCH;
    }

    @Override
    void run(Warp warp, int mask) {}
}
