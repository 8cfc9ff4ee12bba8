package org.portolan.cli.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.Tensor;

/// Devices that err on purpose must be caught, and where they err must be named.
class PortabilityCheckTest {
    private static final String TEXT =
            """
            graph.function <name = main> { (%x: f32[2]) ->
              %double = graph.map [%x] { (%v: f32) ->
                %s = arith.add %v, %v : f32
                graph.yield [%s]
              } : f32[2]
              %square = graph.map [%double] { (%v: f32) ->
                %s = arith.mul %v, %v : f32
                graph.yield [%s]
              } : f32[2]
              %y = graph.map [%square] { (%v: f32) ->
                %s = arith.neg %v : f32
                graph.yield [%s]
              } : f32[2]
              graph.return [%y]
            }
            """;

    private final GraphOp.Function function = (GraphOp.Function) IrParser.parse(TEXT, "test").getFirst();
    private final Map<String, Tensor> inputs = Map.of("x", Tensor.of(new float[] {1, 2}, 2));
    private final PortabilityCheck check = new PortabilityCheck(function, inputs);

    @Test
    void theInterpreterAgreesWithItself() throws Exception {
        assertTrue(check.on((given, tensors) -> new GraphInterpreter(given).run(tensors)).agrees());
    }

    @Test
    void theFirstDifferingOperationIsNamed() throws Exception {
        var result = check.on((given, tensors) -> spoilt(given, tensors, "value.1", "value.2", "y"));
        assertFalse(result.agrees());
        var difference = result.difference().orElseThrow();
        assertEquals("graph.map of 'square'", difference.operation());
        assertTrue(difference.comparison().problem().contains("expected 16.0, found 17.0"), difference.comparison()::problem);
    }

    @Test
    void aDifferenceThatOnlyFusionMakesIsSaidAsSuch() throws Exception {
        var result = check.on((given, tensors) -> spoilt(given, tensors, "y"));
        assertFalse(result.agrees());
        assertTrue(result.difference().isEmpty());
    }

    private static Map<String, Tensor> spoilt(GraphOp.Function given, Map<String, Tensor> tensors, String... names) {
        var results = new LinkedHashMap<>(new GraphInterpreter(given).run(tensors));
        for (var name : names) {
            results.computeIfPresent(name, (_, tensor) -> {
                var values = tensor.toFloatArray();
                values[1] += 1;
                return Tensor.of(values, 2);
            });
        }
        return results;
    }
}
