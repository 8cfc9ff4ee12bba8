package org.portolan.ir.interpreter;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.portolan.ir.Body;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// The products of a warp that are under way: they read shared memory by themselves, and their sums are not there yet. What they
/// compute is known at once here; what is noted is what nobody may touch until they have been waited for.
final class TileProducts {
    private record Product(List<TileMemory> reads, Elements sum) {}

    private final Deque<Product> underWay = new ArrayDeque<>();

    /// Whether an intrinsic multiplies what lies in shared memory while the warp goes on: it has buffers and a sum.
    static boolean readsByItself(TileOp.Call call) {
        return call.arguments().stream().anyMatch(argument -> argument.type() instanceof Type.Buffer)
                && call.arguments().stream().anyMatch(argument -> argument.type() instanceof Type.Fragment);
    }

    /// Whether a kernel waits for products that are under way; else each is complete before anything else is done.
    static boolean areAwaited(Body body) {
        return body.ops().stream()
                .anyMatch(op -> op instanceof TileOp.Await || OpSchema.bodies(op).stream().anyMatch(TileProducts::areAwaited));
    }

    void begin(List<Object> arguments, Elements sum) {
        var reads = new ArrayList<TileMemory>();
        for (var argument : arguments) {
            if (argument instanceof TileBuffer buffer) {
                buffer.memory.readers++;
                reads.add(buffer.memory);
            }
        }
        underWay.add(new Product(reads, sum));
    }

    /// All but the last so many are complete.
    void await(long later) {
        while (underWay.size() > later) {
            underWay.remove().reads().forEach(memory -> memory.readers--);
        }
    }

    /// @throws TileException if the value is a sum that is not there yet
    void requireComplete(Object value, Value name) {
        if (!underWay.isEmpty() && underWay.stream().anyMatch(product -> product.sum() == value)) {
            throw new TileException(name + " is stored while it is computed; a tile.await belongs between");
        }
    }
}
