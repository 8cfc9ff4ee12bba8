package org.portolan.cuda.emulator.run;

/// Goes somewhere else.
public final class Branch extends Instruction {
    final int to;
    final int meeting;

    /// @param to number of the next instruction
    /// @param meeting where lanes that go and lanes that stay meet again; {@link Program#NOWHERE}: they don't
    public Branch(int to, int meeting) {
        this.to = to;
        this.meeting = meeting;
    }

    @Override
    Flow flow() {
        return Flow.BRANCH;
    }

    @Override
    void run(Warp warp, int mask) {}
}
