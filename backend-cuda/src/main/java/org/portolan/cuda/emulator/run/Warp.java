package org.portolan.cuda.emulator.run;

import java.util.Arrays;

/// The 32 lanes that execute one instruction at a time: their registers, which of them take part, and where the others
/// wait. Lanes that went different ways meet again where their branch's immediate post-dominator says.
final class Warp {
    static final int LANES = 32;
    private static final int MOST_LEVELS = 1024;
    /// Turns of lanes in different places until those that wait for others go on without them.
    private static final int TURNS_APART = 8;

    final Block block;
    final int index;
    /// The number of lane 0 within the block.
    final int firstThread;
    /// A slot is where lane 0 of a register lies.
    final int[] words;
    final long[] longs;
    /// A bit for each lane.
    final int[] predicates;
    /// The lanes' own memory, one lane after the other, and which bytes of it are written.
    final byte[] local;
    final boolean[] localWritten;
    /// How often the warp's lanes have met at a {@code bar.warp.sync}, where nobody keeps clocks.
    int synchronisations;
    /// How often lanes have met at a {@code bar.warp.sync} in this block.
    int meetings;
    /// The carry of each lane.
    int carries;
    final AsyncCopies copies = new AsyncCopies();
    final BulkStores stores = new BulkStores();

    int counter;
    int mask;
    State state = State.DONE;
    /// Instructions until other warps get their turn.
    int fuel;

    /// Registers of each thread, as the warp has set them; 0: it has not.
    int registers;
    /// Whether the warp has asked in vain for what it waits for, where, for what, and at which place in shared memory.
    boolean stalled;
    int waitsAt;
    String waitsFor = "";
    int waitsPlace;
    /// The barrier that the warp is at, and how many threads meet there; -1: all of the block.
    int barrierNumber;
    int barrierThreads;
    /// Products under way; null in kernels without {@code wgmma}.
    final MatrixFlights flights;

    private int meeting;
    private int levels;
    private final int[] levelCounter = new int[MOST_LEVELS];
    private final int[] levelMeeting = new int[MOST_LEVELS];
    private final int[] levelMask = new int[MOST_LEVELS];
    /// Whether the lanes of a level wait at an instruction for others of the warp.
    private final boolean[] levelWaits = new boolean[MOST_LEVELS];
    /// Turns since the lanes went different ways, or since some went on without others.
    private int turnsApart;

    /// What a warp waits for.
    enum State {
        RUNNING,
        BARRIER,
        DONE
    }

    Warp(Block block, int index) {
        var program = block.launch.program();
        this.block = block;
        this.index = index;
        firstThread = index * LANES;
        words = new int[program.words() * LANES];
        longs = new long[program.longs() * LANES];
        predicates = new int[program.predicates()];
        local = new byte[program.localBytes() * LANES];
        localWritten = new boolean[block.launch.checked() ? local.length : 0];
        flights = program.products() ? new MatrixFlights() : null;
        program.constants().fill(this);
        program.specials().forEach(special -> special.fillFixed(this));
    }

    /// A new block begins.
    ///
    /// @param lanes that exist
    void begin(int lanes) {
        counter = 0;
        mask = lanes;
        meeting = Program.NOWHERE;
        levels = 0;
        turnsApart = 0;
        synchronisations = 0;
        meetings = 0;
        registers = 0;
        copies.clear();
        stores.clear();
        if (flights != null) {
            flights.begin();
        }
        if (localWritten.length > 0) {
            Arrays.fill(localWritten, false);
        }
        state = State.RUNNING;
        block.launch.program().specials().forEach(special -> special.fillBlock(this));
    }

    /// What the warp asks for is not there yet: others get their turn at the next branch.
    void stall(int place, String what) {
        stalled = true;
        waitsAt = counter;
        waitsFor = what;
        waitsPlace = place;
        fuel = 0;
    }

    void setPredicate(int slot, int result, int lanes) {
        predicates[slot] = predicates[slot] & ~lanes | result & lanes;
    }

    /// Lanes that have not left, also those that wait where they will meet the running ones.
    int living() {
        int lanes = mask;
        for (int level = 0; level < levels; level++) {
            lanes |= levelMask[level];
        }
        return lanes;
    }

    /// Runs until a barrier, the end, or the end of its turn.
    void run() {
        var code = block.launch.program().code();
        var counts = block.counts;
        while (true) {
            if (counter == meeting) {
                pop();
                continue;
            }
            var instruction = code[counter];
            int lanes = mask;
            if (instruction.guard >= 0) {
                int guard = predicates[instruction.guard];
                lanes &= instruction.negated ? ~guard : guard;
            }
            int others = 0;
            if (instruction.together && lanes != 0 && instruction.missing(this, lanes) != 0) {
                others = comers(instruction);
                lanes |= others;
                if (instruction.missing(this, lanes) != 0 && rotate(true)) {
                    continue;
                }
            }
            counts[counter]++;
            if (instruction.watched != null && lanes != 0) {
                flights.touch(this, instruction.watched);
            }
            switch (instruction.flow()) {
                case NEXT -> {
                    if (lanes != 0) {
                        instruction.run(this, lanes);
                        goOn(others);
                    }
                    counter++;
                }
                case GATHER -> {
                    if (lanes != 0 && !instruction.ready(this)) {
                        counts[counter]--;
                        return;
                    }
                    if (lanes != 0) {
                        instruction.run(this, lanes);
                        goOn(others);
                        block.moves++;
                    }
                    counter++;
                }
                case BRANCH -> {
                    branch((Branch) instruction, lanes);
                    if (--fuel < 0) {
                        return;
                    }
                }
                case SWITCH -> branch((Switch) instruction, lanes);
                case EXIT -> {
                    if (!exit(lanes)) {
                        return;
                    }
                }
                case BARRIER -> {
                    if (lanes != 0) {
                        instruction.run(this, lanes);
                        goOn(others);
                        state = State.BARRIER;
                        counter++;
                        return;
                    }
                    counter++;
                }
            }
        }
    }

    /// A turn of the warp has ended. Every lane goes on some time, whatever others do: those that went another way have the
    /// next turn; and now and then those that wait for the running ones where they would meet go on without them, as
    /// they may have to do what these wait for.
    void endTurn() {
        if (levels == 0) {
            turnsApart = 0;
            return;
        }
        if (++turnsApart == TURNS_APART) {
            turnsApart = 0;
            if (part()) {
                return;
            }
        }
        rotate(false);
    }

    /// Whether lanes are in different places.
    boolean isApart() {
        return levels > 0;
    }

    /// Lets the lanes of the oldest level run, and the running ones wait on top. A level can run if none of its lanes are in
    /// one above it.
    ///
    /// @param waits whether the running lanes wait for others of the warp
    /// @return false if there are no others that can run
    private boolean rotate(boolean waits) {
        int oldest = -1;
        int above = mask;
        for (int level = levels - 1; level >= 0; level--) {
            if ((levelMask[level] & above) == 0 && !levelWaits[level]) {
                oldest = level;
            }
            above |= levelMask[level];
        }
        if (oldest < 0) {
            return false;
        }
        int where = levelCounter[oldest];
        int until = levelMeeting[oldest];
        int lanes = levelMask[oldest];
        int moved = levels - oldest - 1;
        System.arraycopy(levelCounter, oldest + 1, levelCounter, oldest, moved);
        System.arraycopy(levelMeeting, oldest + 1, levelMeeting, oldest, moved);
        System.arraycopy(levelMask, oldest + 1, levelMask, oldest, moved);
        System.arraycopy(levelWaits, oldest + 1, levelWaits, oldest, moved);
        levels--;
        runInstead(where, until, lanes, waits);
        return true;
    }

    private void runInstead(int where, int until, int lanes, boolean waits) {
        if (levels == MOST_LEVELS) {
            throw tooManyPlaces();
        }
        levelCounter[levels] = counter;
        levelMeeting[levels] = meeting;
        levelMask[levels] = mask;
        levelWaits[levels++] = waits;
        counter = where;
        meeting = until;
        mask = lanes;
    }

    /// Lanes that wait where they would meet others go on without them; says whether there are any.
    private boolean part() {
        int above = mask;
        for (int level = levels - 1; level >= 0; level--) {
            int arrived = levelMask[level] & ~above;
            above |= levelMask[level];
            if (arrived != 0 && arrived != levelMask[level]) {
                levelMask[level] &= ~arrived;
                runInstead(levelCounter[level], levelMeeting[level], arrived, false);
                return true;
            }
        }
        return false;
    }

    /// Lanes elsewhere in the warp that are at the same instruction as the running ones.
    private int comers(Instruction instruction) {
        int lanes = 0;
        int above = mask;
        for (int level = levels - 1; level >= 0; level--) {
            if ((levelMask[level] & above) == 0 && levelCounter[level] == counter) {
                lanes |= levelMask[level];
            }
            above |= levelMask[level];
        }
        if (instruction.guard >= 0) {
            lanes &= instruction.negated ? ~predicates[instruction.guard] : predicates[instruction.guard];
        }
        return lanes;
    }

    /// Lanes elsewhere in the warp have executed the instruction together with the running ones.
    private void goOn(int lanes) {
        int above = mask;
        for (int level = levels - 1; lanes != 0 && level >= 0; level--) {
            if ((levelMask[level] & above) == 0 && levelCounter[level] == counter) {
                levelCounter[level]++;
                levelWaits[level] = false;
            }
            above |= levelMask[level];
        }
    }

    private void branch(Branch branch, int taken) {
        if (taken == mask) {
            counter = branch.to;
        } else if (taken == 0) {
            counter++;
        } else {
            int others = mask & ~taken;
            split(branch.meeting);
            push(counter + 1, branch.meeting, others);
            push(branch.to, branch.meeting, taken);
            pop();
        }
    }

    private void branch(Switch branch, int lanes) {
        int others = mask & ~lanes;
        int next = counter + 1;
        split(branch.meeting);
        if (others != 0) {
            push(next, branch.meeting, others);
        }
        for (int left = lanes; left != 0; ) {
            int choice = branch.choice(this, Integer.numberOfTrailingZeros(left));
            int same = 0;
            for (int rest = left; rest != 0; rest &= rest - 1) {
                int lane = Integer.numberOfTrailingZeros(rest);
                if (branch.choice(this, lane) == choice) {
                    same |= 1 << lane;
                }
            }
            push(choice, branch.meeting, same);
            left &= ~same;
        }
        pop();
    }

    /// The running lanes go different ways: together they wait at the meeting point, unless they do so already.
    private void split(int where) {
        if (meeting != where) {
            push(where, meeting, mask);
        }
    }

    private void push(int where, int until, int lanes) {
        if (where == until && where != Program.NOWHERE) {
            return;
        }
        if (where == Program.NOWHERE) {
            return;
        }
        if (levels == MOST_LEVELS) {
            throw tooManyPlaces();
        }
        levelCounter[levels] = where;
        levelMeeting[levels] = until;
        levelWaits[levels] = false;
        levelMask[levels++] = lanes;
    }

    private static Fault tooManyPlaces() {
        return new Fault(-1, "lanes of the warp are in more than " + MOST_LEVELS + " different places");
    }

    /// Goes on with the lanes that wait on top.
    private void pop() {
        levels--;
        counter = levelCounter[levels];
        meeting = levelMeeting[levels];
        mask = levelMask[levels];
    }

    /// Some lanes leave; says whether others are left to run.
    private boolean exit(int lanes) {
        int kept = 0;
        for (int level = 0; level < levels; level++) {
            int rest = levelMask[level] & ~lanes;
            if (rest != 0) {
                levelCounter[kept] = levelCounter[level];
                levelMeeting[kept] = levelMeeting[level];
                levelWaits[kept] = false;
                levelMask[kept++] = rest;
            }
        }
        levels = kept;
        mask &= ~lanes;
        if (mask != 0) {
            counter++;
            return true;
        }
        if (levels == 0) {
            stores.requireNone();
            state = State.DONE;
            return false;
        }
        pop();
        return true;
    }
}
