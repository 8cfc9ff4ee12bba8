package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.GraphOp;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Resource;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.CompileException;

/// The constants that a plan's steps use, each once for every layout in which it is asked for. Those that nothing asks
/// for vanish.
final class PlanConstants {
    private record Key(Resource data, Type.Buffer type) {}

    private final Map<Value, GraphOp.Constant> declared = new IdentityHashMap<>();
    private final Map<Key, Value> buffers = new HashMap<>();
    private final List<PlanOp> ops = new ArrayList<>();

    void declare(GraphOp.Constant constant) {
        declared.put(constant.result(), constant);
    }

    boolean isDeclared(Value value) {
        return declared.containsKey(value);
    }

    /// The buffer that holds a declared constant.
    ///
    /// @param wanted the type that a kernel asks for, which says the layout
    Value buffer(Value constant, Type.Buffer wanted) {
        var data = declared.get(constant).data();
        var own = BufferTypes.of(constant);
        // A layout speaks of the axes as the kernel sees them, which may be fewer.
        var dims = wanted.layout().isPresent() ? wanted.dims() : own.dims();
        var type = new Type.Buffer(own.element(), dims, Type.Space.GLOBAL, wanted.layout(), wanted.physical());
        if (!own.dims().stream().allMatch(extent -> extent.isConstant())) {
            throw new CompileException("constant '" + constant.hint() + "' of type " + constant.type()
                    + " has an extent that is not known when the model is compiled");
        }
        return buffers.computeIfAbsent(new Key(data, type), _ -> {
            var buffer = Value.of(type, constant.hint());
            ops.add(new PlanOp.Constant(data, buffer));
            return buffer;
        });
    }

    List<PlanOp> ops() {
        return ops;
    }
}
