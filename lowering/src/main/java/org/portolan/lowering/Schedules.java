package org.portolan.lowering;

import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Value;
import org.portolan.ir.pass.Pipeline;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.lowering.tile.TuningLog;

/// The schedules of a function's nests as a tuning log: what the scheduler chose, to be changed by hand or by a search.
final class Schedules {
    private final NestToTile lowering;
    private final Set<Value> constants = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<String> lines = new LinkedHashSet<>();

    private Schedules(NestToTile lowering) {
        this.lowering = lowering;
    }

    /// Each nest's origin as a comment, and its line.
    ///
    /// @param nests the function before it is lowered for the target
    static String text(GraphOp.Function nests, Target target, Optional<Path> tuning) {
        var passes = Compiler.toKernels(target).passes();
        var before = new Pipeline(passes.subList(0, passes.size() - 2)).run(List.of(nests));
        var schedules = new Schedules(
                new NestToTile(target.machine(), tuning.map(TuningLog::read).orElse(TuningLog.EMPTY)));
        for (var op : before) OpSchema.bodies(op).forEach(schedules::add);
        return String.join("\n", schedules.lines) + "\n";
    }

    private void add(Body body) {
        for (Op op : body.ops()) {
            if (op instanceof NestOp.Compute nest) {
                lowering.schedule(nest, constants::contains)
                        .filter(entry -> lines.stream().noneMatch(line -> line.endsWith("\n" + entry)))
                        .ifPresent(entry -> lines.add("// " + String.join(", ", nest.origin()) + "\n" + entry));
                continue;
            }
            if (op instanceof GraphOp.Constant constant) constants.add(constant.result());
            OpSchema.bodies(op).forEach(this::add);
        }
    }
}
