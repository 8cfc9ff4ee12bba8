package org.portolan.cli.argument;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// The extents of one input: `input_ids=1x128`. Brackets and commas are understood too.
public record ShapeArgument(String input, List<Long> extents) {
    private static final Pattern FORM = Pattern.compile("(.+?)\\s*=\\s*\\[?\\s*(|\\d+(?:\\s*[x,]\\s*\\d+)*)\\s*]?");

    public ShapeArgument {
        extents = List.copyOf(extents);
    }

    /// @throws IllegalArgumentException where the text has another form
    public static ShapeArgument parse(String text) {
        var matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no shape; expected NAME=1x128");
        }
        return new ShapeArgument(matcher.group(1), extents(matcher.group(2)));
    }

    static List<Long> extents(String text) {
        if (text.isBlank()) return List.of();
        try {
            return Arrays.stream(text.split("[x,]")).map(String::strip).map(Long::valueOf).toList();
        } catch (NumberFormatException _) {
            throw new IllegalArgumentException("'" + text + "' has an extent that is no 64-bit number");
        }
    }

    /// For picocli.
    public static final class Converter implements ITypeConverter<ShapeArgument> {
        @Override
        public ShapeArgument convert(String text) {
            try {
                return parse(text);
            } catch (IllegalArgumentException problem) {
                throw new TypeConversionException(problem.getMessage());
            }
        }
    }
}
