package org.portolan.lowering.nest;

import java.util.List;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.ir.pass.Pass;
import org.portolan.lowering.Targets;
import org.portolan.lowering.tile.FactorTypes;

/// Says sums of products of quantised numbers in the element types that instructions of the machine take. Models subtract a
/// zero point from bytes and multiply the differences as 32-bit integers:
///
/// - {@code sum (x - p) * w = sum x * w - p * sum w}, where the last sum is computed now if `w` is known, else by a nest of its
///   own, and the same for the zero point of `w`;
/// - bytes of the other sign are moved by 128, which is one more zero point;
/// - what is known becomes as narrow as its elements allow.
///
/// Where factors are integers times a scale that is the same for all that is summed, the integers are multiplied and the sum is
/// scaled, if it fits in 32 bits: one rounding instead of one for each term.
///
/// The rest holds for integers that wrap around, so that results stay the same to the last bit.
///
/// @param machine a target or a machine's name
public record IntegerProducts(String machine) implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        var types = FactorTypes.of(Targets.named(machine).machine());
        return types.isEmpty()
                ? module
                : module.stream()
                        .map(op -> op instanceof GraphOp.Function function ? run(function, types) : op)
                        .toList();
    }

    private static GraphOp.Function run(GraphOp.Function function, List<FactorTypes> types) {
        var body = new NarrowFactors(types, FunctionSymbols.of(function)).run(function.body());
        return new GraphOp.Function(function.name(), function.symbols(), body);
    }
}
