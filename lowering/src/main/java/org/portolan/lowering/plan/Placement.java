package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp.Place;
import org.portolan.ir.Value;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.lowering.tile.TuningLog;
import org.portolan.runtime.type.ElementType;

/// Which kernels run on the machine and which on the host beside it: those that use an element type which the machine
/// lacks. Nothing else is moved.
final class Placement {
    private final String machine;
    private final Set<ElementType> missing;
    private final NestLowering device;
    private final Optional<NestLowering> host;

    private Placement(String machine, Set<ElementType> missing, NestLowering device, Optional<NestLowering> host) {
        this.machine = machine;
        this.missing = missing;
        this.device = device;
        this.host = host;
    }

    /// Everything on one machine.
    static Placement on(NestLowering device) {
        return new Placement("", Set.of(), device, Optional.empty());
    }

    /// @param log schedules that are taken rather than chosen
    /// @param host the machine of the host beside an accelerator; empty where there is none, or where {@code machine} is
    ///     the host
    static Placement of(MachineOp.Chip machine, TuningLog log, Set<ElementType> missing, Optional<MachineOp.Chip> host) {
        return new Placement(
                machine.name(),
                missing,
                new MachineLowering(new NestToTile(machine, log)),
                host.map(chip -> new MachineLowering(new NestToTile(chip, log))));
    }

    /// @throws CompileException if the operation needs the host and there is no code generator for it
    Place of(Op op) {
        if (missing.isEmpty()) {
            return Place.DEVICE;
        }
        var used = op instanceof GraphOp.Call call ? LibraryKernels.elementTypes(call) : ElementTypesUsed.of(op);
        var lacking = used.stream().filter(missing::contains).toList();
        if (lacking.isEmpty()) {
            return Place.DEVICE;
        }
        if (host.isEmpty()) {
            throw new CompileException(describe(op) + " uses " + lacking + ", which the machine '" + machine
                    + "' has not, and no code generator for the host is there to take it; compile for a machine that has"
                    + " it, or put the host's backend on the class path");
        }
        return Place.HOST;
    }

    NestLowering lowering(NestOp.Compute nest) {
        return lowering(of(nest));
    }

    NestLowering lowering(Place place) {
        return switch (place) {
            case DEVICE -> device;
            case HOST -> host.orElseThrow();
        };
    }

    private static String describe(Op op) {
        var names = new ArrayList<>(op instanceof NestOp.Compute nest ? nest.origin() : List.<String>of());
        if (names.isEmpty()) {
            OpSchema.results(op).stream().map(Value::hint).forEach(names::add);
        }
        return "'" + String.join(", ", names) + "'";
    }
}
