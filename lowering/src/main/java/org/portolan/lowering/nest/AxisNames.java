package org.portolan.lowering.nest;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/// Gives axes names that no symbol of the function and no other axis of the nest has: in an index expression both are
/// words.
final class AxisNames {
    private final Set<String> symbols;
    private final Set<String> taken = new HashSet<>();

    AxisNames(Set<String> symbols) {
        this.symbols = symbols;
    }

    /// The wish, with as many underscores and numbers as it takes to be the only one of that name.
    String fresh(String wish) {
        var name = wish;
        for (int number = 1; symbols.contains(name) || !taken.add(name); number++) {
            name = wish + "_" + number;
        }
        return name;
    }

    void take(Collection<String> names) {
        taken.addAll(names);
    }
}
