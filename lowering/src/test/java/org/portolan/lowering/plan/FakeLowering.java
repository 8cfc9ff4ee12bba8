package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.LoweredKernel;
import org.portolan.runtime.type.Dim;

/// Kernels that do nothing: parameters for inputs and results, so that the host side can be looked at by itself.
final class FakeLowering implements NestLowering {
    @Override
    public LoweredKernel lower(NestOp.Compute nest, String name, Predicate<Value> isConstant) {
        var arguments = new ArrayList<>(nest.inputs());
        arguments.removeAll(nest.into());
        arguments.addAll(nest.into().isEmpty() ? nest.results() : nest.into());
        var params = arguments.stream()
                .map(value -> Value.of(BufferTypes.of(value), value.hint()))
                .toList();
        var symbols = new ArrayList<String>();
        nest.axes().forEach(axis -> symbols.addAll(axis.extent().symbols()));
        var kernel = new TileOp.Kernel(
                name, symbols, List.of(Dim.ONE), nest.origin(), new Body(params, List.of()));
        var extents = symbols.stream().map(Dim::symbol).toList();
        return new LoweredKernel(kernel, arguments, extents, List.of(Dim.ONE), Dim.of(5));
    }

    @Override
    public LoweredKernel pack(Value tensor, Type.Buffer type, Value result, String name) {
        throw new IllegalStateException("none of these kernels asks for " + tensor + " in a layout");
    }

    @Override
    public LoweredKernel library(LoweredKernel kernel) {
        return kernel;
    }
}
