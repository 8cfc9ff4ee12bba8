package org.portolan.ir.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.Op;
import org.portolan.ir.verify.Verifier;
import org.portolan.ir.verify.VerifierException;

/// A damaged text is refused with a place, or read as something that prints and reads back; nothing else happens.
class MutatedTextTest {
    private static final Pattern TOKEN = Pattern.compile("\\s+|[\\w.$]+|\"[^\"]*\"|.", Pattern.DOTALL);
    private static final ResourceStore STORE = (name, offset, bytes) -> MemorySegment.ofArray(new byte[(int) bytes]);

    @ParameterizedTest
    @ValueSource(strings = {"arith", "graph", "nest", "tile", "plan", "machine"})
    void isRefusedOrRead(String dialect) throws IOException {
        var tokens = TOKEN.matcher(example(dialect)).results().map(match -> match.group()).toList();
        var random = new Random(dialect.hashCode());
        int refused = 0;
        for (int round = 0; round < 120; round++) {
            var text = mutate(tokens, random);
            try {
                var module = IrParser.parse(text, dialect, STORE);
                survives(module);
            } catch (IrSyntaxException error) {
                assertTrue(error.line() > 0 && error.getMessage().startsWith(dialect + ":"), error.getMessage());
                refused++;
            } catch (RuntimeException error) {
                throw new AssertionError("round " + round + " of " + dialect, error);
            }
        }
        assertTrue(refused > 50, "only " + refused + " were refused");
    }

    private static void survives(List<Op> module) {
        var printed = IrPrinter.print(module);
        assertEquals(printed, IrPrinter.print(IrParser.parse(printed, "printed", STORE)));
        try {
            Verifier.verify(module);
        } catch (VerifierException _) {
            // A rule that only the whole shows; it is refused in words.
        }
    }

    private static String mutate(List<String> tokens, Random random) {
        var mutated = new ArrayList<>(tokens);
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            int at = random.nextInt(mutated.size());
            switch (random.nextInt(4)) {
                case 0 -> mutated.remove(at);
                case 1 -> mutated.add(at, tokens.get(random.nextInt(tokens.size())));
                case 2 -> mutated.set(at, tokens.get(random.nextInt(tokens.size())));
                default -> mutated.set(at, "99999999999999999999");
            }
        }
        return String.join("", mutated);
    }

    private static String example(String dialect) throws IOException {
        try (var stream = MutatedTextTest.class.getResourceAsStream("/org/portolan/ir/examples/" + dialect + ".ir")) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
