package org.portolan.lowering;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.lowering.plan.HostProgram;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.type.Dim;

/// What a compilation made of a model.
///
/// @param graphOperations by name, for example {@code graph.mat-mul}
/// @param nestOperations by name, what is left after fusion
public record CompileReport(
        Map<String, Long> graphOperations, Map<String, Long> nestOperations, List<ForTarget> targets) {
    public CompileReport {
        targets = List.copyOf(targets);
    }

    /// @param launches in the order of the plan, those of branches and loops among them
    /// @param kernels how many different ones
    /// @param arena bytes that a run takes, by the inputs' symbols
    /// @param weightBytes that the plan reads
    /// @param codeNanoseconds that the code generator took
    public record ForTarget(
            String name,
            String machine,
            List<Launch> launches,
            int kernels,
            Dim arena,
            long weightBytes,
            long imageBytes,
            long codeNanoseconds) {
        public ForTarget {
            launches = List.copyOf(launches);
        }

        static ForTarget of(Target target, HostProgram program, Plan plan, Codegen.Image image, long nanoseconds) {
            var launches = new ArrayList<Launch>();
            collect(program.plan().body(), launches);
            var weights = new HashMap<Long, Long>();
            for (var slot : plan.slots()) {
                if (slot instanceof Slot.Weight weight) {
                    weights.put(weight.offset(), weight.bytes());
                }
            }
            return new ForTarget(
                    target.name(),
                    target.machine().name(),
                    launches,
                    program.kernels().size() + program.hostKernels().size(),
                    plan.arenaBytes(),
                    weights.values().stream().mapToLong(Long::longValue).sum(),
                    image.bytes().length,
                    nanoseconds);
        }

        private static void collect(Body body, List<Launch> launches) {
            for (var op : body.ops()) {
                if (op instanceof PlanOp.Launch launch) {
                    launches.add(new Launch(launch.kernel(), launch.place(), launch.origin()));
                }
                OpSchema.bodies(op).forEach(inner -> collect(inner, launches));
            }
        }
    }

    /// @param origin names of the model's nodes that the kernel computes
    public record Launch(String kernel, PlanOp.Place place, List<String> origin) {
        public Launch {
            origin = List.copyOf(origin);
        }
    }

    /// How often each operation stands in a body and those within it, not counting scalar ones.
    static Map<String, Long> count(Body body) {
        var counts = new LinkedHashMap<String, Long>();
        count(body, counts);
        return counts;
    }

    private static void count(Body body, Map<String, Long> counts) {
        for (var op : body.ops()) {
            counts.merge(OpSchema.of(op).name(), 1L, Long::sum);
            if (op instanceof GraphOp.If || op instanceof GraphOp.Loop) {
                OpSchema.bodies(op).forEach(inner -> count(inner, counts));
            }
        }
    }
}
