package org.portolan.lowering.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Resource;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.plan.Slot;

/// Plans of random functions, walked over one arena, against the functions themselves.
class PlanDifferentialTest {
    private static final int FUNCTIONS = 400;

    /// The weight's value stands in for its offset.
    private static Slot.Weight weight(PlanOp.Constant constant) {
        long bytes = BufferTypes.bytes(constant.result().buffer()).constant().getAsLong();
        return new Slot.Weight("w", ((Resource.SplatInteger) constant.data()).value(), bytes);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3})
    void plansComputeWhatTheirFunctionsSay(long n) {
        for (int seed = 0; seed < FUNCTIONS; seed++) {
            var function = RandomFunction.of(seed);
            var program = PlanBuilder.build(function, new FakeLowering());
            var plan = PlanWriter.write(MemoryPlanner.place(program.plan()), PlanDifferentialTest::weight);
            var updates = new HashMap<String, Boolean>();
            collectUpdates(function.body(), updates);
            var expected = FunctionReference.run(function, n);
            assertEquals(
                    expected, PlanSimulator.run(plan, n, updates), "seed " + seed + "\n" + IrPrinter.print(function));
        }
    }

    private static void collectUpdates(Body body, Map<String, Boolean> updates) {
        for (var op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                updates.put(nest.origin().getFirst(), !nest.into().isEmpty());
            }
            OpSchema.bodies(op).forEach(inner -> collectUpdates(inner, updates));
        }
    }

    @Test
    void textsOfBothFormsReadBack() {
        for (int seed = 0; seed < 50; seed++) {
            var program = MemoryPlanner.place(
                    PlanBuilder.build(RandomFunction.of(seed), new FakeLowering()).plan());
            var text = IrPrinter.print(program);
            var read = IrParser.parse(text, "plan.ir");
            assertEquals(text, IrPrinter.print(read));
            var plan = PlanWriter.write(program, PlanDifferentialTest::weight);
            assertEquals(plan, Plan.parse(plan.toString()));
            var again = PlanWriter.write((PlanOp.Program) read.getFirst(), PlanDifferentialTest::weight);
            assertEquals(withOutputs(plan, again.outputs()), again);
        }
    }

    /// A text cannot call two values the same: an output that has the name of an input gets another.
    private static Plan withOutputs(Plan plan, List<Port> outputs) {
        return new Plan(
                plan.inputs(),
                outputs,
                plan.symbols(),
                plan.slots(),
                plan.kernels(),
                plan.steps(),
                plan.arenaBytes());
    }

    @Test
    void kernelsThatDoTheSameAreKeptOnce() {
        var program = PlanBuilder.build(RandomFunction.of(5), new FakeLowering());
        long launches = count(program.plan().body());
        assertTrue(program.kernels().size() < launches, program.kernels().size() + " of " + launches);
        assertEquals(
                program.kernels().size(),
                program.kernels().stream().map(kernel -> kernel.name()).distinct().count());
    }

    private static long count(Body body) {
        return body.ops().stream()
                .mapToLong(op -> op instanceof PlanOp.Launch ? 1 : countAll(OpSchema.bodies(op)))
                .sum();
    }

    private static long countAll(List<Body> bodies) {
        return bodies.stream().mapToLong(PlanDifferentialTest::count).sum();
    }
}
