package org.portolan.lowering.plan;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.pass.Pass;
import org.portolan.lowering.Machines;
import org.portolan.lowering.Target;
import org.portolan.lowering.Targets;
import org.portolan.lowering.tile.SplitProducts;
import org.portolan.lowering.tile.SplitSums;
import org.portolan.lowering.tile.TuningLog;

/// Turns every function of nests into the kernels that a machine runs and the {@code plan.program} that launches them.
///
/// @param machine a target, {@code cpu} or {@code cpu:znver5}, with numbers of its own or without, or a machine's name alone
/// @param tuning a file with a {@link TuningLog}, if one is used
public record NestToTile(String machine, Optional<String> tuning) implements Pass {

    public NestToTile(String machine) {
        this(machine, Optional.empty());
    }

    @Override
    public List<Op> run(List<Op> module) {
        var placement = placement();
        var lowered = new ArrayList<Op>();
        for (var op : module) {
            if (op instanceof GraphOp.Function function) {
                var chip = target().machine();
                var split = SplitSums.apply(SplitProducts.apply(function, chip), chip);
                var program = PlanBuilder.build(split, placement);
                lowered.addAll(program.kernels());
                lowered.addAll(program.hostKernels());
                lowered.add(program.plan());
            } else {
                lowered.add(op);
            }
        }
        return lowered;
    }

    /// The host takes what the machine lacks types for, if the machine is not the host itself.
    private Placement placement() {
        var target = target();
        var chip = target.machine();
        var log = tuning.map(file -> TuningLog.read(Path.of(file))).orElse(TuningLog.EMPTY);
        if (target.codegen().hostMachine().isPresent()) {
            return Placement.of(chip, log, Set.of(), Optional.empty());
        }
        return Placement.of(chip, log, Machines.missingTypes(chip), Targets.host().map(Target::machine));
    }

    private Target target() {
        return Targets.named(machine);
    }
}
