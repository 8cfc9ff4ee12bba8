package org.portolan.ir.text;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.antlr.v4.runtime.ParserRuleContext;
import org.portolan.ir.IndexMap;
import org.portolan.ir.IrException;
import org.portolan.ir.Type;
import org.portolan.ir.text.IrTextParser.ExpressionContext;
import org.portolan.ir.text.IrTextParser.ListContext;
import org.portolan.ir.text.IrTextParser.TermContext;
import org.portolan.ir.text.IrTextParser.TypeContext;
import org.portolan.ir.text.IrTextParser.ValueContext;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Reads types, extents and index maps.
final class TypeReader {
    private final SourceText source;

    TypeReader(SourceText source) {
        this.source = source;
    }

    Type type(TypeContext context) {
        return type(
                context,
                context.NAME().getText(),
                context.list(),
                context.angle() == null ? null : context.angle().value());
    }

    Type type(ValueContext context) {
        var term = term(context);
        if (term.NAME() == null || term.INTEGER() != null || term.tuple(0) != null) {
            throw source.error(context, "expected a type, found " + context.getText());
        }
        return type(
                context,
                term.NAME().getText(),
                term.list(),
                term.angle() == null ? null : term.angle().value());
    }

    Dim dim(ValueContext context) {
        if (context.expression().size() != 1) {
            throw source.error(context, "expected an index expression, found " + context.getText());
        }
        return dim(context.expression(0));
    }

    Dim dim(ExpressionContext context) {
        var text = context.getText();
        try {
            return Dim.parse(text);
        } catch (IllegalArgumentException | ArithmeticException e) {
            // The one number that is not the negation of a number.
            if (text.equals(Long.toString(Long.MIN_VALUE))) {
                return Dim.of(Long.MIN_VALUE);
            }
            throw source.error(context, "expected an index expression: " + e.getMessage(), e);
        }
    }

    IndexMap indexMap(ValueContext context) {
        var sides = term(context).tuple();
        if (sides.size() != 2) {
            throw source.error(
                    context, "expected an index map like (k, n) -> (n/32, k, n%32), found " + context.getText());
        }
        var inputs = sides.get(0).value().stream().map(this::name).toList();
        var results = sides.get(1).value().stream().map(this::dim).toList();
        return checked(context, () -> new IndexMap(inputs, results));
    }

    String name(ValueContext context) {
        var term = term(context);
        if (term.getChildCount() != 1 || term.NAME() == null) {
            throw source.error(context, "expected a name, found " + context.getText());
        }
        return term.NAME().getText();
    }

    /// The only term of a value that is no expression.
    TermContext term(ValueContext context) {
        var expression = context.expression(0);
        if (context.expression().size() != 1 || expression.getChildCount() != 1) {
            throw source.error(context, "expected a single value, found " + context.getText());
        }
        return expression.term(0);
    }

    private Type type(ParserRuleContext where, String name, ListContext shape, List<ValueContext> arguments) {
        if (arguments == null) {
            var element = element(where, name);
            return shape == null ? new Type.Scalar(element) : new Type.Tensor(element, dims(shape));
        }
        return checked(where, () -> switch (name) {
            case "vec" -> vector(where, arguments);
            case "mask" -> new Type.Mask(number(only(where, name, arguments)));
            case "buffer" -> buffer(where, arguments);
            case "ring" -> ring(where, arguments);
            case "frag" -> fragment(where, arguments);
            case "sequence" -> new Type.Sequence(type(only(where, name, arguments)));
            case "optional" -> new Type.Maybe(type(only(where, name, arguments)));
            default ->
                throw source.error(
                        where,
                        "expected vec, mask, buffer, ring, frag, sequence or optional before '<'," + " found " + name);
        });
    }

    private Type vector(ParserRuleContext where, List<ValueContext> arguments) {
        var term = term(only(where, "vec", arguments));
        if (term.INTEGER() == null
                || term.NAME() == null
                || !term.NAME().getText().startsWith("x")) {
            throw source.error(where, "expected a vector like vec<16xf32>, found " + where.getText());
        }
        var lanes = Long.parseLong(term.INTEGER().getText());
        return new Type.Vector(lanes, element(where, term.NAME().getText().substring(1)));
    }

    private Type.Buffer buffer(ParserRuleContext where, List<ValueContext> arguments) {
        if (arguments.size() != 2 && arguments.size() != 4) {
            throw source.error(
                    where, "expected a buffer like buffer<f32[m,k], global> or with a layout and physical extents");
        }
        var logical = tensor(arguments.get(0));
        var space = space(arguments.get(1));
        if (arguments.size() == 2) {
            return new Type.Buffer(logical.element(), logical.dims(), space);
        }
        var physical = term(arguments.get(3)).list();
        if (physical == null) {
            throw source.error(arguments.get(3), "expected the physical extents of a layout in brackets");
        }
        var layout = indexMap(arguments.get(2));
        return new Type.Buffer(logical.element(), logical.dims(), space, Optional.of(layout), dims(physical));
    }

    private Type ring(ParserRuleContext where, List<ValueContext> arguments) {
        if (arguments.size() == 2 && type(arguments.getFirst()) instanceof Type.Buffer slot) {
            return new Type.Ring(slot, number(arguments.get(1)));
        }
        throw source.error(where, "expected a ring like ring<buffer<f32[8,8], shared>, 3>");
    }

    private Type fragment(ParserRuleContext where, List<ValueContext> arguments) {
        if (arguments.size() != 2) {
            throw source.error(where, "expected a fragment like frag<f32[16,8], (r, c) -> (r*2+c%2, c/2)>");
        }
        var logical = tensor(arguments.getFirst());
        return new Type.Fragment(logical.element(), logical.dims(), indexMap(arguments.get(1)));
    }

    private Type.Tensor tensor(ValueContext context) {
        return type(context) instanceof Type.Tensor tensor
                ? tensor
                : fail(context, "expected an element type with extents like f32[m,k]");
    }

    private Type.Space space(ValueContext context) {
        var word = context.getText();
        return Stream.of(Type.Space.values())
                .filter(space -> space.name().toLowerCase(Locale.ROOT).equals(word))
                .findFirst()
                .orElseThrow(() -> source.error(context, "expected global, shared, local or register, found " + word));
    }

    private List<Dim> dims(ListContext list) {
        return list.value().stream().map(this::dim).toList();
    }

    private ValueContext only(ParserRuleContext where, String name, List<ValueContext> arguments) {
        return arguments.size() == 1
                ? arguments.getFirst()
                : fail(where, "expected one argument for " + name + ", found " + arguments.size());
    }

    private long number(ValueContext context) {
        return dim(context).constant().orElseThrow(() -> source.error(context, "expected a number"));
    }

    private ElementType element(ParserRuleContext where, String name) {
        return ElementType.isElementType(name)
                ? ElementType.parse(name)
                : fail(where, "expected a type, found '" + name + "', which is no element type");
    }

    private <T> T fail(ParserRuleContext where, String message) {
        throw source.error(where, message);
    }

    private interface Constructing<T> {
        T construct();
    }

    private <T> T checked(ParserRuleContext where, Constructing<T> constructing) {
        try {
            return constructing.construct();
        } catch (IrSyntaxException e) {
            throw e;
        } catch (IrException | ArithmeticException | NumberFormatException e) {
            throw source.error(where, e.getMessage(), e);
        }
    }
}
