package org.portolan.tests.docs;

import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.portolan.ir.Attributes;
import org.portolan.ir.Axis;
import org.portolan.ir.IndexMap;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.OpSchema.Component;
import org.portolan.ir.OpSchema.Role;
import org.portolan.ir.Resource;
import org.portolan.ir.SymbolRange;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Writes the reference of all operations from their records and the comments in the dialects' sources.
final class OpReference {
    private static final String FOLDER = "compiler-ir/src/main/java/org/portolan/ir";
    private static final String EXAMPLES = "compiler-ir/src/test/resources/org/portolan/ir/examples";

    private static final Pattern LINK = Pattern.compile("\\{@link (?:\\w+\\.)?(\\w+)?(?:#(\\w+))?}");
    private static final Map<String, String> NAMES = names();

    private final Path root;
    private final StringBuilder text = new StringBuilder();

    private OpReference(Path root) {
        this.root = root;
    }

    static String generate(Path root) throws IOException {
        var reference = new OpReference(root);
        for (var dialect : Op.class.getPermittedSubclasses()) {
            reference.dialect(dialect);
        }
        return reference.text.toString();
    }

    private void dialect(Class<?> dialect) throws IOException {
        var source = Files.readString(root.resolve(FOLDER).resolve(dialect.getSimpleName() + ".java"));
        var word = dialect.getSimpleName().replace("Op", "").toLowerCase(Locale.ROOT);
        text.append("\n## ").append(word).append("\n\n");
        text.append(comment(source, "public sealed interface " + dialect.getSimpleName())).append("\n");
        for (var type : operations(dialect)) {
            operation(type, source);
        }
        text.append("\n### Example: ").append(word).append("\n\n```ir\n");
        text.append(Files.readString(root.resolve(EXAMPLES).resolve(word + ".ir"))).append("```\n");
    }

    /// The records of a dialect in the order of its source.
    private static List<Class<? extends Op>> operations(Class<?> type) {
        var found = new ArrayList<Class<? extends Op>>();
        if (type.isRecord()) {
            found.add(type.asSubclass(Op.class));
        } else if (type.isSealed()) {
            for (var permitted : type.getPermittedSubclasses()) {
                found.addAll(operations(permitted));
            }
        }
        return found;
    }

    private void operation(Class<? extends Op> type, String source) {
        var schema = OpSchema.of(type);
        text.append("\n### ").append(schema.name()).append("\n\n`").append(form(schema)).append("`\n\n");
        var comment = comment(source, "record " + type.getSimpleName());
        if (comment.isEmpty()) {
            comment = Arrays.stream(type.getInterfaces())
                    .map(parent -> comment(source, "sealed interface " + parent.getSimpleName()))
                    .filter(inherited -> !inherited.isEmpty())
                    .findFirst()
                    .orElse("");
        }
        text.append(comment);
        for (var component : schema.components()) {
            if (component.type() instanceof Class<?> word
                    && word.isEnum()
                    && source.contains("enum " + word.getSimpleName())) {
                constants(word, source);
            }
        }
    }

    private void constants(Class<?> type, String source) {
        var body = source.substring(source.indexOf("enum " + type.getSimpleName()));
        text.append('\n');
        for (var constant : type.getEnumConstants()) {
            var comment = comment(body, ((Enum<?>) constant).name());
            if (!comment.isEmpty()) {
                text.append("- `").append(Attributes.word((Enum<?>) constant)).append("`: ").append(comment);
            }
        }
    }

    private static String form(OpSchema schema) {
        var results = schema.components().stream()
                .filter(part -> part.role() == Role.RESULT || part.role() == Role.RESULT_LIST)
                .map(part -> "%" + part.word() + (part.role() == Role.RESULT_LIST ? ".." : ""))
                .collect(Collectors.joining(", "));
        var operands = schema.components().stream().flatMap(OpReference::operand).collect(Collectors.joining(", "));
        var attributes = schema.components().stream()
                .filter(part -> part.role() == Role.ATTRIBUTE)
                .map(part -> part.word() + " = " + kind(part.type()))
                .collect(Collectors.joining(", "));
        var bodies = schema.components().stream()
                .filter(part -> part.role() == Role.BODY)
                .map(part -> " { " + part.word() + " }")
                .collect(Collectors.joining());
        return (results.isEmpty() ? "" : results + " = ")
                + schema.name()
                + (operands.isEmpty() ? "" : " " + operands)
                + (attributes.isEmpty() ? "" : " <" + attributes + ">")
                + bodies
                + (results.isEmpty() ? "" : " : type" + (results.contains("..") ? ".." : ""));
    }

    private static Stream<String> operand(Component component) {
        return switch (component.role()) {
            case OPERAND -> Stream.of("%" + component.word());
            case OPERAND_LIST -> Stream.of("[%" + component.word() + "..]");
            case OPERAND_OPTIONAL -> Stream.of("%" + component.word() + " or _");
            case RESULT, RESULT_LIST, BODY, ATTRIBUTE -> Stream.empty();
        };
    }

    /// What an attribute of a type may be.
    private static String kind(Type type) {
        if (type instanceof ParameterizedType generic) {
            var item = kind(generic.getActualTypeArguments()[0]);
            return generic.getRawType() == Optional.class ? item + " or nothing" : "[" + item + "..]";
        }
        var plain = (Class<?>) type;
        if (plain == ElementType.class) {
            return "element type";
        } else if (plain.isEnum()) {
            return Arrays.stream(plain.getEnumConstants())
                    .map(constant -> Attributes.word((Enum<?>) constant))
                    .collect(Collectors.joining(" / "));
        } else if (plain == Dim.class) {
            return "expression";
        } else if (plain == Axis.class) {
            return "axis:extent";
        } else if (plain == SymbolRange.class) {
            return "symbol:least..most";
        } else if (plain == IndexMap.class) {
            return "index map";
        } else if (plain == Resource.class) {
            return "data";
        } else if (plain == boolean.class) {
            return "true or false";
        }
        return plain == double.class ? "number" : plain == String.class ? "text" : "integer";
    }

    /// A link to an operation becomes its name in text; one to a constant, its word.
    private static String withoutLinks(String comment) {
        return LINK.matcher(comment).replaceAll(link -> {
            var name = link.group(2) != null ? link.group(2) : link.group(1);
            if (link.group(2) != null) {
                return "`" + name.toLowerCase(Locale.ROOT) + "`";
            }
            return "`" + NAMES.getOrDefault(name, name) + "`";
        });
    }

    private static Map<String, String> names() {
        var names = new HashMap<String, String>();
        for (var dialect : Op.class.getPermittedSubclasses()) {
            for (var type : operations(dialect)) {
                // A name that several dialects have says enough by itself.
                var name = OpSchema.of(type).name();
                names.merge(type.getSimpleName(), name, (left, right) -> right.substring(right.indexOf('.') + 1));
            }
        }
        return names;
    }

    /// The comment before a declaration, as Markdown; empty if there is none.
    private static String comment(String source, String declaration) {
        var lines = "((?:[ \\t]*///[^\\n]*\\n)+)(?:[ \\t]*@[^\\n]*\\n)*[ \\t]*";
        var matcher = Pattern.compile(lines + Pattern.quote(declaration) + "\\b").matcher(source);
        if (!matcher.find()) {
            return "";
        }
        return matcher.group(1)
                .lines()
                .map(line -> line.strip().substring(3).strip())
                .collect(Collectors.joining("\n"))
                .replaceAll("\\{@code ([^{}]*(?:\\{[^{}]*}[^{}]*)*)}", "`$1`")
                .transform(OpReference::withoutLinks)
                .strip()
                .concat("\n");
    }
}
