package org.portolan.cuda.emulator.run;

import java.util.function.IntBinaryOperator;

/// Logic on predicates, all lanes at once.
public final class PredicateLogic extends Instruction {
    private final IntBinaryOperator function;
    private final int to;
    private final int a;
    private final boolean notA;
    private final int b;
    private final boolean notB;

    /// @param function of words with one bit for each lane
    public PredicateLogic(IntBinaryOperator function, int to, int a, boolean notA, int b, boolean notB) {
        this.function = function;
        this.to = to;
        this.a = a;
        this.notA = notA;
        this.b = b;
        this.notB = notB;
    }

    @Override
    void run(Warp warp, int mask) {
        int left = notA ? ~warp.predicates[a] : warp.predicates[a];
        int right = notB ? ~warp.predicates[b] : warp.predicates[b];
        warp.setPredicate(to, function.applyAsInt(left, right), mask);
    }
}
