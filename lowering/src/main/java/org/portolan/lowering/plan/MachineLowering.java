package org.portolan.lowering.plan;

import java.util.function.Predicate;
import org.portolan.ir.NestOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.LoweredKernel;
import org.portolan.lowering.tile.NestToTile;

/// Kernels of one machine, as its numbers and a tuning log say.
record MachineLowering(NestToTile nests) implements NestLowering {
    @Override
    public LoweredKernel lower(NestOp.Compute nest, String kernelName, Predicate<Value> isConstant) {
        return nests.lower(nest, kernelName, isConstant);
    }

    @Override
    public LoweredKernel pack(Value tensor, Type.Buffer type, Value result, String kernelName) {
        return nests.pack(tensor, type, result, kernelName);
    }

    @Override
    public LoweredKernel library(LoweredKernel kernel) {
        return nests.library(kernel);
    }
}
