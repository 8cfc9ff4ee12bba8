package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.ir.pass.Pass;
import org.portolan.lowering.CompileException;

/// Says every operation on tensors as a {@code nest.compute}, views included: a view is a nest whose body is one
/// read. Functions, constants, control flow, symbols and calls stay as they are.
public record GraphToNest() implements Pass {

    @Override
    public List<Op> run(List<Op> module) {
        return module.stream()
                .map(op -> op instanceof GraphOp.Function function ? lower(function) : op)
                .toList();
    }

    private static GraphOp.Function lower(GraphOp.Function function) {
        var body = lower(FunctionSymbols.of(function), function.body());
        return new GraphOp.Function(function.name(), function.symbols(), body);
    }

    private static List<Op> lower(FunctionSymbols symbols, List<Op> ops) {
        var lowered = new ArrayList<Op>(ops.size());
        for (var op : ops) {
            switch (op) {
                case GraphOp graph -> lower(symbols, graph, lowered);
                case NestOp _, TileOp _, ArithOp _, PlanOp _, MachineOp _ -> lowered.add(op);
            }
        }
        return lowered;
    }

    private static Body lower(FunctionSymbols symbols, Body body) {
        return new Body(body.params(), lower(symbols, body.ops()));
    }

    private static void lower(FunctionSymbols symbols, GraphOp op, List<Op> into) {
        var nest = new NestBuilder(symbols);
        switch (op) {
            case GraphOp.Function function ->
                throw new CompileException("a function within a function: " + function.name());
            case GraphOp.If choice ->
                into.add(new GraphOp.If(
                        choice.condition(),
                        lower(symbols, choice.yes()),
                        lower(symbols, choice.no()),
                        choice.results()));
            case GraphOp.Loop loop ->
                into.add(new GraphOp.Loop(
                        loop.tripCount(),
                        loop.condition(),
                        loop.initial(),
                        loop.trips(),
                        lower(symbols, loop.body()),
                        loop.results()));
            case GraphOp.Return _,
                    GraphOp.Yield _,
                    GraphOp.Constant _,
                    GraphOp.Empty _,
                    GraphOp.Dims _,
                    GraphOp.Bind _,
                    GraphOp.Check _ -> into.add(op);
            case GraphOp.Call _ -> into.add(op);
            case GraphOp.Map map -> into.add(ViewNests.map(nest, map));
            case GraphOp.Iota iota -> into.add(ViewNests.iota(nest, iota));
            case GraphOp.Reshape reshape -> into.add(ViewNests.reshape(nest, reshape));
            case GraphOp.Transpose transpose -> into.add(ViewNests.transpose(nest, transpose));
            case GraphOp.Broadcast broadcast -> into.add(ViewNests.broadcast(nest, broadcast));
            case GraphOp.Slice slice -> into.add(ViewNests.slice(nest, slice));
            case GraphOp.Concat concat -> into.add(ViewNests.concat(nest, concat));
            case GraphOp.Pad pad -> into.add(ViewNests.pad(nest, pad));
            case GraphOp.Gather gather -> into.add(IndexingNests.gather(nest, gather));
            case GraphOp.GatherElements gather -> into.add(IndexingNests.gatherElements(nest, gather));
            case GraphOp.GatherNd gather -> into.add(IndexingNests.gatherNd(nest, gather));
            case GraphOp.ScatterElements scatter -> into.add(IndexingNests.scatterElements(nest, scatter));
            case GraphOp.ScatterNd scatter -> into.add(IndexingNests.scatterNd(nest, scatter));
            case GraphOp.MatMul matMul -> into.add(ContractionNests.matMul(nest, matMul));
            case GraphOp.Convolution convolution -> into.add(ContractionNests.convolution(nest, convolution));
            case GraphOp.ConvolutionTranspose convolution ->
                into.add(ContractionNests.convolutionTranspose(nest, convolution));
            case GraphOp.Pool pool -> into.add(WindowNests.pool(nest, pool));
            case GraphOp.PoolPosition pool -> into.add(WindowNests.poolPosition(nest, pool));
            case GraphOp.Reduce reduce -> into.add(ReductionNests.reduce(nest, reduce));
            case GraphOp.ArgReduce reduce -> into.add(ReductionNests.argReduce(nest, reduce));
            case GraphOp.Scan scan -> into.add(ReductionNests.scan(nest, scan));
        }
    }
}
