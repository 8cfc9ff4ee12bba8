package org.portolan.ir.interpreter;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.KernelError;

/// The arrays that the values of a function have in one run, and the numbers that its symbols are bound to.
final class GraphArrays {
    private final Lifetimes lifetimes;
    private final Memory memory;
    private final Symbols symbols;
    private final Map<Value, NdArray> arrays = new IdentityHashMap<>();

    GraphArrays(GraphOp.Function function, Lifetimes lifetimes, Memory memory) {
        this.lifetimes = lifetimes;
        this.memory = memory;
        symbols = new Symbols(function.symbols());
    }

    Symbols symbols() {
        return symbols;
    }

    Memory memory() {
        return memory;
    }

    /// Gives back the memory of whatever there still is.
    void clear() {
        arrays.values().forEach(array -> memory.release(array.elements()));
        arrays.clear();
    }

    /// Gives a value that binds symbols, or whose extents may differ from what its type says, its array.
    void define(Value value, NdArray array) {
        for (var definition : lifetimes.definitions(value)) {
            symbols.bind(definition.symbol(), array.shape()[definition.axis()], value.toString());
        }
        if (value.type() instanceof Type.Tensor type) {
            boolean fits = type.element() == array.type() && type.rank() == array.rank();
            for (int axis = 0; fits && axis < array.rank(); axis++) {
                fits = symbols.evaluate(type.dim(axis)) == array.shape()[axis];
            }
            if (!fits) {
                throw new PortolanException.RunFailed(
                        value + " was computed as " + array + (type.rank() == array.rank()
                                ? ", and its type stands for " + Arrays.toString(symbols.shape(value))
                                : ""),
                        KernelError.INVALID_SIZE,
                        -1);
            }
        }
        put(value, array);
    }

    void put(Value value, NdArray array) {
        memory.retain(array.elements());
        var old = arrays.put(value, array);
        if (old != null) {
            memory.release(old.elements());
        }
    }

    NdArray get(Value value) {
        var array = arrays.get(value);
        if (array == null) {
            throw new IrException(value + " is used and not defined before");
        }
        return array;
    }

    List<NdArray> get(List<Value> values) {
        return values.stream().map(this::get).toList();
    }

    void define(List<Value> values, List<NdArray> results) {
        if (values.size() != results.size()) {
            throw new IrException("expected " + values.size() + " results, found " + results.size());
        }
        for (int i = 0; i < values.size(); i++) {
            define(values.get(i), results.get(i));
        }
    }

    NdArray allocate(Value result) {
        var array = memory.allocate(result.tensor().element(), symbols.shape(result), result.toString());
        put(result, array);
        return array;
    }

    void drop(List<Value> values) {
        for (var value : values) {
            var array = arrays.remove(value);
            if (array != null) {
                memory.release(array.elements());
            }
        }
    }

    List<Integer> shape(Value value) {
        return Arrays.stream(get(value).shape()).boxed().toList();
    }

    long extent(Value value, int axis) {
        return symbols.evaluate(value.tensor().dim(axis));
    }
}
