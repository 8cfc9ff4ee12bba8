package org.portolan.lowering.c;

import java.util.Optional;

/// What happens where a run fails.
final class Failures {
    private final Builder builder;
    private final Code code;
    private final Optional<NearWriter> near;
    private final boolean waits;
    /// Whether this thread has not failed; there where others wait for it at a barrier, so that it cannot just end.
    private Optional<Term> alive = Optional.empty();
    private int failures;

    /// @param near present where vectors live in memory
    /// @param waits whether the kernel has barriers
    Failures(Builder builder, Optional<NearWriter> near, boolean waits) {
        this.builder = builder;
        this.code = builder.code;
        this.near = near;
        this.waits = waits;
    }

    /// The condition on which this thread still accesses memory; empty where it always does.
    Optional<Term> alive() {
        return alive;
    }

    /// The first failure of a run is kept; this thread then ends, or accesses nothing any more where others wait for it.
    void fail(Term condition, long failure) {
        failures++;
        var head = alive.map(term -> builder.and(term, condition)).orElse(condition);
        code.open("if (" + head.bare() + ")");
        code.line(builder.words.recordError(failure, failures));
        if (waits) {
            code.line("alive = false;");
        } else if (near.isPresent()) {
            near.get().afterFailure();
        } else {
            code.line("return;");
        }
        code.close();
        if (waits) {
            alive = Optional.of(Term.of(CType.TRUTH, "alive"));
        }
    }
}
