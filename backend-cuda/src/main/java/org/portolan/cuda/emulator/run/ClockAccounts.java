package org.portolan.cuda.emulator.run;

import java.util.Arrays;
import java.util.List;

/// Accounts of kernels in which some threads wait for some others: at mbarriers, at named barriers, for copies of the
/// copy engine and for products of a warpgroup. Each warp has a clock that goes on whenever it tells others of what it
/// has done, and knows of every other thread up to which time it has been told: what a thread did later than that is not
/// ordered before what the warp does now. The copies that complete at one mbarrier count as a thread of their own, whose
/// clock are the barrier's phases.
///
/// What ordinary instructions wrote, the tensor cores and the copy engine see only after a {@code fence.proxy.async}, of
/// the thread that wrote, before it told, or of the one that was told. An mbarrier may also be made visible to copies by a
/// {@code fence.mbarrier_init}.
final class ClockAccounts extends SharedAccounts {
    /// An account is a clock, flags, and an agent plus one; 0: nobody.
    private static final int CLOCK_SHIFT = 32;
    private static final long ATOMIC = 1L << 31;
    private static final long MBARRIER = 1L << 30;
    /// Written by {@code cp.async}, of whose end an mbarrier tells: for the tensor cores and the copy engine an ordinary write.
    private static final long COPY_OF_THREAD = 1L << 29;
    private static final int AGENT_MASK = 0xFFFF;
    private static final int MOST_MBARRIERS = 256;

    private final int warps;
    private final int groups;
    private final int threads;
    private final int[] clocks;
    /// Of each warp: up to which time it has been told of each agent, and how that was at its last proxy fence.
    private final int[][] known;
    private final int[][] knownAtFence;
    private final FenceCounts proxyFences;
    private final FenceCounts mbarrierFences;
    private final long[] writes;
    /// How many proxy fences the writer had executed when it wrote.
    private final int[] proxyFencesAtWrite;
    /// The same of fences of mbarriers, when the writer initialised one.
    private final int[] mbarrierFencesAtWrite;
    /// Of each granule and warp: the clock and the lanes that read; and behind these of each warpgroup: its last product
    /// that read, the first one counting as 1.
    private final long[] reads;
    /// How many products and copies under way read the granule.
    private final short[] busy;
    private int agents;

    ClockAccounts(List<SharedVariable> variables, int granule, boolean asynchronous, int threads) {
        super(variables, granule, asynchronous);
        warps = (threads + Warp.LANES - 1) / Warp.LANES;
        this.threads = warps * Warp.LANES;
        clocks = new int[warps];
        groups = (warps + MatrixFlights.WARPS_OF_GROUP - 1) / MatrixFlights.WARPS_OF_GROUP;
        known = new int[warps][this.threads + groups + MOST_MBARRIERS];
        knownAtFence = new int[warps][known[0].length];
        proxyFences = new FenceCounts(this.threads);
        mbarrierFences = new FenceCounts(this.threads);
        writes = new long[granules];
        proxyFencesAtWrite = new int[granules];
        mbarrierFencesAtWrite = new int[granules];
        reads = new long[granules * (warps + groups)];
        busy = new short[granules];
    }

    @Override
    void begin() {
        agents = threads + groups;
        Arrays.fill(clocks, 1);
        for (int warp = 0; warp < warps; warp++) {
            Arrays.fill(known[warp], 0);
            Arrays.fill(knownAtFence[warp], 0);
        }
        proxyFences.begin();
        mbarrierFences.begin();
        Arrays.fill(writes, 0);
        Arrays.fill(reads, 0);
        Arrays.fill(busy, (short) 0);
        if (pending != null) {
            Arrays.fill(pending, 0);
        }
    }

    // Who is told of what.

    /// An agent for the copies that complete at a new mbarrier.
    int newAgent(int lane) {
        if (agents == threads + groups + MOST_MBARRIERS) {
            throw new Fault(lane, "a block initialises mbarriers more than " + MOST_MBARRIERS + " times");
        }
        return agents++;
    }

    @Override
    void barrier() {
        var all = new int[known[0].length];
        for (int warp = 0; warp < warps; warp++) {
            tell(warp, -1, all);
        }
        for (int warp = 0; warp < warps; warp++) {
            System.arraycopy(all, 0, known[warp], 0, all.length);
        }
    }

    @Override
    void warpBarrier(Warp warp, int mask) {
        tell(warp.index, mask, known[warp.index]);
    }

    /// Lanes of a warp tell what they have done and what they have been told.
    ///
    /// @param others what is told to others, so far; the rest is added
    void tell(int warp, int mask, int[] others) {
        join(others, known[warp]);
        for (int left = mask; left != 0; left &= left - 1) {
            others[warp * Warp.LANES + Integer.numberOfTrailingZeros(left)] = clocks[warp];
        }
        clocks[warp]++;
    }

    /// A warp is told.
    void hear(int warp, int[] others) {
        join(known[warp], others);
    }

    /// Something to tell others with.
    int[] nothingTold() {
        return new int[known[0].length];
    }

    private static void join(int[] to, int[] from) {
        for (int agent = 0; agent < to.length; agent++) {
            to[agent] = Math.max(to[agent], from[agent]);
        }
    }

    /// Lanes execute {@code fence.proxy.async}.
    void fence(Warp warp, int mask) {
        for (int left = mask; left != 0; left &= left - 1) {
            proxyFences.add(warp.firstThread + Integer.numberOfTrailingZeros(left), clocks[warp.index]);
        }
        System.arraycopy(known[warp.index], 0, knownAtFence[warp.index], 0, known[0].length);
    }

    /// Lanes execute {@code fence.mbarrier_init}.
    void fenceMbarriers(Warp warp, int mask) {
        for (int left = mask; left != 0; left &= left - 1) {
            mbarrierFences.add(warp.firstThread + Integer.numberOfTrailingZeros(left), clocks[warp.index]);
        }
    }

    // Ordinary accesses.

    @Override
    void noteRead(int at, int count, Warp warp, int lane) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            if (pending != null) {
                refuseReadOfPending(granule, at, warp, lane);
            }
            requireOrdered("reads", at, granule, warp, lane);
            addRead(granule, warp.index, 1 << lane);
        }
    }

    private void requireOrdered(String does, int at, int granule, Warp warp, int lane) {
        long write = writes[granule];
        if (write == 0) {
            throw unwritten(does, at, lane);
        }
        requireNoMbarrier(does, write, at, lane);
        if (!ordered(write, warp, lane)) {
            throw unordered(does, at, write, warp, lane);
        }
    }

    private void addRead(int granule, int warp, int mask) {
        int place = granule * (warps + groups) + warp;
        long before = reads[place];
        reads[place] = (long) clocks[warp] << CLOCK_SHIFT
                | mask & 0xFFFF_FFFFL
                | ((int) (before >>> CLOCK_SHIFT) == clocks[warp] ? before & 0xFFFF_FFFFL : 0);
    }

    private boolean ordered(long account, Warp warp, int lane) {
        int agent = ((int) account & AGENT_MASK) - 1;
        return agent == warp.firstThread + lane || known[warp.index][agent] >= (int) (account >>> CLOCK_SHIFT);
    }

    private Fault unordered(String does, int at, long account, Warp warp, int lane) {
        int agent = ((int) account & AGENT_MASK) - 1;
        return agent >= threads
                ? new Fault(lane, does + " " + place(at) + ", to which "
                        + ((account & COPY_OF_THREAD) == 0 ? "the copy engine" : "a cp.async")
                        + " copies; the thread has not waited for that phase of the copy's mbarrier")
                : race(does, at, "thread " + warp.block.threadName(agent), "wrote", lane);
    }

    private void requireNoMbarrier(String does, long account, int at, int lane) {
        if ((account & MBARRIER) != 0) {
            throw new Fault(lane, does + " " + place(at) + ", where an mbarrier is: only mbarrier instructions may");
        }
    }

    @Override
    void noteWrite(int at, int count, Warp warp, int lane, boolean atomic) {
        int thread = warp.firstThread + lane;
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            long write = writes[granule];
            if (pending != null) {
                refuseWriteOfPending(granule, at, warp, lane);
            }
            if (atomic && write == 0) {
                throw unwritten("updates", at, lane);
            }
            requireNoMbarrier("writes", write, at, lane);
            if (write != 0 && !(atomic && (write & ATOMIC) != 0) && !ordered(write, warp, lane)) {
                throw unordered("writes", at, write, warp, lane);
            }
            requireNotRead(granule, at, warp, lane);
            writes[granule] = (long) clocks[warp.index] << CLOCK_SHIFT | (atomic ? ATOMIC : 0) | thread + 1;
            proxyFencesAtWrite[granule] = proxyFences.count(thread);
        }
    }

    /// Nobody may be reading, or have read without the writer's being told.
    private void requireNotRead(int granule, int at, Warp warp, int lane) {
        if (busy[granule] != 0) {
            throw new Fault(lane, "writes " + place(at) + " while an asynchronous product or copy may still read it"
                    + " (wgmma.wait_group, cp.async.bulk.wait_group.read)");
        }
        int thread = warp.firstThread + lane;
        int[] told = known[warp.index];
        int place = granule * (warps + groups);
        for (int other = 0; other < warps; other++) {
            long read = reads[place + other];
            int clock = (int) (read >>> CLOCK_SHIFT);
            if (clock == 0) {
                continue;
            }
            for (int left = (int) read; left != 0; left &= left - 1) {
                int reader = other * Warp.LANES + Integer.numberOfTrailingZeros(left);
                if (reader != thread && told[reader] < clock) {
                    throw race("writes", at, "thread " + warp.block.threadName(reader), "read", lane);
                }
            }
            reads[place + other] = 0;
        }
        for (int group = 0; group < groups; group++) {
            if (reads[place + warps + group] > told[threads + group]) {
                throw race("writes", at, "a product of warpgroup " + group, "read", lane);
            }
            reads[place + warps + group] = 0;
        }
    }

    // Accesses of the tensor cores and the copy engine.

    /// An asynchronous operation that a lane gave begins to read.
    void beginRead(int at, int count, Warp warp, int lane) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            if (pending != null) {
                refuseReadOfPending(granule, at, warp, lane);
            }
            requireOrdered("reads", at, granule, warp, lane);
            requireFence("reads", granule, at, warp, lane);
            busy[granule]++;
        }
    }

    /// The lanes know that it has ended: they have read, so to speak.
    void endRead(int at, int count, Warp warp, int mask) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            busy[granule]--;
            addRead(granule, warp.index, mask);
        }
    }

    /// A product of a warpgroup has ended: it has read.
    ///
    /// @param product its number, the warpgroup's first one counting as 1
    void endRead(int at, int count, int group, int product) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            busy[granule]--;
            int place = granule * (warps + groups) + warps + group;
            reads[place] = Math.max(reads[place], product);
        }
    }

    /// A warp knows that a product of its warpgroup has ended.
    void hearOfProduct(int warp, int group, int product) {
        known[warp][threads + group] = Math.max(known[warp][threads + group], product);
    }

    /// A copy that a lane gave writes; whoever is told of a phase of its mbarrier may look.
    ///
    /// @param agent of the mbarrier
    /// @param phase at whose end it has ended
    void noteAsyncWrite(int at, int count, Warp warp, int lane, int agent, int phase) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            long write = writes[granule];
            if (pending != null) {
                refuseWriteOfPending(granule, at, warp, lane);
            }
            requireNoMbarrier("copies to", write, at, lane);
            if (write != 0 && !ordered(write, warp, lane)) {
                throw unordered("copies to", at, write, warp, lane);
            }
            if (write != 0) {
                requireFence("copies to", granule, at, warp, lane);
            }
            requireNotRead(granule, at, warp, lane);
            writes[granule] = (long) phase << CLOCK_SHIFT | agent + 1;
        }
    }

    /// A lane has arrived at an mbarrier for its copies: whoever is told of a phase of it may look.
    ///
    /// @param agent of the mbarrier
    /// @param phase at whose end they have ended
    void noteArrivingCopy(int at, int count, int agent, int phase) {
        int last = last(at, count);
        for (int granule = first(at); granule <= last; granule++) {
            pending[granule] = 0;
            writes[granule] = (long) phase << CLOCK_SHIFT | COPY_OF_THREAD | agent + 1;
        }
    }

    /// A warp knows that copies which complete at an mbarrier have ended, since it waited for them otherwise.
    void hearOfCopies(int warp, int agent, int phase) {
        known[warp][agent] = Math.max(known[warp][agent], phase);
    }

    private void requireFence(String does, int granule, int at, Warp warp, int lane) {
        if (!fenced(granule, warp, lane)) {
            int agent = ((int) writes[granule] & AGENT_MASK) - 1;
            throw new Fault(lane, does + " " + place(at) + " asynchronously, which "
                    + (agent >= threads ? "a cp.async" : "thread " + warp.block.threadName(agent))
                    + " wrote without a fence.proxy.async after it");
        }
    }

    private boolean fenced(int granule, Warp warp, int lane) {
        long write = writes[granule];
        int agent = ((int) write & AGENT_MASK) - 1;
        if (agent >= threads && (write & COPY_OF_THREAD) == 0) {
            return true;
        }
        return knownAtFence[warp.index][agent] >= (int) (write >>> CLOCK_SHIFT)
                || agent < threads && proxyFences.since(agent, proxyFencesAtWrite[granule], told(agent, warp, lane));
    }

    /// Up to which of its clocks a lane knows of what a thread did.
    private int told(int thread, Warp warp, int lane) {
        return thread == warp.firstThread + lane ? Integer.MAX_VALUE : known[warp.index][thread];
    }

    // Mbarriers.

    /// A lane makes an mbarrier of eight bytes, or makes bytes of it again.
    void noteMbarrier(int at, boolean made, Warp warp, int lane) {
        int last = last(at, Long.BYTES);
        for (int granule = first(at); granule <= last; granule++) {
            writes[granule] &= ~MBARRIER;
        }
        noteWrite(at, Long.BYTES, warp, lane, false);
        for (int granule = first(at); granule <= last; granule++) {
            writes[granule] = made ? writes[granule] | MBARRIER : 0;
            mbarrierFencesAtWrite[granule] = mbarrierFences.count(warp.firstThread + lane);
        }
    }

    /// A lane uses an mbarrier.
    ///
    /// @param asynchronously whether a copy completes at it
    void requireMbarrier(int at, Warp warp, int lane, boolean asynchronously) {
        int granule = first(at);
        if (!ordered(writes[granule], warp, lane)) {
            throw new Fault(lane, "a race: uses the mbarrier at " + at + SharedMemory.name(variables, at) + ", which thread "
                    + warp.block.threadName(((int) writes[granule] & AGENT_MASK) - 1)
                    + " initialised without a barrier between");
        }
        if (asynchronously && !fenced(granule, warp, lane) && !initialisationFenced(granule, warp, lane)) {
            throw new Fault(lane, "copies with the mbarrier at " + at + SharedMemory.name(variables, at)
                    + ", which was initialised without a fence.proxy.async or fence.mbarrier_init after it");
        }
    }

    private boolean initialisationFenced(int granule, Warp warp, int lane) {
        int agent = ((int) writes[granule] & AGENT_MASK) - 1;
        return mbarrierFences.since(agent, mbarrierFencesAtWrite[granule], told(agent, warp, lane));
    }
}
