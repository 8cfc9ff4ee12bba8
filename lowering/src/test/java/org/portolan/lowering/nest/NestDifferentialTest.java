package org.portolan.lowering.nest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.interpreter.NdArray;
import org.portolan.ir.pass.Pass;
import org.portolan.ir.text.IrPrinter;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementTypes;

/// Random functions give the same numbers as a graph, as nests and as fused nests.
class NestDifferentialTest {
    private static final int FUNCTIONS = Integer.getInteger("portolan.nest.functions", 300);
    private static final long FIRST = Long.getLong("portolan.nest.seed", 0);

    @Test
    void nestsComputeWhatTheGraphSays() {
        int compared = 0;
        for (long seed = FIRST; seed < FIRST + FUNCTIONS; seed++) {
            var graph = RandomGraph.of(seed);
            var inputs =
                    RandomGraph.inputs(graph, seed).stream().map(NdArray::of).toList();
            List<NdArray> expected;
            try {
                expected = new GraphInterpreter(graph).runArrays(inputs);
            } catch (PortolanException.RunFailed e) {
                continue; // an index into nothing: the operation is not defined
            }
            var nests = apply(new GraphToNest(), graph, seed);
            compare(graph, nests, inputs, expected, seed);
            compare(graph, apply(new Fuse(), nests, seed), inputs, expected, seed);
            compared++;
        }
        assertTrue(compared > FUNCTIONS * 2 / 3, compared + " of " + FUNCTIONS + " functions had a result");
    }

    private static GraphOp.Function apply(Pass pass, GraphOp.Function function, long seed) {
        try {
            return (GraphOp.Function) pass.run(List.of(function)).getFirst();
        } catch (RuntimeException e) {
            throw new AssertionError("seed " + seed + ", " + pass.name() + "\n" + IrPrinter.print(function), e);
        }
    }

    private static void compare(
            GraphOp.Function graph, GraphOp.Function nests, List<NdArray> inputs, List<NdArray> expected, long seed) {
        List<NdArray> found;
        try {
            found = new GraphInterpreter(nests).runArrays(inputs);
        } catch (RuntimeException e) {
            throw new AssertionError("seed " + seed + "\n" + IrPrinter.print(graph) + IrPrinter.print(nests), e);
        }
        assertEquals(expected.size(), found.size());
        for (int i = 0; i < expected.size(); i++) {
            int output = i;
            var difference = difference(expected.get(i).toTensor(), found.get(i).toTensor());
            assertTrue(
                    difference.isEmpty(),
                    () -> "seed " + seed + ", output " + output + " of " + inputs + ": " + difference + "\n"
                            + IrPrinter.print(graph) + IrPrinter.print(nests));
        }
    }

    private static String difference(Tensor expected, Tensor found) {
        if (expected.type() != found.type() || expected.elements() != found.elements()) {
            return expected + " against " + found;
        }
        // Sums may be rounded in another order: what counts is the size of the numbers that were summed.
        double largest = 1;
        for (long i = 0; i < expected.elements(); i++) {
            double number = Math.abs(ElementTypes.getDouble(expected.type(), expected.data(), i));
            largest = Double.isFinite(number) ? Math.max(largest, number) : largest;
        }
        double tolerance = expected.type().isFloat() ? 1e-5 * largest : 0;
        for (long i = 0; i < expected.elements(); i++) {
            double left = ElementTypes.getDouble(expected.type(), expected.data(), i);
            double right = ElementTypes.getDouble(found.type(), found.data(), i);
            boolean near =
                    left == right || Double.isNaN(left) && Double.isNaN(right) || Math.abs(left - right) <= tolerance;
            if (!near) {
                return "element " + i + ": " + left + " against " + right;
            }
        }
        return "";
    }
}
