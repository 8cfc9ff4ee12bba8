package org.portolan.onnx.cases;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.portolan.ir.verify.Verifier;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.importer.ImportOptions;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;

/// Damaged bytes of a model are refused with a typed error, or they make another model that can be imported. Nothing else
/// happens: no other exception, no endless loop, no memory that the file does not pay for.
class MutatedModelTest {
    private static final int ROUNDS = 12;
    private static final byte[] EDGES = {0, 1, 0x7f, (byte) 0x80, (byte) 0xff};
    private static final long[] NUMBERS = {0, 1, -1, 2, 3, -7, 1L << 31, -(1L << 40), 1L << 62, Long.MIN_VALUE};
    private static final Pattern INTEGER = Pattern.compile("(?:i|ints): (-?\\d+)");
    private static final ImportOptions SMALL = new ImportOptions(Map.of(), 1L << 24);

    @Test
    void damagedBytesAreRefusedOrImported() {
        var random = new Random(1);
        var refused = 0;
        var imported = 0;
        for (var operator : OperatorCases.all()) {
            var bytes = operator.model();
            for (var round = 0; round < ROUNDS; round++) {
                if (isImported(mutate(bytes, random), operator.toString())) imported++;
                else refused++;
            }
        }
        assertTrue(refused > 500 && imported > 200, refused + " refused, " + imported + " imported");
    }

    /// Files that are well-formed and whose operators don't fit what they are given.
    @Test
    void otherAttributesAndOperandsAreRefusedOrImported() {
        var random = new Random(2);
        var refused = 0;
        var imported = 0;
        for (var operator : OperatorCases.all()) {
            for (var round = 0; round < ROUNDS; round++) {
                var mutated = mutate(operator, random);
                if (isImported(mutated.model(), mutated.toString())) imported++;
                else refused++;
            }
        }
        assertTrue(refused > 500 && imported > 500, refused + " refused, " + imported + " imported");
    }

    private static boolean isImported(byte[] bytes, String about) {
        try {
            var model = new OnnxReader().model(MemorySegment.ofArray(bytes));
            Verifier.verify(List.of(new OnnxImporter(SMALL).function(model)));
            return true;
        } catch (OnnxException refusal) {
            assertFalse(refusal.getMessage().isBlank(), about);
            return false;
        } catch (RuntimeException | Error defect) {
            throw new AssertionError(about + ": " + HexFormat.of().formatHex(bytes), defect);
        }
    }

    /// Flips bits, sets bytes to values at the edge, or, more rarely, takes a piece out, doubles one, or cuts the end off.
    private static byte[] mutate(byte[] bytes, Random random) {
        var mutated = bytes.clone();
        for (var times = Math.max(1, random.nextInt(4)); times > 0 && mutated.length > 8; times--) {
            var at = random.nextInt(mutated.length);
            var length = Math.min(random.nextInt(1, 9), mutated.length - at);
            switch (random.nextInt(20)) {
                case 0 -> mutated = joined(Arrays.copyOf(mutated, at), Arrays.copyOfRange(mutated, at + length, mutated.length));
                case 1 -> mutated = joined(Arrays.copyOf(mutated, at + length), Arrays.copyOfRange(mutated, at, mutated.length));
                case 2 -> mutated = Arrays.copyOf(mutated, Math.max(8, at));
                case 3, 4, 5, 6, 7, 8 -> mutated[at] = EDGES[random.nextInt(EDGES.length)];
                default -> mutated[at] ^= (byte) (1 << random.nextInt(8));
            }
        }
        return mutated;
    }

    private static byte[] joined(byte[] head, byte[] tail) {
        var all = Arrays.copyOf(head, head.length + tail.length);
        System.arraycopy(tail, 0, all, head.length, tail.length);
        return all;
    }

    /// Other numbers in the attributes, other shapes, inputs that are missing or exchanged, another version.
    private static OperatorCase mutate(OperatorCase operator, Random random) {
        var attributes = operator.attributes();
        var inputs = new ArrayList<>(operator.inputs());
        var opset = operator.opset();
        for (var times = random.nextInt(1, 3); times > 0; times--) {
            if (inputs.isEmpty()) break;
            var at = random.nextInt(inputs.size());
            switch (random.nextInt(6)) {
                case 0, 1 -> attributes = withOtherNumber(attributes, random);
                case 2 -> opset = random.nextInt(1, 24);
                case 3 -> inputs.replaceAll(input -> input.equals(inputs.get(at)) ? withOtherShape(input, random) : input);
                case 4 -> Collections.swap(inputs, at, random.nextInt(inputs.size()));
                default -> inputs.set(at, "");
            }
        }
        return new OperatorCase(operator.operator(), opset, operator.outputs(), attributes, inputs);
    }

    private static String withOtherNumber(String attributes, Random random) {
        var numbers = INTEGER.matcher(attributes).results().toList();
        if (numbers.isEmpty()) return attributes;
        var chosen = numbers.get(random.nextInt(numbers.size()));
        return attributes.substring(0, chosen.start(1)) + NUMBERS[random.nextInt(NUMBERS.length)] + attributes.substring(chosen.end(1));
    }

    /// The type stays and given elements are forgotten: they would not fit.
    private static String withOtherShape(String input, Random random) {
        if (input.isEmpty()) return input;
        var extents = new StringJoiner(",", "[", "]");
        for (var axis = random.nextInt(5); axis > 0; axis--) extents.add("" + random.nextInt(5));
        return input.substring(0, input.indexOf('[')) + extents;
    }
}
