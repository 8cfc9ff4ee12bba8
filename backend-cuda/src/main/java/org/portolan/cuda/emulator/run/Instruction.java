package org.portolan.cuda.emulator.run;

/// A decoded instruction. Registers are named by slots: of 32-bit and 64-bit registers a slot is the place of lane 0 in
/// the warp's array, of predicates the place of a word with one bit for each lane. Constants and special registers have
/// slots of their own, so that every operand is read in the same way.
public abstract class Instruction {
    /// Where it stands in the PTX, counted from 1.
    int line;
    /// Slot of the predicate that lets lanes take part; -1: all do.
    int guard = -1;
    /// Lanes take part where the guard is false.
    boolean negated;
    /// Slots of registers that it reads or writes, and that products of a warpgroup use too; null: there are none.
    int[] watched;
    /// What it is counted as.
    String kind = "";
    /// Whether lanes of the warp execute it together: those that come first wait for the others.
    boolean together;

    /// Says where the instruction stands and which lanes take part.
    ///
    /// @param guard slot of a predicate, -1 for none
    /// @param kind what it is counted as
    public final void place(int line, int guard, boolean negated, String kind) {
        this.line = line;
        this.guard = guard;
        this.negated = negated;
        this.kind = kind;
        together = isTogether();
    }

    /// Says which of its registers are used by products of a warpgroup too.
    public final void watch(int... slots) {
        watched = slots.length == 0 ? null : slots.clone();
    }

    /// Where it stands in the PTX, counted from 1.
    public final int line() {
        return line;
    }

    /// Whether some lanes may not take part.
    public final boolean guarded() {
        return guard >= 0;
    }

    /// Slot of the predicate that lets lanes take part; -1: all do.
    public final int guardSlot() {
        return guard;
    }

    /// What the warp does after it.
    Flow flow() {
        return Flow.NEXT;
    }

    /// Whether it can be executed now; if not, the warp tries again at its next turn. Asked only where the flow is
    /// {@link Flow#GATHER}.
    boolean ready(Warp warp) {
        return true;
    }

    /// Whether lanes of the warp execute it together, wherever they come from.
    boolean isTogether() {
        return false;
    }

    /// Lanes that have not left and that must take part, too. Asked only of what is executed together.
    ///
    /// @param lanes that are there
    int missing(Warp warp, int lanes) {
        return warp.living() & ~lanes;
    }

    /// Does the work of some lanes.
    ///
    /// @param mask the lanes, never 0
    abstract void run(Warp warp, int mask);

    /// How a warp goes on after an instruction.
    enum Flow {
        NEXT,
        BRANCH,
        SWITCH,
        EXIT,
        BARRIER,
        GATHER
    }
}
