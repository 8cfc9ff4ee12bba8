package org.portolan.lowering;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.portolan.ir.GraphOp;
import org.portolan.ir.pass.Pipeline;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.plan.HostProgram;
import org.portolan.lowering.plan.PlanBuilder;
import org.portolan.lowering.plan.ProgramBuilder;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.program.ProgramFileWriter;

/// From a function to a program file: what the command line, the tests and embedders call.
public final class Compiler {
    /// The passes between the graph as it was imported and the nests that become kernels.
    public static final String PIPELINE = "graph-to-nest, fuse";

    /// The texts of the levels, in the order of lowering; a code generator has more.
    public static final List<String> LEVELS = List.of("graph", "nest", "tile", "plan");

    private final CompileOptions options;

    public Compiler(CompileOptions options) {
        this.options = options;
    }

    public Compiler() {
        this(CompileOptions.defaults());
    }

    /// Compiles a function for all targets into one program file, which appears when it is complete.
    ///
    /// @throws CompileException if the function cannot be compiled; the message names the node
    /// @throws IOException if the file cannot be written
    public CompileReport compile(GraphOp.Function function, List<Target> targets, Path file) throws IOException {
        if (targets.isEmpty()) {
            throw new CompileException("a program needs a target; name at least one, for example cpu");
        }
        var dump = new Dump(options.dumpFolder());
        int stages = 1 + 2 * targets.size();
        options.progress().begin("graph to nests", 0, stages);
        var graph = FixedShapes.apply(function, options.shapes());
        dump.write("0-graph.ir", () -> IrPrinter.print(graph));
        var nests = lowerGraph(graph);
        dump.write("1-nest.ir", () -> IrPrinter.print(nests));
        var reports = new ArrayList<CompileReport.ForTarget>();
        try (var writer = new ProgramFileWriter(file)) {
            var builder = new ProgramBuilder(writer);
            for (int i = 0; i < targets.size(); i++) {
                var target = targets.get(i);
                var prefix = "2-" + target.name().replace(':', '-') + "-";
                options.progress().begin("nests to kernels for " + target.name(), 1 + 2 * i, stages);
                var program = lower(nests, target);
                dump.write(prefix + "tile.ir", () -> IrPrinter.print(program.kernels()));
                dump.write(prefix + "plan.ir", () -> IrPrinter.print(program.plan()));
                for (var form : dump.isOn() ? target.codegen().textForms() : List.<String>of()) {
                    dump.write(prefix + "kernels." + form, () -> emit(form, program, target));
                }
                options.progress().begin("code for " + target.name(), 2 + 2 * i, stages);
                long start = System.nanoTime();
                var image = target.codegen().compile(program.kernels(), target.machine());
                long nanoseconds = System.nanoTime() - start;
                var plan = builder.add(target, program, image);
                reports.add(CompileReport.ForTarget.of(target, program, plan, image, nanoseconds));
            }
            options.progress().begin("program file", stages, stages);
            writer.finish();
        }
        return new CompileReport(CompileReport.count(graph.body()), CompileReport.count(nests.body()), reports);
    }

    /// One level's text: {@code graph}, {@code nest}, {@code tile}, {@code plan} or a form of the target's code generator.
    ///
    /// @throws CompileException if there is no such form, or the function cannot be lowered
    public String emit(GraphOp.Function function, String form, Target target) {
        if (!LEVELS.contains(form) && !target.codegen().textForms().contains(form)) {
            var forms = new ArrayList<>(LEVELS);
            forms.addAll(target.codegen().textForms());
            throw new CompileException("there is no form '" + form + "' of a model for " + target.name()
                    + "; the forms are " + forms);
        }
        var graph = FixedShapes.apply(function, options.shapes());
        if (form.equals("graph")) {
            return IrPrinter.print(graph);
        }
        var nests = lowerGraph(graph);
        return form.equals("nest") ? IrPrinter.print(nests) : emit(form, lower(nests, target), target);
    }

    private static String emit(String form, HostProgram program, Target target) {
        return switch (form) {
            case "tile" -> IrPrinter.print(program.kernels());
            case "plan" -> IrPrinter.print(program.plan());
            default -> target.codegen().emit(form, program.kernels(), target.machine());
        };
    }

    /// Runs the {@link #PIPELINE}.
    public static GraphOp.Function lowerGraph(GraphOp.Function graph) {
        return (GraphOp.Function) Pipeline.parse(PIPELINE).run(List.of(graph)).getFirst();
    }

    /// The kernels and the host's side of a function of nests.
    public static HostProgram lower(GraphOp.Function nests, Target target) {
        return PlanBuilder.build(nests, new NestToTile(target.machine())::lower);
    }
}
