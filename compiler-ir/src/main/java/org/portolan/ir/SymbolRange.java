package org.portolan.ir;

/// A symbol and the numbers it may stand for, both ends included: {@code batch:1..64}.
public record SymbolRange(String name, long minimum, long maximum) {
    public SymbolRange {
        IrException.check(minimum <= maximum, "symbol " + name + " has the empty range " + minimum + ".." + maximum);
    }

    @Override
    public String toString() {
        return name + ":" + minimum + ".." + maximum;
    }
}
