package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.LoweredKernel;

/// Lowers all nests of a function, side by side.
final class LoweredNests {
    private final List<NestOp.Compute> nests = new ArrayList<>();
    private final Set<Value> constants = Collections.newSetFromMap(new IdentityHashMap<>());

    private LoweredNests() {}

    /// The kernel of each nest in the body and the bodies within it.
    static Map<NestOp.Compute, LoweredKernel> of(Body body, Placement placement) {
        var all = new LoweredNests();
        all.collect(body);
        var kernels = IntStream.range(0, all.nests.size())
                .parallel()
                .mapToObj(i -> lower(
                        all.nests.get(i), "kernel_" + i, all.constants, placement.lowering(all.nests.get(i))))
                .toList();
        var byNest = new IdentityHashMap<NestOp.Compute, LoweredKernel>();
        for (int i = 0; i < kernels.size(); i++) {
            byNest.put(all.nests.get(i), kernels.get(i));
        }
        return byNest;
    }

    private void collect(Body body) {
        for (var op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                nests.add(nest);
            } else if (op instanceof GraphOp.Constant constant) {
                constants.add(constant.result());
            } else {
                OpSchema.bodies(op).forEach(this::collect);
            }
        }
    }

    private static LoweredKernel lower(
            NestOp.Compute nest, String name, Set<Value> constants, NestLowering lowering) {
        var kernel = lowering.lower(nest, name, constants::contains);
        int params = kernel.kernel().body().params().size();
        if (kernel.arguments().size() != params) {
            throw new IllegalStateException("the kernel of " + nest.origin() + " has " + params + " parameters and "
                    + kernel.arguments().size() + " arguments");
        }
        return kernel;
    }
}
