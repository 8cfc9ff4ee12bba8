package org.portolan.lowering.tile;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrPrinter;

/// What decides which schedules fit a nest: its axes, accesses and arithmetic, the types of its tensors, and which of them are
/// constants. Names of values and of the model's nodes take no part.
final class NestSignature {
    private static final int DIGITS = 16;

    private NestSignature() {}

    /// Hexadecimal digits; equal for nests that differ in names alone.
    static String of(NestOp.Compute nest, Predicate<Value> isConstant) {
        var names = new IdentityHashMap<Value, Value>();
        var text = new StringBuilder();
        for (var input : nest.inputs()) {
            if (names.containsKey(input)) continue;
            names.put(input, Value.of(input.type(), "a"));
            text.append(input.type()).append(isConstant.test(input) ? " constant\n" : "\n");
        }
        nest.into().forEach(tensor -> names.computeIfAbsent(tensor, value -> Value.of(value.type(), "a")));
        nest.results().forEach(result -> text.append(names.computeIfAbsent(result, value -> Value.of(value.type(), "r")).type()));
        var unnamed = new NestOp.Compute(
                nest.inputs().stream().map(names::get).toList(),
                nest.into().stream().map(names::get).toList(),
                nest.axes(),
                List.of(),
                unnamed(nest.body(), names),
                nest.results().stream().map(names::get).toList());
        text.append(IrPrinter.print(unnamed));
        return digest(text.toString());
    }

    private static Body unnamed(Body body, Map<Value, Value> names) {
        body.params().forEach(param -> names.put(param, Value.of(param.type(), "v")));
        var ops = new ArrayList<Op>();
        for (var op : body.ops()) {
            ops.add(OpSchema.rebuild(
                    op,
                    operand -> names.getOrDefault(operand, operand),
                    result -> names.computeIfAbsent(result, value -> Value.of(value.type(), "v")),
                    inner -> unnamed(inner, names)));
        }
        return new Body(body.params().stream().map(names::get).toList(), ops);
    }

    private static String digest(String text) {
        try {
            var bytes = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return "n" + HexFormat.of().formatHex(bytes).substring(0, DIGITS);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException("SHA-256 is part of every Java", error);
        }
    }
}
