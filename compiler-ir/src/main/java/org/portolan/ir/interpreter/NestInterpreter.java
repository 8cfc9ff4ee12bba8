package org.portolan.ir.interpreter;

import java.util.List;
import org.portolan.ir.NestOp;

final class NestInterpreter {
    NestInterpreter(Symbols symbols, Memory memory) {}

    List<NdArray> run(NestOp.Compute compute, List<NdArray> inputs, List<NdArray> into) {
        throw new org.portolan.ir.IrException("nest.compute");
    }
}
