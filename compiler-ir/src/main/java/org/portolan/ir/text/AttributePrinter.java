package org.portolan.ir.text;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.portolan.ir.Attributes;
import org.portolan.ir.Axis;
import org.portolan.ir.IndexMap;
import org.portolan.ir.Resource;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Type;
import org.portolan.runtime.type.Dim;

/// Writes attribute values; the counterpart of {@link AttributeReader}.
final class AttributePrinter {
    private static final Pattern WORD = Pattern.compile("[A-Za-z][A-Za-z0-9_]*");

    private AttributePrinter() {}

    /// Whether the reader fills a value in where it is left out.
    static boolean isDefault(Object value) {
        return switch (value) {
            case Boolean truth -> !truth;
            case List<?> list -> list.isEmpty();
            case Optional<?> optional -> optional.isEmpty();
            case Enum<?> constant -> constant.ordinal() == 0;
            default -> false;
        };
    }

    static void print(Object value, StringBuilder into) {
        switch (value) {
            case Double number -> print(number.doubleValue(), into);
            case Number number -> into.append(number.longValue());
            case Boolean truth -> into.append(truth.booleanValue());
            case String text -> print(text, into);
            case Enum<?> constant -> into.append(Attributes.word(constant));
            case Optional<?> optional -> optional.ifPresentOrElse(item -> print(item, into), () -> into.append('_'));
            case List<?> list -> print(list, into);
            case Resource resource -> print(resource, into);
            case Dim dim -> into.append(dim);
            case IndexMap map -> into.append(map);
            case Axis axis -> into.append(axis);
            case SymbolRange range -> into.append(range);
            case Type type -> into.append(type);
            case Record fields -> print(fields, into);
            default -> throw new IllegalArgumentException("no text form for an attribute of " + value.getClass());
        }
    }

    /// The fields of a record that are not what the reader fills in: {@code {a=1, b=[x]}}, nothing if there are none
    /// and {@code optional}.
    static void printFields(Record fields, boolean optional, StringBuilder into) {
        var shape = RecordShape.of(fields.getClass());
        int start = into.length();
        for (var field : shape.fields()) {
            var value = shape.get(field, fields);
            if (!isDefault(value)) {
                into.append(into.length() == start ? "{" : ", ")
                        .append(field.word())
                        .append("=");
                print(value, into);
            }
        }
        if (into.length() > start) {
            into.append('}');
        } else if (!optional) {
            into.append("{}");
        }
    }

    private static void print(Record fields, StringBuilder into) {
        printFields(fields, false, into);
    }

    private static void print(List<?> list, StringBuilder into) {
        into.append('[');
        for (int i = 0; i < list.size(); i++) {
            into.append(i > 0 ? ", " : "");
            print(list.get(i), into);
        }
        into.append(']');
    }

    /// A word stands without quotation marks.
    private static void print(String text, StringBuilder into) {
        if (WORD.matcher(text).matches()) {
            into.append(text);
        } else {
            Quoted.append(text, into);
        }
    }

    /// Finite numbers as Java writes them, which is exact; the others as their bits, so that a NaN keeps its payload.
    private static void print(double number, StringBuilder into) {
        if (Double.isFinite(number)) {
            into.append(number);
        } else {
            into.append(String.format("0x%016x", Double.doubleToRawLongBits(number)));
        }
    }

    private static void print(Resource resource, StringBuilder into) {
        switch (resource) {
            case Resource.External external -> {
                into.append("resource(");
                Quoted.append(external.name(), into);
                into.append(", ")
                        .append(external.offset())
                        .append(", ")
                        .append(external.bytes())
                        .append(", ");
                Quoted.append(external.sha256(), into);
                into.append(')');
            }
            case Resource.Splat splat -> call("splat", splat.value(), into);
            case Resource.SplatInteger splat -> call("splat", splat.value(), into);
            case Resource.Floats floats -> call("dense", floats.values(), into);
            case Resource.Integers integers -> call("dense", integers.values(), into);
            case Resource.Texts texts -> texts(texts.values(), into);
            case Resource.Random random -> call("random", random.seed(), into);
        }
    }

    /// Texts are always in quotation marks, so that they are never taken for numbers.
    private static void texts(List<String> texts, StringBuilder into) {
        into.append("dense([");
        for (int i = 0; i < texts.size(); i++) {
            into.append(i > 0 ? ", " : "");
            Quoted.append(texts.get(i), into);
        }
        into.append("])");
    }

    private static void call(String word, Object argument, StringBuilder into) {
        into.append(word).append('(');
        print(argument, into);
        into.append(')');
    }
}
