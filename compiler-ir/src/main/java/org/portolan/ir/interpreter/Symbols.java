package org.portolan.ir.interpreter;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.IrException;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Value;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.Dim;

/// The numbers that symbols stand for during one run.
final class Symbols {
    private final Map<String, Long> values = new HashMap<>();
    private final Map<String, SymbolRange> ranges = new HashMap<>();

    Symbols(List<SymbolRange> ranges) {
        ranges.forEach(range -> this.ranges.put(range.name(), range));
    }

    /// Gives a symbol its number, or another one.
    ///
    /// @throws PortolanException.RunFailed if it lies outside of the symbol's range
    void bind(String name, long value, String what) {
        var range = ranges.get(name);
        if (range != null && (value < range.minimum() || value > range.maximum())) {
            throw new PortolanException.RunFailed(
                    what + " gives symbol " + name + " the number " + value + ", outside of its range "
                            + range.minimum() + ".." + range.maximum(),
                    KernelError.INVALID_SIZE,
                    -1);
        }
        values.put(name, value);
    }

    boolean isBound(String name) {
        return values.containsKey(name);
    }

    /// @throws IrException if a symbol in it is not bound
    /// @throws PortolanException.RunFailed on overflow or division by zero
    long evaluate(Dim dim) {
        try {
            return dim.evaluate(this::get);
        } catch (ArithmeticException e) {
            throw new PortolanException.RunFailed(
                    "the size " + dim + " cannot be computed for " + values + ": " + e.getMessage(),
                    KernelError.INVALID_SIZE,
                    -1);
        }
    }

    long get(String name) {
        var value = values.get(name);
        if (value == null) {
            throw new IrException("symbol " + name + " is used before anything binds it");
        }
        return value;
    }

    long[] evaluate(List<Dim> dims) {
        return dims.stream().mapToLong(this::evaluate).toArray();
    }

    /// The extents of a tensor value.
    long[] shape(Value value) {
        return evaluate(value.tensor().dims());
    }
}
