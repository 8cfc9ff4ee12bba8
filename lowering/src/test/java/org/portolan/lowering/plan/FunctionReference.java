package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Resource;
import org.portolan.ir.Value;

/// What a function computes in the arithmetic of {@link BlockTags}.
final class FunctionReference {
    private final long n;
    private final Map<Value, List<Long>> values = new IdentityHashMap<>();

    private FunctionReference(long n) {
        this.n = n;
    }

    static List<List<Long>> run(GraphOp.Function function, long n) {
        var reference = new FunctionReference(n);
        for (int i = 0; i < function.body().params().size(); i++) {
            var param = function.body().params().get(i);
            reference.values.put(param, reference.filled(param, 1000 + i));
        }
        return reference.body(function.body());
    }

    private List<Long> filled(Value value, long tag) {
        long bytes = BufferTypes.bytes(BufferTypes.of(value)).evaluate(_ -> n);
        return Collections.nCopies((int) Math.ceilDiv(bytes, 64), tag);
    }

    private List<List<Long>> body(Body body) {
        for (var op : body.ops()) {
            switch (op) {
                case NestOp.Compute nest -> {
                    var sources = new ArrayList<>(nest.inputs());
                    sources.removeAll(nest.into());
                    sources.addAll(nest.into());
                    var inputs = sources.stream().map(values::get).toList();
                    var result = nest.results().getFirst();
                    values.put(result, filled(result, BlockTags.compute(nest.origin().getFirst(), inputs)));
                }
                case GraphOp.Constant(var data, var result) ->
                    values.put(result, filled(result, ((Resource.SplatInteger) data).value()));
                case GraphOp.Reshape(var input, var result) -> values.put(result, values.get(input));
                case GraphOp.If branch -> {
                    var taken = BlockTags.truth(values.get(branch.condition())) ? branch.yes() : branch.no();
                    define(branch.results(), body(taken));
                }
                case GraphOp.Loop loop -> define(loop.results(), loop(loop));
                case GraphOp.Return(var returned) -> {
                    return returned.stream().map(values::get).toList();
                }
                case GraphOp.Yield(var yielded) -> {
                    return yielded.stream().map(values::get).toList();
                }
                default -> throw new AssertionError(op);
            }
        }
        throw new AssertionError();
    }

    private void define(List<Value> results, List<List<Long>> contents) {
        for (int i = 0; i < results.size(); i++) {
            values.put(results.get(i), contents.get(i));
        }
    }

    private List<List<Long>> loop(GraphOp.Loop loop) {
        long limit = loop.tripCount().map(count -> values.get(count).getFirst()).orElse(Long.MAX_VALUE);
        var condition = loop.condition().map(values::get).orElse(List.of(1L));
        List<List<Long>> state = loop.initial().stream().map(values::get).toList();
        var stacked = new ArrayList<Long>();
        for (long round = 0; round < limit && BlockTags.truth(condition); round++) {
            var params = loop.body().params();
            values.put(params.get(0), List.of(round));
            values.put(params.get(1), condition);
            define(params.subList(2, params.size()), state);
            var yielded = body(loop.body());
            condition = yielded.getFirst();
            state = yielded.subList(1, 1 + state.size());
            stacked.addAll(yielded.getLast());
        }
        var results = new ArrayList<>(state);
        results.add(stacked);
        return results;
    }
}
