package org.portolan.runtime.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.PortolanException.BadDataFile;

/// A JSON value (RFC 8259).
public sealed interface Json {

    /// Members in order.
    record Members(Map<String, Json> members) implements Json {
        public Members {
            members = Collections.unmodifiableMap(new LinkedHashMap<>(members));
        }

        /// The member of that name.
        ///
        /// @throws BadDataFile if there is none
        public Json get(String name) {
            var member = members.get(name);
            if (member == null) {
                throw new BadDataFile("JSON: expected a member '" + name + "' beside " + members.keySet());
            }
            return member;
        }
    }

    record Elements(List<Json> elements) implements Json {
        public Elements {
            elements = List.copyOf(elements);
        }
    }

    record Text(String value) implements Json {}

    /// A number as it was written, so that no digit is lost.
    record Numeric(String digits) implements Json {}

    record Truth(boolean value) implements Json {}

    record Nothing() implements Json {}

    /// Reads a text.
    ///
    /// @throws BadDataFile naming line and column
    static Json parse(String text) {
        return new JsonReader(text).read();
    }

    /// The value of a string, number, boolean, null, {@code Map}, {@code Iterable} or Json. A number that is not finite
    /// becomes null, since JSON has none.
    static Json of(Object value) {
        return switch (value) {
            case null -> new Nothing();
            case Json json -> json;
            case Boolean truth -> new Truth(truth);
            case Double number -> Double.isFinite(number) ? new Numeric(number.toString()) : new Nothing();
            case Float number -> Float.isFinite(number) ? new Numeric(number.toString()) : new Nothing();
            case Number number -> new Numeric(number.toString());
            case Map<?, ?> map -> {
                var members = new LinkedHashMap<String, Json>();
                map.forEach((name, member) -> members.put(name.toString(), of(member)));
                yield new Members(members);
            }
            case Iterable<?> iterable -> {
                var elements = new ArrayList<Json>();
                iterable.forEach(element -> elements.add(of(element)));
                yield new Elements(elements);
            }
            default -> new Text(value.toString());
        };
    }

    /// This as an object.
    default Members asMembers() {
        return this instanceof Members members ? members : wrong("an object");
    }

    /// This as an array.
    default List<Json> asList() {
        return this instanceof Elements(var elements) ? elements : wrong("an array");
    }

    default String asText() {
        return this instanceof Text(var value) ? value : wrong("a string");
    }

    default boolean asBoolean() {
        return this instanceof Truth(boolean value) ? value : wrong("true or false");
    }

    default long asLong() {
        if (this instanceof Numeric(var digits)) {
            try {
                return Long.parseLong(digits);
            } catch (NumberFormatException e) {
                return wrong("an integer of 64 bits");
            }
        }
        return wrong("an integer");
    }

    default double asDouble() {
        return this instanceof Numeric(var digits) ? Double.parseDouble(digits) : wrong("a number");
    }

    private <T> T wrong(String expected) {
        var text = print();
        throw new BadDataFile("JSON: expected " + expected + " and got "
                + (text.length() > 40 ? text.substring(0, 40) + "..." : text));
    }

    /// The text on one line.
    default String print() {
        return new JsonPrinter(false).print(this);
    }

    /// The text with a line for each member and for each element that is an object or an array, and a newline at the
    /// end.
    default String printLines() {
        return new JsonPrinter(true).print(this) + "\n";
    }
}
