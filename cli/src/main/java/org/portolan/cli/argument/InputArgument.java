package org.portolan.cli.argument;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.portolan.runtime.type.ElementType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// One input of a model: its name and where its numbers come from.
public record InputArgument(String input, Source source) {
    private static final Pattern TYPED = Pattern.compile("((?:\\d+x)*)([a-z]\\w*)=(.*)", Pattern.DOTALL);
    private static final Pattern RANDOM = Pattern.compile("random\\(\\s*(?:seed\\s*=\\s*(-?\\d+))?\\s*\\)");
    private static final String FORMS =
            "expected NAME=@FILE.npy, NAME=1x3xf32=random(seed=7), NAME=2x2xf32=[[1 2][3 4]] or NAME=1x3xf32=@FILE.bin";

    /// Where the numbers come from.
    public sealed interface Source {}

    /// A file that says type and shape itself (`.npy`, `.npz`, `.pb`).
    public record File(Path path) implements Source {}

    /// A file of nothing but elements, row-major, little-endian and packed.
    public record RawFile(ElementType type, List<Long> extents, Path path) implements Source {}

    /// Numbers drawn by a generator; the same seed gives the same numbers on every machine.
    public record Random(ElementType type, List<Long> extents, OptionalLong seed) implements Source {}

    /// Numbers written out; brackets only help the eye. One number stands for all.
    public record Literal(ElementType type, List<Long> extents, List<String> elements) implements Source {}

    /// @throws IllegalArgumentException where the text has another form
    public static InputArgument parse(String text) {
        var split = text.indexOf('=');
        if (split < 1) throw new IllegalArgumentException("'" + text + "' is no input; " + FORMS);
        return new InputArgument(text.substring(0, split), source(text.substring(split + 1)));
    }

    private static Source source(String text) {
        if (text.startsWith("@")) return new File(Path.of(text.substring(1)));
        var typed = TYPED.matcher(text);
        if (!typed.matches()) throw new IllegalArgumentException("'" + text + "' gives no input; " + FORMS);
        var dimensions = typed.group(1);
        var extents = dimensions.isEmpty()
                ? List.<Long>of()
                : ShapeArgument.extents(dimensions.substring(0, dimensions.length() - 1));
        var type = ElementType.parse(typed.group(2));
        return typed(type, extents, typed.group(3).strip());
    }

    private static Source typed(ElementType type, List<Long> extents, String value) {
        if (value.startsWith("@")) return new RawFile(type, extents, Path.of(value.substring(1)));
        var random = RANDOM.matcher(value);
        if (random.matches()) {
            var seed = random.group(1);
            return new Random(type, extents, seed == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(seed)));
        }
        var elements = List.of(value.replaceAll("[\\[\\],\\s]+", " ").strip().split(" "));
        return new Literal(type, extents, elements);
    }

    /// For picocli.
    public static final class Converter implements ITypeConverter<InputArgument> {
        @Override
        public InputArgument convert(String text) {
            try {
                return parse(text);
            } catch (IllegalArgumentException problem) {
                throw new TypeConversionException(problem.getMessage());
            }
        }
    }
}
