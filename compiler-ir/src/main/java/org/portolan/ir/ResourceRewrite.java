package org.portolan.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// Puts other resources in the place of those that operations hold.
public final class ResourceRewrite {
    private ResourceRewrite() {}

    /// The operations with each resource as the mapping gives it. Operations without resources stay what they are.
    public static List<Op> replace(List<Op> ops, UnaryOperator<Resource> mapping) {
        var replaced = new ArrayList<Op>(ops.size());
        for (var op : ops) {
            var schema = OpSchema.of(op);
            var values = new Object[schema.components().size()];
            boolean changed = false;
            for (int i = 0; i < values.length; i++) {
                var old = OpSchema.get(schema.components().get(i), op);
                values[i] = switch (old) {
                    case Resource resource -> mapping.apply(resource);
                    case Body body -> new Body(body.params(), replace(body.ops(), mapping));
                    default -> old;
                };
                changed |= values[i] != old;
            }
            replaced.add(changed ? schema.create(values) : op);
        }
        return replaced;
    }
}
