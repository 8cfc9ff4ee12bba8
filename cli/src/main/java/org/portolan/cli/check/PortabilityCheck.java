package org.portolan.cli.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.cli.report.Comparison;
import org.portolan.cli.report.Comparison.Tolerance;
import org.portolan.ir.GraphOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.runtime.Tensor;

/// Compares a model on devices with the interpreter, on one set of inputs.
public final class PortabilityCheck {
    private final GraphOp.Function function;
    private final Map<String, Tensor> inputs;
    private final Map<String, Tensor> expected;

    /// Runs the interpreter.
    public PortabilityCheck(GraphOp.Function function, Map<String, Tensor> inputs) {
        this.function = function;
        this.inputs = inputs;
        this.expected = new GraphInterpreter(function).run(inputs);
    }

    /// How a device runs a function once.
    @FunctionalInterface
    public interface Runner {
        /// @throws Exception where the function cannot be compiled or run
        Map<String, Tensor> run(GraphOp.Function function, Map<String, Tensor> inputs) throws Exception;
    }

    /// One output on one device.
    public record Verdict(String output, Comparison comparison) {}

    /// Where numbers part first.
    ///
    /// @param operation the operation, with the model's name of what it computes
    public record FirstDifference(String operation, Comparison comparison) {}

    /// @param difference absent where all outputs agree, or where they differ only as long as operations are fused
    public record Result(List<Verdict> verdicts, Optional<FirstDifference> difference) {
        public boolean agrees() {
            return verdicts.stream().allMatch(verdict -> verdict.comparison().agrees());
        }
    }

    /// Compares every output; where one differs, every operation.
    public Result on(Runner device) throws Exception {
        var found = device.run(function, inputs);
        var verdicts = new ArrayList<Verdict>();
        expected.forEach((name, tensor) -> verdicts.add(new Verdict(name, compare(tensor, found.get(name)))));
        var result = new Result(verdicts, Optional.empty());
        return result.agrees() ? result : new Result(verdicts, firstDifference(device));
    }

    private Optional<FirstDifference> firstDifference(Runner device) throws Exception {
        var exposed = ExposedValues.of(function);
        var reference = new GraphInterpreter(exposed.function()).run(inputs);
        var found = device.run(exposed.function(), inputs);
        for (var operation : exposed.operations().entrySet()) {
            var comparison = compare(reference.get(operation.getKey()), found.get(operation.getKey()));
            if (!comparison.agrees()) return Optional.of(new FirstDifference(operation.getValue(), comparison));
        }
        return Optional.empty();
    }

    private static Comparison compare(Tensor expected, Tensor found) {
        return Comparison.of(expected, found, Tolerance.of(expected.type()));
    }
}
