package org.portolan.lowering;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.pass.Canonicalize;
import org.portolan.ir.pass.CheckExtents;
import org.portolan.ir.pass.FoldConstants;
import org.portolan.ir.pass.Pass;
import org.portolan.ir.pass.PassDumps;
import org.portolan.ir.pass.PassException;
import org.portolan.ir.pass.PassListener;
import org.portolan.ir.pass.PassVerification;
import org.portolan.ir.pass.Pipeline;
import org.portolan.ir.pass.Reproducer;
import org.portolan.ir.text.IrPrinter;
import org.portolan.lowering.nest.ChannelsLast;
import org.portolan.lowering.nest.Fuse;
import org.portolan.lowering.nest.GraphToNest;
import org.portolan.lowering.nest.IntegerProducts;
import org.portolan.lowering.nest.JoinInPlace;
import org.portolan.lowering.nest.PaddedReads;
import org.portolan.lowering.plan.FuseRows;
import org.portolan.lowering.plan.HostProgram;
import org.portolan.lowering.plan.NestToTile;
import org.portolan.lowering.plan.PlanMemory;
import org.portolan.lowering.plan.ProgramBuilder;
import org.portolan.runtime.program.ProgramFileWriter;

/// From a function to a program file: what the command line, the tests and embedders call.
public final class Compiler {
    /// The passes between the graph as it was imported and the nests that become kernels.
    public static final Pipeline TO_NESTS =
            Pipeline.of(new FoldConstants(), new Canonicalize(), new CheckExtents(), new GraphToNest(), new Fuse());

    /// The texts of the levels, in the order of lowering; a code generator has more.
    public static final List<String> LEVELS = List.of("graph", "nest", "tile", "plan");

    /// The form in which a tuning log is: a line for each nest.
    public static final String SCHEDULES = "schedules";

    private final CompileOptions options;

    public Compiler(CompileOptions options) {
        this.options = options;
    }

    public Compiler() {
        this(CompileOptions.defaults());
    }

    /// The passes from nests to kernels and a plan with its memory.
    public static Pipeline toKernels(Target target) {
        return toKernels(target, Optional.empty());
    }

    private static Pipeline toKernels(Target target, Optional<Path> tuning) {
        var passes = new ArrayList<Pass>();
        passes.add(new IntegerProducts(target.name()));
        // Where lanes are explicit, a vector wants neighbours and a guard costs a branch.
        if (target.machine().vectors() == MachineOp.Vectors.REGISTER) {
            passes.add(new ChannelsLast());
            passes.add(new JoinInPlace());
            passes.add(new PaddedReads());
        }
        if (target.machine().vectors() == MachineOp.Vectors.THREAD) {
            passes.add(new FuseRows(target.name()));
        }
        passes.add(new NestToTile(target.name(), tuning.map(Path::toString)));
        passes.add(new PlanMemory());
        return new Pipeline(passes);
    }

    /// Compiles a function for all targets into one program file, which appears when it is complete.
    ///
    /// @throws CompileException if the function cannot be compiled; the message names the node
    /// @throws org.portolan.ir.IrException if the function breaks a rule of the IR, or a pass fails
    /// @throws IOException if the file cannot be written
    public CompileReport compile(GraphOp.Function function, List<Target> targets, Path file) throws IOException {
        if (targets.isEmpty()) {
            throw new CompileException("a program needs a target; name at least one, for example cpu");
        }
        int stages = 2 + 2 * targets.size();
        options.progress().begin("graph to nests", 0, stages);
        var graph = FixedShapes.apply(function, options.shapes());
        var nests = lowerGraph(graph);
        var reports = new ArrayList<CompileReport.ForTarget>();
        try (var writer = new ProgramFileWriter(file)) {
            options.signingKey().ifPresent(writer::signWith);
            var builder = new ProgramBuilder(writer);
            for (var target : targets) {
                int done = 1 + 2 * reports.size();
                options.progress().begin("nests to kernels for " + target.name(), done, stages);
                var program = lower(nests, target);
                dumpCode(program, target);
                options.progress().begin("code for " + target.name(), done + 1, stages);
                long start = System.nanoTime();
                var image = target.codegen().compile(program.kernels(), target.machine());
                long nanoseconds = System.nanoTime() - start;
                var plan = builder.add(target, program, image, hostImage(program));
                reports.add(CompileReport.ForTarget.of(target, program, plan, image, nanoseconds));
            }
            options.progress().begin("program file", stages - 1, stages);
            writer.finish();
        }
        return new CompileReport(CompileReport.count(graph.body()), CompileReport.count(nests.body()), reports);
    }

    /// One level's text: {@code graph}, {@code nest}, {@code tile}, {@code plan}, {@code schedules} or a form of the target's code generator.
    ///
    /// @throws CompileException if there is no such form, or the function cannot be lowered
    public String emit(GraphOp.Function function, String form, Target target) {
        if (form.equals(SCHEDULES)) {
            var graph = lowerGraph(FixedShapes.apply(function, options.shapes()));
            return Schedules.text(graph, target, options.tuning());
        }
        if (!LEVELS.contains(form) && !target.codegen().textForms().contains(form)) {
            var forms = new ArrayList<>(LEVELS);
            forms.add(SCHEDULES);
            forms.addAll(target.codegen().textForms());
            throw new CompileException("there is no form '" + form + "' of a model for " + target.name()
                    + "; the forms are " + forms);
        }
        if (LEVELS.contains(form)) {
            return IrPrinter.print(level(function, form, target));
        }
        var graph = FixedShapes.apply(function, options.shapes());
        return target.codegen().emit(form, lower(lowerGraph(graph), target).kernels(), target.machine());
    }

    /// The operations of one of the {@link #LEVELS}.
    ///
    /// @throws CompileException if the function cannot be lowered
    public List<Op> level(GraphOp.Function function, String level, Target target) {
        var graph = FixedShapes.apply(function, options.shapes());
        return switch (level) {
            case "graph" -> List.of(graph);
            case "nest" -> List.of(lowerGraph(graph));
            case "tile" -> {
                var program = lower(lowerGraph(graph), target);
                var kernels = new ArrayList<Op>(program.kernels());
                kernels.addAll(program.hostKernels());
                yield kernels;
            }
            case "plan" -> List.of(lower(lowerGraph(graph), target).plan());
            default -> throw new CompileException("there is no level '" + level + "'; the levels are " + LEVELS);
        };
    }

    /// The function as the nests that become kernels.
    public GraphOp.Function lowerGraph(GraphOp.Function graph) {
        return (GraphOp.Function) run(toNests(), graph, "nests").getFirst();
    }

    private Pipeline toNests() {
        if (options.narrow().isEmpty()) {
            return TO_NESTS;
        }
        var passes = new ArrayList<Pass>(List.of(new FoldConstants(), new Canonicalize(), options.narrow().get()));
        passes.addAll(TO_NESTS.passes());
        return new Pipeline(passes);
    }

    /// The kernels and the host's side of a function of nests.
    public HostProgram lower(GraphOp.Function nests, Target target) {
        var lowered = run(toKernels(target, options.tuning()), nests, folder(target));
        return HostProgram.of(lowered);
    }

    /// The code of the kernels that run on the host beside the target, where there are such.
    public static Optional<ProgramBuilder.HostImage> hostImage(HostProgram program) {
        if (program.hostKernels().isEmpty()) {
            return Optional.empty();
        }
        var host = Targets.host().orElseThrow();
        var image = host.codegen().compile(program.hostKernels(), host.machine());
        return Optional.of(new ProgramBuilder.HostImage(host, image));
    }

    private List<Op> run(Pipeline pipeline, GraphOp.Function function, String folder) {
        var listeners = new ArrayList<PassListener>(List.of(new PassVerification()));
        listeners.addAll(options.listeners());
        var dumps = options.dumpFolder().map(path -> path.resolve(folder));
        dumps.ifPresent(path -> listeners.add(new PassDumps(path)));
        var reproducer = dumps.map(path -> new Reproducer(path.resolve("reproducer"), false));
        try {
            return pipeline.run(List.of(function), listeners, reproducer);
        } catch (PassException failure) {
            // What the model cannot have is not a pass that went wrong.
            throw failure.getCause() instanceof CompileException cause ? cause : failure;
        }
    }

    private void dumpCode(HostProgram program, Target target) throws IOException {
        if (options.dumpFolder().isPresent()) {
            var code = new CodeDump(options.dumpFolder().get().resolve(folder(target)));
            code.write(program.kernels(), target);
        }
    }

    private static String folder(Target target) {
        return target.name().replaceAll("[:+=]", "-");
    }
}
