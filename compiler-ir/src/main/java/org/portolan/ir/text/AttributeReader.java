package org.portolan.ir.text;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.antlr.v4.runtime.ParserRuleContext;
import org.portolan.ir.Attributes;
import org.portolan.ir.Axis;
import org.portolan.ir.IndexMap;
import org.portolan.ir.IrException;
import org.portolan.ir.Resource;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.text.IrTextParser.FieldContext;
import org.portolan.ir.text.IrTextParser.ValueContext;
import org.portolan.runtime.type.Dim;

/// Reads attribute values: what a value means is decided by the Java type of the record component that takes it.
final class AttributeReader {
    private final SourceText source;
    private final TypeReader types;
    private final ResourceStore store;

    AttributeReader(SourceText source, TypeReader types, ResourceStore store) {
        this.source = source;
        this.types = types;
        this.store = store;
    }

    /// The fields by name.
    Map<String, FieldContext> fields(List<FieldContext> contexts) {
        var fields = new LinkedHashMap<String, FieldContext>();
        for (var field : contexts) {
            if (fields.put(field.NAME().getText(), field) != null) {
                throw source.error(field, "attribute " + field.NAME().getText() + " stands here twice");
            }
        }
        return fields;
    }

    /// Takes a field out and reads it; if there is none, what it is by default.
    Object take(Map<String, FieldContext> fields, String word, Type type, ParserRuleContext owner) {
        var field = fields.remove(word);
        if (field != null) {
            return read(field.value(), type);
        }
        return defaultOf(type).orElseThrow(() -> source.error(owner, "attribute " + word + " is missing"));
    }

    void checkAllTaken(Map<String, FieldContext> fields, List<String> words, String owner) {
        for (var field : fields.values()) {
            var known = words.isEmpty() ? "which takes none" : "expected one of " + String.join(", ", words);
            throw source.error(field, owner + " has no attribute " + field.NAME().getText() + ", " + known);
        }
    }

    Record record(Class<?> type, List<FieldContext> contexts, ParserRuleContext where) {
        var shape = RecordShape.of(type);
        var fields = fields(contexts);
        var values = shape.fields().stream()
                .map(field -> take(fields, field.word(), field.type(), where))
                .toArray();
        checkAllTaken(
                fields, shape.fields().stream().map(RecordShape.Field::word).toList(), type.getSimpleName());
        try {
            return (Record) shape.create(values);
        } catch (IrSyntaxException e) {
            throw e;
        } catch (IrException | IllegalArgumentException e) {
            throw source.error(where, e.getMessage(), e);
        }
    }

    Object read(ValueContext value, Type type) {
        if (type instanceof ParameterizedType generic) {
            var item = generic.getActualTypeArguments()[0];
            if (generic.getRawType() == List.class) {
                return list(value).stream().map(element -> read(element, item)).toList();
            }
            if (generic.getRawType() == Optional.class) {
                return value.getText().equals("_") ? Optional.empty() : Optional.of(read(value, item));
            }
        }
        if (!(type instanceof Class<?> plain)) {
            throw new LinkageError("no text form for an attribute of type " + type);
        }
        if (plain == long.class || plain == Long.class) {
            return number(value);
        } else if (plain == int.class || plain == Integer.class) {
            return Math.toIntExact(number(value));
        } else if (plain == double.class || plain == Double.class) {
            return floating(value);
        } else if (plain == boolean.class || plain == Boolean.class) {
            return truth(value);
        } else if (plain == String.class) {
            return string(value);
        } else if (plain.isEnum()) {
            return constant(value, plain);
        } else if (plain == Dim.class) {
            return types.dim(value);
        } else if (plain == IndexMap.class) {
            return types.indexMap(value);
        } else if (plain == org.portolan.ir.Type.class) {
            return types.type(value);
        } else if (plain == Resource.class) {
            return resource(value);
        } else if (plain == Axis.class) {
            return axis(value);
        } else if (plain == SymbolRange.class) {
            return range(value);
        } else if (plain.isRecord()) {
            var fields = types.term(value).record();
            return fields == null ? fail(value, "fields in braces") : record(plain, fields.field(), value);
        }
        throw new LinkageError("no text form for an attribute of type " + type);
    }

    private static Optional<Object> defaultOf(Type type) {
        if (type instanceof ParameterizedType generic) {
            return Optional.of(generic.getRawType() == List.class ? List.of() : Optional.empty());
        }
        if (type == boolean.class) {
            return Optional.of(false);
        }
        return type instanceof Class<?> plain && plain.isEnum()
                ? Optional.of(plain.getEnumConstants()[0])
                : Optional.empty();
    }

    private List<ValueContext> list(ValueContext value) {
        var list = types.term(value).list();
        return list == null || list.getParent().getChildCount() != 1 ? fail(value, "a list in brackets") : list.value();
    }

    private long number(ValueContext value) {
        try {
            return Long.parseLong(value.getText());
        } catch (NumberFormatException _) {
            return fail(value, "an integer of 64 bits");
        }
    }

    private double floating(ValueContext value) {
        var text = value.getText();
        try {
            return text.startsWith("0x")
                    ? Double.longBitsToDouble(Long.parseUnsignedLong(text, 2, text.length(), 16))
                    : Double.parseDouble(text);
        } catch (NumberFormatException _) {
            return fail(value, "a number like 1.0, or the 64 bits of one like 0x7ff0000000000000");
        }
    }

    private boolean truth(ValueContext value) {
        return switch (value.getText()) {
            case "true" -> true;
            case "false" -> false;
            default -> fail(value, "true or false");
        };
    }

    /// A quoted string; where it looks like a name, the quotation marks may be left out.
    private String string(ValueContext value) {
        var expression = value.expression(0);
        if (value.expression().size() == 1 && expression.getChildCount() == 1) {
            var quoted = expression.term(0).STRING();
            if (quoted != null) {
                return unquote(value, quoted.getText());
            }
        }
        return expression.term(0).NAME() != null ? value.getText() : fail(value, "a string");
    }

    private String unquote(ParserRuleContext where, String quoted) {
        try {
            return Quoted.read(quoted);
        } catch (IllegalArgumentException e) {
            throw source.error(where, e.getMessage(), e);
        }
    }

    private Object constant(ValueContext value, Class<?> type) {
        var word = value.getText();
        for (var constant : type.getEnumConstants()) {
            if (Attributes.word((Enum<?>) constant).equals(word)) {
                return constant;
            }
        }
        return fail(value, Arrays.stream(type.getEnumConstants())
                .map(constant -> Attributes.word((Enum<?>) constant))
                .collect(Collectors.joining(", ", "one of ", "")));
    }

    private Axis axis(ValueContext value) {
        if (value.expression().size() != 2 || value.expression(0).getChildCount() != 1) {
            return fail(value, "an axis like i:seq");
        }
        return new Axis(value.expression(0).getText(), types.dim(value.expression(1)));
    }

    private SymbolRange range(ValueContext value) {
        if (value.expression().size() != 3) {
            return fail(value, "a symbol with its bounds like batch:1..64");
        }
        try {
            return new SymbolRange(
                    value.expression(0).getText(),
                    Long.parseLong(value.expression(1).getText()),
                    Long.parseLong(value.expression(2).getText()));
        } catch (NumberFormatException _) {
            return fail(value, "a symbol with its bounds like batch:1..64");
        } catch (IrException e) {
            throw source.error(value, e.getMessage(), e);
        }
    }

    private Resource resource(ValueContext value) {
        var term = types.term(value);
        if (term.NAME() == null || term.tuple().size() != 1) {
            return fail(value, "resource(..), splat(..), dense([..]) or random(..)");
        }
        var arguments = term.tuple(0).value();
        var word = term.NAME().getText();
        int expected = word.equals("resource") ? 4 : 1;
        if (arguments.size() != expected) {
            return fail(value, expected + " arguments for " + word);
        }
        var first = arguments.getFirst();
        return switch (word) {
            case "resource" -> external(value, arguments);
            case "splat" -> isInteger(first)
                    ? new Resource.SplatInteger(number(first))
                    : new Resource.Splat(floating(first));
            case "dense" -> dense(list(first));
            case "random" -> new Resource.Random(number(first));
            default -> fail(value, "resource(..), splat(..), dense([..]) or random(..)");
        };
    }

    private Resource dense(List<ValueContext> values) {
        if (values.stream().allMatch(AttributeReader::isInteger)) {
            return new Resource.Integers(values.stream().map(this::number).toList());
        }
        if (values.getFirst().getText().startsWith("\"")) {
            return new Resource.Texts(values.stream().map(this::string).toList());
        }
        return new Resource.Floats(values.stream().map(this::floating).toList());
    }

    private Resource external(ValueContext where, List<ValueContext> arguments) {
        var name = string(arguments.get(0));
        long offset = number(arguments.get(1));
        long bytes = number(arguments.get(2));
        try {
            var digest = string(arguments.get(3));
            return new Resource.External(name, offset, bytes, digest, store.find(name, offset, bytes));
        } catch (IrException e) {
            throw source.error(where, e.getMessage(), e);
        }
    }

    private static boolean isInteger(ValueContext value) {
        var text = value.getText();
        int start = text.startsWith("-") ? 1 : 0;
        return text.length() > start && text.chars().skip(start).allMatch(Character::isDigit);
    }

    private <T> T fail(ValueContext value, String expected) {
        throw source.error(value, "expected " + expected + ", found " + value.getText());
    }
}
