package org.portolan.tests.filetests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.interpreter.NdArray;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;

/// The directives that interpret code; see the package's description.
record Runs(List<Op> module) {
    private static final Pattern RUN =
            Pattern.compile("([\\w-]+)\\((.*)\\) -> (?:error (.*)|(.*?)(?: within ([-0-9.eE]+))?)");
    private static final Pattern SAME =
            Pattern.compile("([\\w-]+), ([\\w-]+)\\((.*)\\)(?: within ([-0-9.eE]+))?");

    void run(String line) {
        var matcher = matched(RUN, line);
        var function = function(matcher.group(1));
        var inputs = tensors(matcher.group(2));
        if (matcher.group(3) != null) {
            var error = assertThrows(PortolanException.RunFailed.class, () -> interpret(function, inputs));
            assertTrue(error.getMessage().contains(matcher.group(3)), error.getMessage());
        } else {
            agree(tensors(matcher.group(4)), interpret(function, inputs), tolerance(matcher.group(5)));
        }
    }

    void same(String line) {
        var matcher = matched(SAME, line);
        var inputs = tensors(matcher.group(3));
        var expected = interpret(function(matcher.group(2)), inputs);
        var kernel = KernelRun.find(module, matcher.group(1));
        var actual = kernel.isPresent()
                ? kernel.get().run(inputs, expected)
                : interpret(function(matcher.group(1)), inputs);
        agree(expected, actual, tolerance(matcher.group(4)));
    }

    private static void agree(List<NdArray> expected, List<NdArray> actual, double tolerance) {
        assertEquals(expected.size(), actual.size(), "number of results");
        for (int i = 0; i < expected.size(); i++) {
            var left = expected.get(i).toTensor();
            var right = actual.get(i).toTensor();
            assertEquals(left.type(), right.type());
            assertArrayEquals(left.shape(), right.shape());
            double largest = largest(left);
            for (long at = 0; at < left.elements(); at++) {
                double wanted = left.getDouble(at);
                double found = right.getDouble(at);
                boolean close = Double.compare(wanted, found) == 0
                        || Math.abs(wanted - found) <= tolerance * largest;
                assertTrue(close, "result " + i + ", element " + at + ": expected " + wanted + ", found " + found);
            }
        }
    }

    private static double largest(Tensor tensor) {
        double largest = 0;
        for (long at = 0; at < tensor.elements(); at++) {
            largest = Math.max(largest, Math.abs(tensor.getDouble(at)));
        }
        return largest;
    }

    private GraphOp.Function function(String name) {
        return module.stream()
                .filter(op -> op instanceof GraphOp.Function function && function.name().equals(name))
                .map(GraphOp.Function.class::cast)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no function " + name));
    }

    private static List<NdArray> interpret(GraphOp.Function function, List<NdArray> inputs) {
        return new GraphInterpreter(function).runArrays(inputs);
    }

    /// {@code type: resource, ...}; each is what a constant of that type and data holds.
    private static List<NdArray> tensors(String text) {
        var tensors = new ArrayList<NdArray>();
        for (var part : split(text)) {
            int colon = part.indexOf(':');
            var type = part.substring(0, colon).strip();
            var data = part.substring(colon + 1).strip();
            var function = "graph.function <name = argument> { %x = graph.constant <data = " + data + "> : " + type
                    + " graph.return [%x] }";
            var op = (GraphOp.Function) IrParser.parse(function, part).getFirst();
            tensors.addAll(interpret(op, List.of()));
        }
        return tensors;
    }

    /// At the commas outside of brackets.
    private static List<String> split(String text) {
        var parts = new ArrayList<String>();
        int depth = 0;
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            switch (text.charAt(i)) {
                case '[', '(' -> depth++;
                case ']', ')' -> depth--;
                case ',' -> {
                    if (depth == 0) {
                        parts.add(text.substring(start, i).strip());
                        start = i + 1;
                    }
                }
                default -> {}
            }
        }
        if (!text.isBlank()) {
            parts.add(text.substring(start).strip());
        }
        return parts;
    }

    private static double tolerance(String text) {
        return text == null ? 0 : Double.parseDouble(text);
    }

    private static Matcher matched(Pattern pattern, String line) {
        var matcher = pattern.matcher(line);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not understood: " + line);
        }
        return matcher;
    }
}
