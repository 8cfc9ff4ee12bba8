package org.portolan.runtime.plan;

import java.util.regex.Pattern;

/// A symbol of the plan and the values it may take, both ends included. A symbol is bound by an axis of an input, by
/// {@link Step.ReadSymbols} or by {@link Step.Loop}; a value outside of the bounds fails the run.
public record SymbolBound(String name, long minimum, long maximum) {
    private static final Pattern NAME = Pattern.compile("[\\p{L}_$.][\\p{L}\\p{Nd}_$.]*");

    public SymbolBound {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("'" + name
                    + "' cannot name a symbol; letters, digits, '_', '$' and '.' can, and a digit is not the first");
        }
        if (minimum > maximum) {
            throw new IllegalArgumentException("symbol " + name + ": the bounds " + minimum + ".." + maximum
                    + " are empty; the smaller one comes first");
        }
    }
}
