package org.portolan.cuda.emulator.run;

import java.util.function.IntBinaryOperator;

/// Instructions by which the lanes of a warp learn of each other: shuffles, votes, reductions.
public final class Votes {
    private static final int SEGMENT_SHIFT = 8;
    private static final int LANE_MASK = 31;

    private Votes() {}

    /// Where a shuffle takes a lane's value from.
    public enum ShuffleMode {
        UP,
        DOWN,
        BFLY,
        IDX
    }

    /// What a vote asks.
    public enum VoteMode {
        ALL,
        ANY,
        UNI,
        BALLOT
    }

    /// The lanes of a warp that execute an instruction together must be those that it names.
    static void requireMembers(Warp warp, int mask, int members) {
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            int named = warp.words[members + lane];
            int missing = named & ~mask & (warp.living() | mask);
            if ((named >>> lane & 1) == 0) {
                throw new Fault(lane, "the lane is not in its own member mask 0x" + Integer.toHexString(named));
            }
            if (missing != 0) {
                throw new Fault(
                        lane,
                        "the member mask 0x" + Integer.toHexString(named) + " names lane "
                                + Integer.numberOfTrailingZeros(missing) + ", which went another way");
            }
        }
    }

    /// An instruction whose lanes name those that execute it with them.
    abstract static class Named extends Instruction {
        private final int members;

        /// @param members slot of the mask of lanes that must take part
        Named(int members) {
            this.members = members;
        }

        @Override
        final boolean isTogether() {
            return true;
        }

        @Override
        final int missing(Warp warp, int lanes) {
            int named = 0;
            for (int left = lanes; left != 0; left &= left - 1) {
                named |= warp.words[members + Integer.numberOfTrailingZeros(left)];
            }
            return named & ~lanes & warp.living();
        }

        @Override
        final void run(Warp warp, int mask) {
            requireMembers(warp, mask, members);
            act(warp, mask);
        }

        abstract void act(Warp warp, int mask);
    }

    /// {@code shfl.sync}.
    ///
    /// @param to slot of the result
    /// @param inRange slot of the predicate that says whether the source lane was in range; -1: nobody wants to know
    public static Instruction shuffle(ShuffleMode mode, int to, int inRange, int from, int by, int clamp, int members) {
        return new Shuffle(mode, to, inRange, from, by, clamp, members);
    }

    /// {@code vote.sync}.
    ///
    /// @param to slot of a predicate; with {@link VoteMode#BALLOT} of a 32-bit register
    public static Instruction vote(VoteMode mode, int to, int question, boolean negated, int members) {
        return new Vote(mode, to, question, negated, members);
    }

    /// {@code activemask}.
    public static Instruction activeMask(int to) {
        return new ActiveMask(to);
    }

    /// {@code redux.sync}.
    public static Instruction reduce(IntBinaryOperator function, int to, int from, int members) {
        return new Reduce(function, to, from, members);
    }

    /// {@code match.any.sync} of 32-bit values.
    public static Instruction matchAny(int to, int from, int members) {
        return new MatchAny(to, from, members);
    }

    /// {@code elect.sync}: the lowest lane.
    public static Instruction elect(int to, int chosen, int members) {
        return new Elect(to, chosen, members);
    }

    private static final class Shuffle extends Named {
        private final ShuffleMode mode;
        private final int to;
        private final int inRange;
        private final int from;
        private final int by;
        private final int clamp;

        Shuffle(ShuffleMode mode, int to, int inRange, int from, int by, int clamp, int members) {
            super(members);
            this.mode = mode;
            this.to = to;
            this.inRange = inRange;
            this.from = from;
            this.by = by;
            this.clamp = clamp;
        }

        @Override
        void act(Warp warp, int mask) {
            var words = warp.words;
            var results = new int[Warp.LANES];
            int predicate = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                int distance = words[by + lane] & LANE_MASK;
                int limits = words[clamp + lane];
                int segment = limits >>> SEGMENT_SHIFT & LANE_MASK;
                int end = limits & LANE_MASK;
                int most = lane & segment | end & ~segment;
                int least = lane & segment;
                int source =
                        switch (mode) {
                            case UP -> lane - distance;
                            case DOWN -> lane + distance;
                            case BFLY -> lane ^ distance;
                            case IDX -> least | distance & ~segment;
                        };
                boolean good = mode == ShuffleMode.UP ? source >= most : source <= most;
                source = good ? source : lane;
                predicate |= good ? 1 << lane : 0;
                if ((mask >>> source & 1) == 0) {
                    throw new Fault(lane, "the shuffle takes the value of lane " + source + ", which takes no part");
                }
                results[lane] = words[from + source];
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                words[to + lane] = results[lane];
            }
            if (inRange >= 0) {
                warp.setPredicate(inRange, predicate, mask);
            }
        }
    }

    private static final class Vote extends Named {
        private final VoteMode mode;
        private final int to;
        private final int question;
        private final boolean negated;

        Vote(VoteMode mode, int to, int question, boolean negated, int members) {
            super(members);
            this.mode = mode;
            this.to = to;
            this.question = question;
            this.negated = negated;
        }

        @Override
        void act(Warp warp, int mask) {
            int answers = negated ? ~warp.predicates[question] : warp.predicates[question];
            int yes = answers & mask;
            switch (mode) {
                case ALL -> warp.setPredicate(to, yes == mask ? -1 : 0, mask);
                case ANY -> warp.setPredicate(to, yes != 0 ? -1 : 0, mask);
                case UNI -> warp.setPredicate(to, yes == mask || yes == 0 ? -1 : 0, mask);
                case BALLOT -> {
                    for (int left = mask; left != 0; left &= left - 1) {
                        warp.words[to + Integer.numberOfTrailingZeros(left)] = yes;
                    }
                }
            }
        }
    }

    private static final class ActiveMask extends Instruction {
        private final int to;

        ActiveMask(int to) {
            this.to = to;
        }

        @Override
        void run(Warp warp, int mask) {
            for (int left = mask; left != 0; left &= left - 1) {
                warp.words[to + Integer.numberOfTrailingZeros(left)] = mask;
            }
        }
    }

    private static final class Reduce extends Named {
        private final IntBinaryOperator function;
        private final int to;
        private final int from;

        Reduce(IntBinaryOperator function, int to, int from, int members) {
            super(members);
            this.function = function;
            this.to = to;
            this.from = from;
        }

        @Override
        void act(Warp warp, int mask) {
            int result = warp.words[from + Integer.numberOfTrailingZeros(mask)];
            for (int left = mask & mask - 1; left != 0; left &= left - 1) {
                result = function.applyAsInt(result, warp.words[from + Integer.numberOfTrailingZeros(left)]);
            }
            for (int left = mask; left != 0; left &= left - 1) {
                warp.words[to + Integer.numberOfTrailingZeros(left)] = result;
            }
        }
    }

    private static final class MatchAny extends Named {
        private final int to;
        private final int from;

        MatchAny(int to, int from, int members) {
            super(members);
            this.to = to;
            this.from = from;
        }

        @Override
        void act(Warp warp, int mask) {
            var results = new int[Warp.LANES];
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                for (int others = mask; others != 0; others &= others - 1) {
                    int other = Integer.numberOfTrailingZeros(others);
                    if (warp.words[from + other] == warp.words[from + lane]) {
                        results[lane] |= 1 << other;
                    }
                }
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                warp.words[to + lane] = results[lane];
            }
        }
    }

    private static final class Elect extends Named {
        private final int to;
        private final int chosen;

        Elect(int to, int chosen, int members) {
            super(members);
            this.to = to;
            this.chosen = chosen;
        }

        @Override
        void act(Warp warp, int mask) {
            int leader = Integer.numberOfTrailingZeros(mask);
            for (int left = mask; left != 0 && to >= 0; left &= left - 1) {
                warp.words[to + Integer.numberOfTrailingZeros(left)] = leader;
            }
            warp.setPredicate(chosen, 1 << leader, mask);
        }
    }
}
