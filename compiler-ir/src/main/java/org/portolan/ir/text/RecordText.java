package org.portolan.ir.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.antlr.v4.runtime.ParserRuleContext;
import org.portolan.ir.text.IrTextParser.FieldContext;

/// Records in the text form outside of operations: {@code {a=1, b=[x, y]}}, or named ones in a row like
/// {@code fuse, nest-to-tile{machine=znver5}}. Components may be of the types that attributes have; what is false,
/// empty
/// or the first constant of its enumeration is left out. The records must be public, in exported packages.
public final class RecordText {
    private RecordText() {}

    /// The fields in braces.
    public static String print(Record fields) {
        var text = new StringBuilder();
        AttributePrinter.printFields(fields, false, text);
        return text.toString();
    }

    /// The name of the record's class in kebab case, and its fields unless all are left out.
    public static String printNamed(Record fields) {
        var text = new StringBuilder(name(fields.getClass()));
        AttributePrinter.printFields(fields, true, text);
        return text.toString();
    }

    /// The name of a record class in kebab case: {@code NestToTile} is {@code nest-to-tile}.
    public static String name(Class<?> type) {
        return type.getSimpleName().replaceAll("(?<!^)([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    /// Reads what {@link #print} writes.
    ///
    /// @throws IrSyntaxException if it is no such record
    public static <R extends Record> R parse(String text, String fileName, Class<R> type) {
        var source = new SourceText(fileName);
        var types = new TypeReader(source);
        var value = source.parser(text).single().value();
        return type.cast(new AttributeReader(source, types, ResourceStore.NONE).read(value, type));
    }

    /// Reads named records in a row.
    ///
    /// @param classes the class of a name
    /// @param known the names to tell where one is unknown
    /// @throws IrSyntaxException if a name is unknown or a record cannot be read
    public static List<Record> parseNamed(
            String text,
            String fileName,
            Function<String, Optional<Class<? extends Record>>> classes,
            List<String> known) {
        var source = new SourceText(fileName);
        var attributes = new AttributeReader(source, new TypeReader(source), ResourceStore.NONE);
        var records = new ArrayList<Record>();
        for (var context : source.parser(text).pipeline().pass()) {
            var name = context.opName().getText();
            var type = classes.apply(name).orElseThrow(() -> unknown(source, context, name, known));
            List<FieldContext> fields =
                    context.record() == null ? List.of() : context.record().field();
            records.add(attributes.record(type, fields, context));
        }
        return records;
    }

    private static IrSyntaxException unknown(
            SourceText source, ParserRuleContext where, String name, List<String> known) {
        return source.error(where, "expected one of " + String.join(", ", known) + ", found '" + name + "'");
    }
}
