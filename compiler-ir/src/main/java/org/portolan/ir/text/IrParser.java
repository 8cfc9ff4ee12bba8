package org.portolan.ir.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.antlr.v4.runtime.ParserRuleContext;
import org.portolan.ir.Body;
import org.portolan.ir.IrException;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.OpSchema.Role;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrTextParser.BodyContext;
import org.portolan.ir.text.IrTextParser.OpContext;
import org.portolan.ir.text.IrTextParser.OperandContext;

/// Reads what {@link IrPrinter} writes, and what people write by hand. A name is visible from its definition to the end
/// of the body around it, bodies within included, and must not be defined twice while it is visible.
public final class IrParser {
    private final SourceText source;
    private final TypeReader types;
    private final AttributeReader attributes;
    private final Map<String, Value> visible = new HashMap<>();

    private IrParser(String fileName, ResourceStore store) {
        source = new SourceText(fileName);
        types = new TypeReader(source);
        attributes = new AttributeReader(source, types, store);
    }

    /// The operations of a text, in order.
    ///
    /// @param fileName what errors call the text
    /// @param store where external resources are found
    /// @throws IrSyntaxException if the text breaks a rule of the grammar, of an operation or of visibility
    public static List<Op> parse(String text, String fileName, ResourceStore store) {
        var parser = new IrParser(fileName, store);
        return parser.ops(parser.source.parser(text).module().op(), new ArrayList<>());
    }

    /// Reads a text without external resources.
    public static List<Op> parse(String text, String fileName) {
        return parse(text, fileName, ResourceStore.NONE);
    }

    /// Reads a type, for example {@code f32[seq,384]}.
    public static Type parseType(String text) {
        var parser = new IrParser("type", ResourceStore.NONE);
        return parser.types.type(parser.source.parser(text).single().value());
    }

    private List<Op> ops(List<OpContext> contexts, List<String> defined) {
        var ops = new ArrayList<Op>(contexts.size());
        for (var context : contexts) {
            ops.add(op(context, defined));
        }
        return ops;
    }

    private Op op(OpContext context, List<String> defined) {
        var name = context.opName().getText();
        var schema = OpSchema.named(name)
                .orElseThrow(() -> source.error(context.opName(), "expected an operation, found '" + name + "'"));
        var values = new Object[schema.components().size()];
        operands(context, schema, values);
        attributes(context, schema, values);
        bodies(context, schema, values);
        var results = results(context, schema, values);
        Op op;
        try {
            op = schema.create(values);
        } catch (IrException | IndexOutOfBoundsException | ArithmeticException e) {
            throw source.error(context, e.getMessage(), e);
        }
        for (int i = 0; i < results.size(); i++) {
            define(context, nameOf(context, context.VALUE(i).getText()), results.get(i), defined);
        }
        return op;
    }

    private void operands(OpContext context, OpSchema schema, Object[] values) {
        List<OperandContext> given =
                context.operands() == null ? List.of() : context.operands().operand();
        int next = 0;
        for (int i = 0; i < values.length; i++) {
            var component = schema.components().get(i);
            var operand = next < given.size() ? given.get(next) : null;
            switch (component.role()) {
                case OPERAND -> values[i] = single(context, component, operand);
                case OPERAND_LIST -> values[i] = list(component, operand);
                case OPERAND_OPTIONAL -> values[i] = optional(component, operand);
                case RESULT, RESULT_LIST, BODY, ATTRIBUTE -> {
                    continue;
                }
            }
            next++;
        }
        if (next < given.size()) {
            throw source.error(given.get(next), schema.name() + " takes " + next + " operands, found one more");
        }
    }

    private Value single(ParserRuleContext op, OpSchema.Component component, OperandContext operand) {
        if (operand == null) {
            throw source.error(op, "operand " + component.word() + " is missing");
        }
        if (operand.getChildCount() != 1 || operand.VALUE().isEmpty()) {
            throw source.error(
                    operand, "expected a value for operand " + component.word() + ", found " + operand.getText());
        }
        return lookUp(operand, operand.VALUE(0).getText());
    }

    private List<Value> list(OpSchema.Component component, OperandContext operand) {
        if (operand == null) {
            return List.of();
        }
        if (operand.getChildCount() == 1) {
            throw source.error(
                    operand,
                    "expected a list in brackets for operand " + component.word() + ", found " + operand.getText());
        }
        return operand.VALUE().stream()
                .map(value -> lookUp(operand, value.getText()))
                .toList();
    }

    private Optional<Value> optional(OpSchema.Component component, OperandContext operand) {
        if (operand == null || operand.getText().equals("_")) {
            return Optional.empty();
        }
        return Optional.of(single(operand, component, operand));
    }

    private void attributes(OpContext context, OpSchema schema, Object[] values) {
        var fields = attributes.fields(
                context.attributes() == null ? List.of() : context.attributes().field());
        var words = new ArrayList<String>();
        for (int i = 0; i < values.length; i++) {
            var component = schema.components().get(i);
            if (component.role() == Role.ATTRIBUTE) {
                words.add(component.word());
                values[i] = attributes.take(fields, component.word(), component.type(), context.opName());
            }
        }
        attributes.checkAllTaken(fields, words, schema.name());
    }

    private void bodies(OpContext context, OpSchema schema, Object[] values) {
        int next = 0;
        for (int i = 0; i < values.length; i++) {
            if (schema.components().get(i).role() == Role.BODY) {
                values[i] = next < context.body().size() ? body(context.body(next)) : Body.EMPTY;
                next++;
            }
        }
        if (next < context.body().size()) {
            throw source.error(context.body(next), schema.name() + " takes " + next + " bodies, found one more");
        }
    }

    private Body body(BodyContext context) {
        var defined = new ArrayList<String>();
        var params = new ArrayList<Value>();
        if (context.parameters() != null) {
            for (var parameter : context.parameters().parameter()) {
                var name = nameOf(parameter, parameter.VALUE().getText());
                var value = Value.of(types.type(parameter.type()), name);
                define(parameter, name, value, defined);
                params.add(value);
            }
        }
        var body = new Body(params, ops(context.op(), defined));
        defined.forEach(visible::remove);
        return body;
    }

    private List<Value> results(OpContext context, OpSchema schema, Object[] values) {
        int named = context.VALUE().size();
        if (context.type().size() != named) {
            throw source.error(
                    context,
                    "expected a type for each result: " + named + " names, "
                            + context.type().size() + " types");
        }
        var results = new ArrayList<Value>();
        for (int i = 0; i < named; i++) {
            results.add(Value.of(
                    types.type(context.type(i)),
                    nameOf(context, context.VALUE(i).getText())));
        }
        int next = 0;
        for (int i = 0; i < values.length; i++) {
            switch (schema.components().get(i).role()) {
                case RESULT -> {
                    if (next >= named) {
                        throw source.error(context, schema.name() + " needs a name and a type for its result");
                    }
                    values[i] = results.get(next++);
                }
                case RESULT_LIST -> {
                    values[i] = results.subList(next, named);
                    next = named;
                }
                case OPERAND, OPERAND_LIST, OPERAND_OPTIONAL, BODY, ATTRIBUTE -> {}
            }
        }
        if (next < named) {
            throw source.error(context, schema.name() + " has " + next + " results, found " + named);
        }
        return results;
    }

    private Value lookUp(ParserRuleContext where, String token) {
        var value = visible.get(nameOf(where, token));
        if (value == null) {
            throw source.error(where, token + " is not defined here");
        }
        return value;
    }

    private void define(ParserRuleContext where, String name, Value value, List<String> defined) {
        if (visible.putIfAbsent(name, value) != null) {
            throw source.error(where, "%" + name + " is already defined");
        }
        defined.add(name);
    }

    private String nameOf(ParserRuleContext where, String token) {
        if (token.charAt(1) != '"') {
            return token.substring(1);
        }
        try {
            return Quoted.read(token.substring(1));
        } catch (IllegalArgumentException e) {
            throw source.error(where, e.getMessage(), e);
        }
    }
}
