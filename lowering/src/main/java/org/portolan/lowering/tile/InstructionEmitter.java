package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.lowering.CompileException;

/// Writes the steps of a reduction as instructions on vector registers, where the schedule says so.
abstract class InstructionEmitter extends OnlineEmitter {
    private final Optional<VectorInstructions.Found> found;

    InstructionEmitter(NestAnalysis analysis, Schedule schedule, Map<Value, Value> buffers, MachineOp.Chip machine) {
        super(analysis, schedule, buffers, machine);
        found = schedule.instruction().map(named -> find(analysis, schedule, machine, named));
    }

    private static VectorInstructions.Found find(
            NestAnalysis analysis, Schedule schedule, MachineOp.Chip machine, Schedule.Instruction named) {
        var inputs = analysis.nest().inputs();
        return VectorInstructions.find(
                        analysis, machine, named, value -> schedule.packed(inputs.indexOf(value)).isPresent())
                .orElseThrow(() -> new CompileException("a logged schedule does not fit: the instruction '"
                        + named.intrinsic() + "' of " + machine.name() + " does not do what the nest reduces"));
    }

    boolean isInstruction() {
        return found.isPresent();
    }

    /// One instruction for each accumulator: its lanes lie along one axis, and the innermost axis of the reduction stands
    /// at as many neighbours as each lane sums. Beyond the end of that axis all factors are 0.
    List<Value> instructions(Scope scope, List<Value> accumulators, List<Map<String, Integer>> combinations) {
        var match = found.orElseThrow().match();
        var next = new ArrayList<Value>();
        for (int i = 0; i < combinations.size(); i++) {
            var coordinates = combinations.get(i);
            var sum = accumulators.get(i);
            var arguments = new ArrayList<Value>();
            for (var parameter : match.intrinsic().body().params()) {
                if (match.addend().equals(Optional.of(parameter))) {
                    arguments.add(sum);
                    continue;
                }
                var value = match.operands().get(parameter);
                boolean everyLane = match.order(parameter).size() == 1;
                arguments.add(everyLane ? evaluate(scope, value, coordinates) : panel(scope, value, coordinates));
            }
            var result = sum.copy();
            scope.ops.add(new TileOp.Call(arguments, match.intrinsic().name(), List.of(result)));
            if (match.addend().isEmpty()) {
                var total = sum.copy();
                scope.ops.add(new ArithOp.Add(sum, result, total));
                result = total;
            }
            next.add(result);
        }
        return next;
    }

    /// The neighbours of all lanes, which lie side by side, and what is made of them.
    private Value panel(Scope scope, Value value, Map<String, Integer> coordinates) {
        var instruction = found.orElseThrow();
        int across = coordinates.getOrDefault(instruction.across(), 0);
        return scope.helper(List.of("panel", new Identity(value), across), () -> {
            if (value == instruction.panel().result()) return load(scope, instruction, coordinates);
            var definition = (ArithOp) analysis.definition(value);
            var operands = OpSchema.operands(definition).stream()
                    .map(operand -> panel(scope, operand, coordinates))
                    .toList();
            return arithmetic(scope, definition, operands);
        });
    }

    private Value load(Scope scope, VectorInstructions.Found instruction, Map<String, Integer> coordinates) {
        NestOp.Read read = instruction.panel();
        var indices = read.at().stream()
                .map(index -> firstIndex(scope, index, List.of(), coordinates))
                .toList();
        var type = laneType(instruction.lanes() * instruction.group(), read.result().type().elementType());
        var result = Value.of(type, read.result().hint());
        scope.ops.add(new TileOp.Load(
                memoryOf(read.source()), indices, Optional.empty(), Optional.empty(), result));
        return result;
    }
}
