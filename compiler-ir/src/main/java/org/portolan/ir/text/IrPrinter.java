package org.portolan.ir.text;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.OpSchema.Role;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Value;

/// Writes operations in the text form, which {@link IrParser} reads back. One operation is one line, but for its
/// bodies:
///
/// `%a, %b = dialect.mnemonic %x, [%list], %optional <attribute = value> { (%p: type) -> operations } : type, type`
///
/// Trailing empty operand lists, absent operands and empty bodies are left out, and so are attributes that are false,
/// empty or the first constant of their enumeration.
public final class IrPrinter {
    private final ValueNames names = new ValueNames();
    private final StringBuilder text = new StringBuilder();
    private final Map<Op, Integer> lines = new IdentityHashMap<>();
    private int line = 1;

    private IrPrinter() {}

    /// A text, and where each operation stands in it, also those in bodies.
    ///
    /// @param lines counted from 1; operations are told apart by identity
    public record Listing(String text, Map<Op, Integer> lines) {}

    /// One operation as {@link #print(Op)} writes it, with the numbers of its lines.
    public static Listing listing(Op op) {
        var printer = new IrPrinter();
        printer.op(op, 0, true);
        return new Listing(printer.text.toString(), printer.lines);
    }

    /// One operation with its bodies, ending with a line break. Values from outside get a name, too.
    public static String print(Op op) {
        return print(List.of(op));
    }

    /// Operations in order, each ending with a line break.
    public static String print(List<? extends Op> module) {
        var printer = new IrPrinter();
        for (var op : module) {
            printer.op(op, 0, true);
        }
        return printer.text.toString();
    }

    /// One operation on one line, bodies as `{...}`: for messages.
    public static String summary(Op op) {
        var printer = new IrPrinter();
        printer.op(op, 0, false);
        return printer.text.toString().strip();
    }

    private void op(Op op, int depth, boolean whole) {
        indent(depth);
        lines.put(op, line);
        if (op instanceof GraphOp.Function function) {
            callable(function.body());
        } else if (op instanceof PlanOp.Program program) {
            callable(program.body());
        }
        var schema = OpSchema.of(op);
        var results = OpSchema.results(op);
        for (int i = 0; i < results.size(); i++) {
            text.append(i > 0 ? ", " : "").append(names.of(results.get(i)));
        }
        text.append(results.isEmpty() ? "" : " = ").append(schema.name());
        operands(op, schema);
        attributes(op, schema);
        bodies(op, depth, whole);
        for (int i = 0; i < results.size(); i++) {
            text.append(i > 0 ? ", " : " : ").append(results.get(i).type());
        }
        text.append('\n');
        line++;
    }

    /// A model is called by the names of its inputs and outputs: they are kept as they are, whatever else is called alike.
    private void callable(Body body) {
        names.begin();
        body.params().forEach(names::of);
        if (!body.ops().isEmpty()) {
            OpSchema.operands(body.ops().getLast()).forEach(names::of);
        }
    }

    private void operands(Op op, OpSchema schema) {
        var parts = new ArrayList<String>();
        int used = 0;
        for (var component : schema.components()) {
            switch (component.role()) {
                case OPERAND -> {
                    parts.add(names.of((Value) OpSchema.get(component, op)));
                    used = parts.size();
                }
                case OPERAND_LIST -> {
                    var list = (List<?>) OpSchema.get(component, op);
                    parts.add(list.stream()
                            .map(value -> names.of((Value) value))
                            .collect(Collectors.joining(", ", "[", "]")));
                    used = list.isEmpty() ? used : parts.size();
                }
                case OPERAND_OPTIONAL -> {
                    var optional = (Optional<?>) OpSchema.get(component, op);
                    parts.add(optional.map(value -> names.of((Value) value)).orElse("_"));
                    used = optional.isEmpty() ? used : parts.size();
                }
                case RESULT, RESULT_LIST, BODY, ATTRIBUTE -> {}
            }
        }
        for (int i = 0; i < used; i++) {
            text.append(i > 0 ? ", " : " ").append(parts.get(i));
        }
    }

    private void attributes(Op op, OpSchema schema) {
        boolean any = false;
        for (var component : schema.components()) {
            if (component.role() == Role.ATTRIBUTE) {
                var value = OpSchema.get(component, op);
                if (!AttributePrinter.isDefault(value)) {
                    text.append(any ? ", " : " <").append(component.word()).append(" = ");
                    AttributePrinter.print(value, text);
                    any = true;
                }
            }
        }
        text.append(any ? ">" : "");
    }

    private void bodies(Op op, int depth, boolean whole) {
        var bodies = OpSchema.bodies(op);
        int used = bodies.size();
        while (used > 0 && isEmpty(bodies.get(used - 1))) {
            used--;
        }
        for (var body : bodies.subList(0, used)) {
            if (!whole) {
                text.append(" {...}");
            } else if (isEmpty(body)) {
                text.append(" {}");
            } else {
                body(body, depth);
            }
        }
    }

    private void body(Body body, int depth) {
        text.append(" {");
        for (int i = 0; i < body.params().size(); i++) {
            var param = body.params().get(i);
            text.append(i > 0 ? ", " : " (")
                    .append(names.of(param))
                    .append(": ")
                    .append(param.type());
        }
        text.append(body.params().isEmpty() ? "\n" : ") ->\n");
        line++;
        for (var op : body.ops()) {
            op(op, depth + 1, true);
        }
        indent(depth);
        text.append('}');
    }

    private void indent(int depth) {
        text.append("  ".repeat(depth));
    }

    private static boolean isEmpty(Body body) {
        return body.params().isEmpty() && body.ops().isEmpty();
    }
}
