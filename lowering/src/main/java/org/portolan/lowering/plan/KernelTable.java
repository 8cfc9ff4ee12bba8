package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.device.KernelError;

/// The kernels of a program, each kept once: kernels that differ in nothing but names and origin are the same.
final class KernelTable {
    private final String prefix;
    private final Map<String, String> namesByCode = new HashMap<>();
    private final List<TileOp.Kernel> kernels = new ArrayList<>();

    /// @param prefix what names begin with
    KernelTable(String prefix) {
        this.prefix = prefix;
    }

    /// The name under which this kernel can be launched.
    String add(TileOp.Kernel kernel) {
        return namesByCode.computeIfAbsent(new Code().of(kernel), _ -> {
            var name = prefix + kernels.size();
            var body = marked(kernel.body(), KernelError.numberOf(name));
            kernels.add(new TileOp.Kernel(name, kernel.symbols(), kernel.grid(), kernel.origin(), body));
            return name;
        });
    }

    /// The body with checks that say whose they are.
    private static Body marked(Body body, int kernel) {
        return new Body(body.params(), body.ops().stream().map(op -> marked(op, kernel)).toList());
    }

    private static Op marked(Op op, int kernel) {
        if (op instanceof TileOp.Fail(var condition, long code) && 0 < code && code <= KernelError.LAST_CODE) {
            return new TileOp.Fail(condition, KernelError.marked(kernel, (int) code));
        }
        return OpSchema.bodies(op).isEmpty()
                ? op
                : OpSchema.rebuild(op, value -> value, value -> value, body -> marked(body, kernel));
    }

    List<TileOp.Kernel> kernels() {
        return kernels;
    }

    /// What a kernel does, as text without names.
    private static final class Code {
        private final Map<Value, Integer> numbers = new IdentityHashMap<>();
        private final StringBuilder text = new StringBuilder();

        String of(TileOp.Kernel kernel) {
            text.append(kernel.symbols()).append(kernel.grid());
            body(kernel.body());
            return text.toString();
        }

        private void body(Body body) {
            text.append('(');
            body.params().forEach(this::define);
            text.append(") {");
            body.ops().forEach(this::op);
            text.append('}');
        }

        private void op(Op op) {
            var schema = OpSchema.of(op);
            text.append(schema.name());
            for (var component : schema.components()) {
                var value = OpSchema.get(component, op);
                text.append(' ');
                switch (component.role()) {
                    case OPERAND -> text.append(numbers.get((Value) value));
                    case OPERAND_LIST ->
                        text.append(((List<?>) value).stream().map(numbers::get).toList());
                    case OPERAND_OPTIONAL -> text.append(((Optional<?>) value).map(numbers::get));
                    case RESULT -> define((Value) value);
                    case RESULT_LIST -> ((List<?>) value).forEach(result -> define((Value) result));
                    case BODY -> body((Body) value);
                    case ATTRIBUTE -> text.append(value);
                }
            }
            text.append('\n');
        }

        private void define(Value value) {
            numbers.put(value, numbers.size());
            text.append(value.type()).append(',');
        }
    }
}
