package org.portolan.cuda.emulator.run;

/// A comparison whose result is joined with another predicate, or also wanted the other way round.
public final class SetPredicate extends Instruction {
    private final Instruction compare;
    private final int direct;
    private final String connective;
    private final int joined;
    private final boolean notJoined;
    private final int to;
    private final int other;

    /// @param compare sets {@code direct}
    /// @param connective and, or, xor; empty: nothing is joined
    /// @param other slot of the result for the opposite comparison; -1: nobody wants it
    public SetPredicate(
            Instruction compare, int direct, String connective, int joined, boolean notJoined, int to, int other) {
        this.compare = compare;
        this.direct = direct;
        this.connective = connective;
        this.joined = joined;
        this.notJoined = notJoined;
        this.to = to;
        this.other = other;
    }

    @Override
    void run(Warp warp, int mask) {
        int operand = notJoined ? ~warp.predicates[joined] : warp.predicates[joined];
        compare.run(warp, mask);
        int answer = warp.predicates[direct];
        warp.setPredicate(to, join(answer, operand), mask);
        if (other >= 0) {
            warp.setPredicate(other, join(~answer, operand), mask);
        }
    }

    private int join(int answer, int operand) {
        return switch (connective) {
            case "and" -> answer & operand;
            case "or" -> answer | operand;
            case "xor" -> answer ^ operand;
            default -> answer;
        };
    }

    /// Two instructions one after the other that count as one.
    public static final class Both extends Instruction {
        private final Instruction first;
        private final Instruction second;

        public Both(Instruction first, Instruction second) {
            this.first = first;
            this.second = second;
        }

        @Override
        void run(Warp warp, int mask) {
            first.run(warp, mask);
            second.run(warp, mask);
        }
    }
}
