package org.portolan.cuda.emulator.run;

import java.util.Arrays;

/// The 32 lanes that execute one instruction at a time: their registers, which of them take part, and where the others
/// wait. Lanes that went different ways meet again where their branch's immediate post-dominator says.
final class Warp {
    static final int LANES = 32;
    private static final int MOST_LEVELS = 1024;

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
            counts[counter]++;
            if (instruction.watched != null && lanes != 0) {
                flights.touch(this, instruction.watched);
            }
            switch (instruction.flow()) {
                case NEXT -> {
                    if (lanes != 0) {
                        instruction.run(this, lanes);
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
                        state = State.BARRIER;
                        counter++;
                        return;
                    }
                    counter++;
                }
            }
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
            throw new Fault(-1, "lanes of the warp are in more than " + MOST_LEVELS + " different places");
        }
        levelCounter[levels] = where;
        levelMeeting[levels] = until;
        levelMask[levels++] = lanes;
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
