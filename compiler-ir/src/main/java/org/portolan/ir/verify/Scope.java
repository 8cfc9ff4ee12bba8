package org.portolan.ir.verify;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.portolan.ir.Op;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// What is visible in a body: the values and the symbols that are defined in it so far, and those of the bodies around.
final class Scope {
    private final Scope around;
    private final Set<Value> values = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<String> symbols = new TreeSet<>();

    Scope(Scope around) {
        this.around = around;
    }

    void define(Value value) {
        values.add(value);
    }

    void defineSymbol(String name) {
        symbols.add(name);
    }

    boolean sees(Value value) {
        for (var scope = this; scope != null; scope = scope.around) {
            if (scope.values.contains(value)) {
                return true;
            }
        }
        return false;
    }

    boolean seesSymbol(String name) {
        for (var scope = this; scope != null; scope = scope.around) {
            if (scope.symbols.contains(name)) {
                return true;
            }
        }
        return false;
    }

    /// Every symbol must be declared, every {@code $i} one of the operands.
    void checkSymbols(Dim dim, int operands, Op op) {
        for (var name : dim.symbols()) {
            boolean known = name.startsWith("$") ? isOperand(name, operands) : seesSymbol(name);
            if (!known) {
                throw new VerifierException(
                        "the symbol " + name + " in " + dim + " is not declared; declared are " + allSymbols(), op);
            }
        }
    }

    private static boolean isOperand(String name, int operands) {
        try {
            int index = Integer.parseInt(name.substring(1));
            return index >= 0 && index < operands;
        } catch (NumberFormatException _) {
            return false;
        }
    }

    private List<String> allSymbols() {
        var all = new TreeSet<String>();
        for (var scope = this; scope != null; scope = scope.around) {
            all.addAll(scope.symbols);
        }
        return new ArrayList<>(all);
    }
}
