package org.portolan.cuda.emulator.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// What a warp's share of a warpgroup has under way: products whose end it has not waited for, the registers and the
/// shared memory that they use, and which registers were used since its last {@code wgmma.fence}.
final class MatrixFlights {
    static final int WARPS_OF_GROUP = 4;

    private final List<Flight> flights = new ArrayList<>();
    /// Registers that other instructions have used since the last fence.
    private final BitSet unfenced = new BitSet();
    /// Everything that the warp's instructions for the warpgroup were, to compare with those of the other warps.
    private final List<Issued> issued = new ArrayList<>();
    private boolean fenced;
    private int committed;

    /// A product.
    private static final class Flight {
        /// Its place among the instructions of the warpgroup; the same for all of its warps.
        private final int number;
        private final int line;
        private final int[] sums;
        private final int[] factors;
        private final int columns;
        private int group = -1;
        /// Places of 16 bytes in shared memory that it reads.
        private int[] places = new int[64];
        private int count;
        private boolean hasRead;

        Flight(int number, int line, int[] sums, int[] factors, int columns) {
            this.number = number;
            this.line = line;
            this.sums = sums;
            this.factors = factors;
            this.columns = columns;
        }
    }

    /// An instruction of the warpgroup, with what all its warps must agree on.
    private record Issued(int counter, long left, long right) {}

    void begin() {
        flights.clear();
        unfenced.clear();
        issued.clear();
        fenced = false;
        committed = 0;
    }

    /// An ordinary instruction uses registers that products use too.
    void touch(Warp warp, int... slots) {
        for (int slot : slots) {
            unfenced.set(slot);
        }
        for (var flight : flights) {
            for (int slot : slots) {
                if (contains(flight.sums, slot)) {
                    throw new Fault(-1, "uses a register of the sums of the product in line " + flight.line
                            + ", whose end the warp has not waited for (wgmma.wait_group)");
                }
                if (contains(flight.factors, slot)) {
                    throw new Fault(-1, "uses a register of the left operand of the product in line " + flight.line
                            + ", whose end the warp has not waited for (wgmma.wait_group)");
                }
            }
        }
    }

    private static boolean contains(int[] slots, int slot) {
        for (int other : slots) {
            if (other == slot) {
                return true;
            }
        }
        return false;
    }

    /// {@code wgmma.fence}.
    void fence() {
        unfenced.clear();
        fenced = true;
    }

    /// A product begins.
    ///
    /// @param factors registers of the left operand; empty: it is in shared memory
    void begin(Warp warp, int line, int[] sums, int[] factors, int columns, long left, long right) {
        agree(warp, left, right);
        if (!fenced) {
            throw new Fault(-1, "a product without a wgmma.fence before it");
        }
        for (int slot : sums) {
            requireFenced(slot, "sums");
        }
        for (int slot : factors) {
            requireFenced(slot, "left operand");
        }
        for (var flight : flights) {
            requireApart(flight, sums, factors, columns);
        }
        flights.add(new Flight(issued.size(), line, sums, factors, columns));
    }

    private void requireFenced(int slot, String what) {
        if (unfenced.get(slot)) {
            throw new Fault(-1, "a register of the " + what
                    + " was used by another instruction, and no wgmma.fence stands between");
        }
    }

    private static void requireApart(Flight flight, int[] sums, int[] factors, int columns) {
        boolean same = Arrays.equals(flight.sums, sums) && flight.columns == columns;
        for (int slot : sums) {
            if (!same && contains(flight.sums, slot) || contains(flight.factors, slot)) {
                throw new Fault(-1, "a register of the sums is used in another way by the product in line " + flight.line
                        + ", which is under way (wgmma.wait_group)");
            }
        }
        for (int slot : factors) {
            if (contains(flight.sums, slot)) {
                throw new Fault(-1, "a register of the left operand is one of the sums of the product in line "
                        + flight.line + ", which is under way (wgmma.wait_group)");
            }
        }
    }

    /// The four warps of a warpgroup must execute the same instructions on the same operands.
    void agree(Warp warp, long left, long right) {
        var mine = new Issued(warp.counter, left, right);
        int first = warp.index / WARPS_OF_GROUP * WARPS_OF_GROUP;
        for (int other = first; other < first + WARPS_OF_GROUP; other++) {
            var others = warp.block.warp(other).flights.issued;
            if (other != warp.index && others.size() > issued.size()) {
                var theirs = others.get(issued.size());
                if (!theirs.equals(mine)) {
                    var code = warp.block.launch.program().code();
                    throw new Fault(-1, "the warps of a warpgroup must execute the same wgmma instructions with the same"
                            + " operands; warp " + other + " has "
                            + (theirs.counter == mine.counter
                                    ? "another descriptor"
                                    : "that of line " + code[theirs.counter].line)
                            + " in its place");
                }
            }
        }
        issued.add(mine);
    }

    /// The warp leaves; the others of its warpgroup may have executed no more than it has.
    static void compare(Block block, int warps) {
        for (int first = 0; first < warps; first += WARPS_OF_GROUP) {
            for (int other = first; other < Math.min(first + WARPS_OF_GROUP, warps); other++) {
                var fewer = block.warp(other).flights.issued;
                var more = block.warp(first).flights.issued;
                if (fewer.size() > more.size()) {
                    var swap = fewer;
                    fewer = more;
                    more = swap;
                }
                if (fewer.size() != more.size()) {
                    var code = block.launch.program().code();
                    throw new Fault(-1, "the warps of a warpgroup must execute the same wgmma instructions; warps " + first
                            + " and " + other + " differ: only one of them executed that of line "
                            + code[more.get(fewer.size()).counter].line);
                }
            }
        }
    }

    /// The product begun last reads 16 bytes of shared memory.
    void reads(Warp warp, int place) {
        var clocks = warp.block.clocks;
        if (clocks == null) {
            return;
        }
        clocks.beginRead(place, 2 * Long.BYTES, warp, 0);
        var flight = flights.getLast();
        if (flight.count == flight.places.length) {
            flight.places = Arrays.copyOf(flight.places, 2 * flight.count);
        }
        flight.places[flight.count++] = place;
    }

    /// {@code wgmma.commit_group}.
    void commit() {
        for (var flight : flights) {
            if (flight.group < 0) {
                flight.group = committed;
            }
        }
        committed++;
    }

    /// Whether all warps of the warpgroup have executed what this one has: its products end only when all have begun.
    boolean complete(Warp warp) {
        int first = warp.index / WARPS_OF_GROUP * WARPS_OF_GROUP;
        for (int other = first; other < first + WARPS_OF_GROUP; other++) {
            if (warp.block.warp(other).flights.issued.size() < issued.size()) {
                return false;
            }
        }
        return true;
    }

    /// {@code wgmma.wait_group}: all but the youngest groups have ended, for this warp's registers. Of shared memory they
    /// have ended for all, since a product is one of the whole warpgroup.
    void await(Warp warp, int groups) {
        var clocks = warp.block.clocks;
        int group = warp.index / WARPS_OF_GROUP;
        flights.removeIf(flight -> {
            boolean ended = flight.group >= 0 && flight.group < committed - groups;
            if (ended && clocks != null) {
                clocks.hearOfProduct(warp.index, group, flight.number);
                for (int other = 0; other < WARPS_OF_GROUP; other++) {
                    warp.block.warp(group * WARPS_OF_GROUP + other).flights.endReads(clocks, group, flight.number);
                }
            }
            return ended;
        });
    }

    private void endReads(ClockAccounts clocks, int group, int number) {
        for (var flight : flights) {
            if (flight.number == number && !flight.hasRead) {
                flight.hasRead = true;
                for (int index = 0; index < flight.count; index++) {
                    clocks.endRead(flight.places[index], 2 * Long.BYTES, group, number);
                }
            }
        }
    }
}
