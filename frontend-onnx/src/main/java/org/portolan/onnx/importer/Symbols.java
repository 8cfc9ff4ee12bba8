package org.portolan.onnx.importer;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.SymbolRange;
import org.portolan.runtime.type.Dim;

/// The symbols of one function: extents of inputs, which are named as in the model, and numbers that a run binds from
/// data. What operators prove about the extents of inputs is kept for the next attempt at the same model, which then
/// starts with fewer symbols.
final class Symbols {
    /// No axis is longer than this.
    private static final long LONGEST = 1L << 40;

    /// An extent that is left open is at least 1, so that quotients and slices of it settle. Who wants an empty tensor
    /// gives its shape.
    static final long SHORTEST = 1;

    private static final int NO_INPUT = Integer.MAX_VALUE;
    private static final String BOUND = "bound_";
    private static final String SIZE = "size_";

    private final Map<String, SymbolRange> ranges = new LinkedHashMap<>();
    private final Set<String> names = new HashSet<>();
    private final Map<String, Dim> proven;
    private boolean learned;
    private int numbers;

    /// @param proven what earlier attempts found, by symbol name
    Symbols(Map<String, Dim> proven) {
        this.proven = proven;
    }

    /// The extent of an input's axis: a fresh symbol, or what it was proven to be.
    Dim input(String hint) {
        var name = fresh(hint.replaceAll("[^A-Za-z0-9_]", "_"));
        var known = settled(Dim.symbol(name));
        for (var symbol : known.symbols()) {
            ranges.putIfAbsent(symbol, new SymbolRange(symbol, SHORTEST, LONGEST));
        }
        return known;
    }

    /// A number that a run binds.
    String bound() {
        return numbered(BOUND);
    }

    /// A number of at least 0 that a run binds.
    String size() {
        return numbered(SIZE);
    }

    /// Whether a symbol stands for data.
    static boolean isBound(String name) {
        return name.startsWith(BOUND) || name.startsWith(SIZE);
    }

    /// The smallest number that a symbol can stand for.
    static long atLeast(String name) {
        return name.startsWith(BOUND) ? Long.MIN_VALUE : name.startsWith(SIZE) ? 0 : SHORTEST;
    }

    private String fresh(String hint) {
        var base = hint.isEmpty() || !Character.isLetter(hint.charAt(0)) ? "d" + hint : hint;
        return unique(isBound(base) ? "d_" + base : base);
    }

    private String numbered(String prefix) {
        return unique(prefix + ++numbers);
    }

    private String unique(String base) {
        var name = base;
        for (int number = 1; !names.add(name); number++) {
            name = base + "_" + number;
        }
        return name;
    }

    /// The symbols of inputs with their ranges.
    Iterable<SymbolRange> ranges() {
        return ranges.values();
    }

    /// Learns that an input's extent must equal another extent; false if this is not about inputs.
    boolean learn(Dim left, Dim right) {
        var one = settled(left);
        var other = settled(right);
        if (one.equals(other)) {
            return true;
        }
        int first = order(one);
        int second = order(other);
        if (first == NO_INPUT || second == NO_INPUT) {
            return false;
        }
        // The later one vanishes; numbers come before all symbols.
        var goes = first < second ? other : one;
        proven.put(goes.symbolName().orElseThrow(), first < second ? one : other);
        learned = true;
        return true;
    }

    private int order(Dim dim) {
        return dim.isConstant()
                ? -1
                : dim.symbolName()
                        .map(name -> List.copyOf(ranges.keySet()).indexOf(name))
                        .filter(place -> place >= 0)
                        .orElse(NO_INPUT);
    }

    /// Whether another attempt would know more.
    boolean learned() {
        return learned;
    }

    private Dim settled(Dim dim) {
        var current = dim;
        while (true) {
            var next = current.symbolName().map(proven::get);
            if (next.isEmpty()) {
                return current;
            }
            current = next.get();
        }
    }
}
