package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.ArithOp;
import org.portolan.ir.GraphOp;
import org.portolan.ir.IrException;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Executes what an instruction of a machine does, as its body says it: nests over the arguments as tensors. A nest
/// that updates a parameter in place updates the buffer that was given for it.
record TileIntrinsic(MachineOp.Intrinsic intrinsic, Memory memory) {

    /// @param arguments {@link Elements} of scalars, vectors and fragments, or {@link TileBuffer}s
    List<NdArray> run(List<Object> arguments) {
        var params = intrinsic.body().params();
        if (params.size() != arguments.size()) {
            throw new IrException("intrinsic " + intrinsic.name() + " takes " + params.size()
                    + " arguments, and is given " + arguments.size());
        }
        var symbols = new Symbols(List.of());
        var arrays = new IdentityHashMap<Value, NdArray>();
        var buffers = new IdentityHashMap<Value, TileBuffer>();
        for (int i = 0; i < params.size(); i++) {
            arrays.put(params.get(i), array(params.get(i), arguments.get(i), symbols));
            if (arguments.get(i) instanceof TileBuffer buffer) {
                buffers.put(params.get(i), buffer);
            }
        }
        for (var op : intrinsic.body().ops()) {
            switch (op) {
                case NestOp.Compute compute -> compute(compute, arrays, buffers, symbols);
                case MachineOp.Yield yield -> {
                    return get(arrays, yield.values());
                }
                case NestOp _,
                        MachineOp _,
                        GraphOp _,
                        TileOp _,
                        ArithOp _,
                        PlanOp _ ->
                    throw new IrException(
                            OpSchema.of(op).name() + " does not stand in the body of intrinsic " + intrinsic.name());
            }
        }
        return List.of();
    }

    private void compute(
            NestOp.Compute compute,
            Map<Value, NdArray> arrays,
            Map<Value, TileBuffer> buffers,
            Symbols symbols) {
        var results = new NestInterpreter(symbols, memory)
                .run(compute, get(arrays, compute.inputs()), get(arrays, compute.into()));
        for (int i = 0; i < results.size(); i++) {
            arrays.put(compute.results().get(i), results.get(i));
            if (!compute.into().isEmpty()) {
                var buffer = buffers.get(compute.into().get(i));
                if (buffer != null) {
                    buffers.put(compute.results().get(i), buffer);
                    TileAccess.replace(buffer, results.get(i).elements());
                }
            }
        }
    }

    /// An argument as the tensor that its parameter is.
    private NdArray array(Value param, Object argument, Symbols symbols) {
        if (argument instanceof TileBuffer buffer) {
            var contents = TileAccess.contents(buffer, isRead(param));
            for (int axis = 0; axis < contents.rank(); axis++) {
                if (param.tensor().rank() == contents.rank()
                        && param.tensor().dim(axis) instanceof Dim.Symbol(String name)
                        && !symbols.isBound(name)) {
                    symbols.bind(name, contents.shape()[axis], intrinsic.name());
                }
            }
            return fit(param, contents.elements(), symbols);
        }
        return fit(param, (Elements) argument, symbols);
    }

    private NdArray fit(Value param, Elements elements, Symbols symbols) {
        var shape = Strided.ints(symbols.shape(param));
        if (NdArray.product(shape, 0, shape.length) != elements.size() || param.tensor().element() != elements.type()) {
            throw new IrException("intrinsic " + intrinsic.name() + " takes " + param + ", and is given "
                    + elements.size() + " elements of " + elements.type());
        }
        return new NdArray(shape, elements);
    }

    /// Whether the body needs what a buffer holds; one that is only overwritten may be empty.
    private boolean isRead(Value param) {
        for (var op : intrinsic.body().ops()) {
            if (op instanceof NestOp.Compute compute && compute.inputs().contains(param)) {
                return true;
            }
        }
        return false;
    }

    private static List<NdArray> get(Map<Value, NdArray> arrays, List<Value> values) {
        var found = new ArrayList<NdArray>();
        for (var value : values) {
            if (!arrays.containsKey(value)) {
                throw new IrException(value + " is used and not defined before");
            }
            found.add(arrays.get(value));
        }
        return found;
    }
}
