package org.portolan.runtime.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.PortolanException.BadDataFile;

final class JsonTest {
    private final Random random = new Random(2);

    @Test
    void everyValueReadsBackInBothForms() {
        for (int round = 0; round < 1000; round++) {
            var value = value(0);
            assertEquals(value, Json.parse(value.print()));
            assertEquals(value, Json.parse(value.printLines()));
        }
    }

    private Json value(int depth) {
        return switch (random.nextInt(depth > 4 ? 4 : 6)) {
            case 0 -> Json.of(random.nextLong());
            case 1 -> Json.of(random.nextGaussian());
            case 2 -> Json.of(text());
            case 3 -> Json.of(random.nextBoolean() ? null : random.nextBoolean());
            case 4 -> Json.of(List.of(value(depth + 1), value(depth + 1)));
            default -> {
                var members = new LinkedHashMap<String, Json>();
                members.put(text(), value(depth + 1));
                members.put(text(), value(depth + 1));
                yield Json.of(members);
            }
        };
    }

    private String text() {
        var text = new StringBuilder();
        for (int length = random.nextInt(6); length > 0; length--) {
            text.append((char) random.nextInt(random.nextBoolean() ? 128 : 65536));
        }
        return text.toString();
    }

    @Test
    void printsWhatPeopleExpect() {
        var value = Json.of(Map.of("a", Arrays.asList(1, 2.5, null, true, "x\"\n")));
        assertEquals("{\"a\": [1, 2.5, null, true, \"x\\\"\\n\"]}", value.print());
        assertEquals("{\n  \"a\": [1, 2.5, null, true, \"x\\\"\\n\"]\n}\n", value.printLines());
        assertEquals("null", Json.of(Double.NaN).print());
        assertEquals(7, Json.parse(" {\"b\" : 7 } ").asMembers().get("b").asLong());
        assertEquals("\u00e9/", Json.parse("\"\\u00e9\\/\"").asText());
    }

    @Test
    void saysWhereTheTextIsWrong() {
        for (var text : List.of("", "{", "[1,]", "{\"a\":1,}", "01", "1.", "nul", "\"a", "\"\\x\"", "[1] 2", "{a:1}",
                "\"\t\"", "-", "{\"a\":1,\"a\":2}", "[".repeat(100_000))) {
            var error = assertThrows(BadDataFile.class, () -> Json.parse(text), text);
            assertTrue(error.getMessage().startsWith("JSON, line 1, column "), error.getMessage());
        }
        var error = assertThrows(BadDataFile.class, () -> Json.parse("{\n  \"a\": ?}"));
        assertTrue(error.getMessage().startsWith("JSON, line 2, column 8"), error.getMessage());
        assertThrows(BadDataFile.class, () -> Json.parse("{}").asMembers().get("a"));
        assertThrows(BadDataFile.class, () -> Json.parse("1.5").asLong());
        assertThrows(BadDataFile.class, () -> Json.parse("1").asText());
    }
}
