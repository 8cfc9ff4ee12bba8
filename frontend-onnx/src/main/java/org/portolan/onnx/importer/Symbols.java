package org.portolan.onnx.importer;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
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

    private static final String BOUND = "bound_";

    private final Map<String, SymbolRange> ranges = new LinkedHashMap<>();
    private final Set<String> names = new HashSet<>();
    private final Map<String, Dim> proven;
    private boolean learned;

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
        return fresh(BOUND + "0");
    }

    /// Whether a symbol stands for data, so that it may be negative.
    static boolean isBound(String name) {
        return name.startsWith(BOUND);
    }

    private String fresh(String hint) {
        var base = hint.isEmpty() || !Character.isLetter(hint.charAt(0)) ? "d" + hint : hint;
        var name = base.startsWith(BOUND) ? BOUND + names.size() : base;
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
        if (isInput(left) && (right.isConstant() || isInput(right))) {
            proven.put(left.symbolName().orElseThrow(), right);
        } else if (isInput(right) && left.isConstant()) {
            proven.put(right.symbolName().orElseThrow(), left);
        } else {
            return false;
        }
        learned = true;
        return true;
    }

    private boolean isInput(Dim dim) {
        return dim.symbolName().filter(ranges::containsKey).isPresent();
    }

    /// Whether another attempt would know more.
    boolean learned() {
        return learned;
    }

    private Dim settled(Dim dim) {
        var current = dim;
        var seen = new HashMap<Dim, Boolean>();
        while (current.symbolName().isPresent() && seen.put(current, true) == null) {
            var next = proven.get(current.symbolName().get());
            if (next == null) {
                return current;
            }
            current = next;
        }
        return current;
    }
}
