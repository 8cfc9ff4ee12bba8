package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.portolan.lowering.Machines;

/// Random nests as kernels for every chip that a machine file describes, present or not: the tile interpreter gives the
/// bits of the nest interpreter.
class InterpretedKernelTest {

    @Test
    void kernelsComputeWhatTheirNestsSay() {
        var chips = new ArrayList<>(Machines.of("cpu"));
        assertFalse(chips.isEmpty(), "no machine files");
        int count = Integer.getInteger("portolan.nests", 60);
        long first = Long.getLong("portolan.seed", 1);
        for (long seed = first; seed < first + count; seed++) {
            var nest = new RandomNest(seed);
            var chip = chips.get((int) (seed % chips.size()));
            try {
                new KernelCheck(chip).check(nest.text, nest.shapes, nest.symbols, seed, 0);
            } catch (RuntimeException | Error failure) {
                throw new AssertionError(
                        "seed " + seed + " for " + chip.name() + ": " + failure.getMessage() + "\n" + nest.text, failure);
            }
        }
    }
}
