package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.math.ExpandElementary;
import org.portolan.lowering.vectors.MemoryKernels;
import org.portolan.runtime.type.Dim;

/// Writes a nest out as a kernel for a machine: simpler axes, then a schedule, then loops.
public final class NestToTile {
    /// The most lanes of a vector that lies in memory.
    private static final long LONGEST_VECTOR = 2048;

    private final MachineOp.Chip machine;
    private final TuningLog log;

    public NestToTile(MachineOp.Chip machine) {
        this(machine, TuningLog.EMPTY);
    }

    /// @param log whose schedules are taken rather than chosen
    public NestToTile(MachineOp.Chip machine, TuningLog log) {
        this.machine = machine;
        this.log = log;
    }

    /// The line of a tuning log that says what {@link #lower} does with a nest; none for machines whose vectors lie in memory,
    /// which try schedules until one fits.
    public Optional<TuningLog.Entry> schedule(NestOp.Compute nest, Predicate<Value> isConstant) {
        if (machine.vectors() == MachineOp.Vectors.MEMORY) return Optional.empty();
        var collapsed = simplified(nest);
        var analysis = analysis(collapsed);
        Predicate<Value> constant = value -> isConstant.test(collapsed.originals().get(value));
        var signature = NestSignature.of(analysis.nest(), constant);
        return Optional.of(new TuningLog.Entry(signature, machine.name(), schedule(analysis, constant)));
    }

    private AxisCollapse.Collapsed simplified(NestOp.Compute nest) {
        var simple = AxisCollapse.apply(nest);
        return machine.vectors() == MachineOp.Vectors.THREAD ? UnitRow.add(ImageAxes.join(simple, machine)) : simple;
    }

    private NestAnalysis analysis(AxisCollapse.Collapsed collapsed) {
        var apart = new NestAnalysis(collapsed.nest());
        if (machine.vectors() == MachineOp.Vectors.MEMORY) return apart;
        var united = new NestAnalysis(Rows.unite(collapsed.nest()));
        boolean useful = machine.vectors() == MachineOp.Vectors.THREAD || !KeptScalars.of(united).isEmpty();
        return useful ? united : apart;
    }

    private Schedule schedule(NestAnalysis analysis, Predicate<Value> isConstant) {
        var logged = log.isEmpty()
                ? Optional.<Schedule>empty()
                : log.find(NestSignature.of(analysis.nest(), isConstant), machine.name());
        logged.ifPresent(schedule -> schedule.check(analysis));
        return logged.orElseGet(() -> Scheduler.choose(analysis, machine, isConstant));
    }

    /// Lowers one nest.
    ///
    /// @param name the kernel's name, an identifier
    /// @param isConstant whether an input is known at compile time, so that it can be laid out as the kernel wants it
    public LoweredKernel lower(NestOp.Compute nest, String name, Predicate<Value> isConstant) {
        var collapsed = simplified(nest);
        var analysis = analysis(collapsed);
        Predicate<Value> constant = value -> isConstant.test(collapsed.originals().get(value));
        if (machine.vectors() == MachineOp.Vectors.MEMORY) {
            return product(nest, machine, isConstant)
                    .map(product -> onMatrixUnit(product, name))
                    .orElseGet(() -> inMemory(analysis, collapsed, constant, name));
        }
        return lower(analysis, collapsed, schedule(analysis, constant), name);
    }

    /// A hand-written kernel as this machine runs it.
    public LoweredKernel library(LoweredKernel kernel) {
        return machine.vectors() == MachineOp.Vectors.MEMORY
                ? WholeBlocks.apply(kernel, Math.max(1, machine.alignment()))
                : kernel;
    }

    /// With the longest vectors of which near memory holds as many as the kernel needs.
    private LoweredKernel inMemory(
            NestAnalysis analysis, AxisCollapse.Collapsed collapsed, Predicate<Value> constant, String name) {
        for (long lanes = LONGEST_VECTOR; ; lanes /= 2) {
            var schedule = MemoryScheduler.choose(analysis, machine, constant, lanes);
            var lowered = lower(analysis, collapsed, schedule, name);
            var kernel = MemoryKernels.lower(lowered.kernel(), machine);
            if (lanes < MemoryScheduler.FEWEST_LANES || MemoryKernels.fits(kernel, machine)) {
                return new LoweredKernel(kernel, lowered.arguments(), lowered.extents(), lowered.grid(), lowered.cost());
            }
        }
    }

    /// Whether the nest is a product of matrices that the machine's matrix unit takes.
    static boolean isMatrixProduct(NestOp.Compute nest, MachineOp.Chip machine, Predicate<Value> isConstant) {
        return product(nest, machine, isConstant).isPresent();
    }

    /// Whether there is a schedule that goes along the rows of a nest once.
    public static boolean isOnline(NestOp.Compute nest, MachineOp.Chip machine) {
        var lowering = new NestToTile(machine);
        var analysis = lowering.analysis(lowering.simplified(nest));
        var common = List.copyOf(analysis.commonAxes());
        return machine.vectors() == MachineOp.Vectors.THREAD
                && new OnlineScheduler(analysis, machine, common).choose().isPresent();
    }

    /// The nests that compute a nest whose rows are gone along once, where those are so few and so long that each of them is
    /// divided among several blocks of threads: the parts, and what combines them. The nest alone elsewhere.
    public static List<NestOp.Compute> parts(NestOp.Compute nest, MachineOp.Chip machine) {
        if (!isOnline(nest, machine)) {
            return List.of(nest);
        }
        var lowering = new NestToTile(machine);
        var analysis = lowering.analysis(lowering.simplified(nest));
        var common = List.copyOf(analysis.commonAxes());
        long length = new OnlineScheduler(analysis, machine, common).part();
        return (length == 0 ? Optional.<List<NestOp.Compute>>empty() : RowSplit.apply(nest, length))
                .filter(both -> isOnline(both.getFirst(), machine))
                .orElse(List.of(nest));
    }

    /// Roughly how many cycles a machine whose lanes are threads takes for a nest with one reduction.
    static double cycles(NestOp.Compute nest, MachineOp.Chip machine) {
        var lowering = new NestToTile(machine);
        return ThreadScheduler.cycles(lowering.analysis(lowering.simplified(nest)), machine);
    }

    private record CollapsedProduct(NestAnalysis analysis, AxisCollapse.Collapsed collapsed, MatrixProduct product) {}

    /// A nest with few axes as a product; one row is a matrix too.
    private static Optional<CollapsedProduct> product(
            NestOp.Compute nest, MachineOp.Chip machine, Predicate<Value> isConstant) {
        return product(AxisCollapse.apply(nest), machine, isConstant).or(() -> {
            var to = ((NestOp.Yield) nest.body().terminator()).to().getFirst();
            return to.size() < 2
                    ? Optional.empty()
                    : to.get(to.size() - 2).symbolName().flatMap(row -> product(AxisCollapse.apply(nest, row), machine, isConstant));
        });
    }

    private static Optional<CollapsedProduct> product(
            AxisCollapse.Collapsed collapsed, MachineOp.Chip machine, Predicate<Value> isConstant) {
        var analysis = new NestAnalysis(collapsed.nest());
        return MatrixProduct.match(
                        analysis, machine, value -> isConstant.test(collapsed.originals().get(value)))
                .map(product -> new CollapsedProduct(analysis, collapsed, product));
    }

    private static LoweredKernel onMatrixUnit(CollapsedProduct found, String name) {
        var analysis = found.analysis();
        var collapsed = found.collapsed();
        var product = found.product();
        var sources = List.of(product.left().source(), product.right().source());
        var result = analysis.nest().results().getFirst();
        var params = new ArrayList<Value>();
        var arguments = new ArrayList<Value>();
        Map<Value, Value> buffers = new IdentityHashMap<>();
        for (var source : sources) {
            if (!buffers.containsKey(source)) {
                boolean turned = source == product.right().source() && product.form() == MatrixProduct.Form.TURNED;
                var type = turned ? packed(source, new Schedule.Packed(0, 1, 1, List.of(0))) : rowMajor(source);
                buffers.put(source, Value.of(type, source.hint()));
                params.add(buffers.get(source));
                arguments.add(collapsed.originals().get(source));
            }
        }
        buffers.put(result, Value.of(rowMajor(result), result.hint()));
        params.add(buffers.get(result));
        arguments.add(collapsed.originals().get(result));
        var body = new Body(params, product.emit(analysis, buffers));
        var symbols = new LinkedHashSet<String>();
        params.forEach(param -> param.buffer().dims().forEach(dim -> symbols.addAll(dim.symbols())));
        collectSymbols(body.ops(), symbols);
        symbols.removeIf(symbol -> symbol.startsWith("$"));
        var kernel = new TileOp.Kernel(name, List.copyOf(symbols), List.of(), analysis.nest().origin(), body);
        var work = Dim.product(analysis.nest().axes().stream().map(Axis::extent).toList());
        return new LoweredKernel(
                kernel, arguments, symbols.stream().map(Dim::symbol).toList(), List.of(), work.ceilDivide(64));
    }

    /// A kernel that copies a tensor into a layout.
    ///
    /// @param type the layout; its axes are those of the tensor, or fewer with the same elements in the same order
    /// @param result what the copy is called among the arguments
    public LoweredKernel pack(Value tensor, Type.Buffer type, Value result, String name) {
        var source = Value.of(Type.tensor(type.element(), type.dims()), tensor.hint());
        var axes = new ArrayList<Axis>();
        for (int i = 0; i < type.rank(); i++) axes.add(new Axis("p" + i, type.dims().get(i)));
        var at = axes.stream().map(axis -> Dim.symbol(axis.name())).toList();
        var element = Value.of(Type.scalar(type.element()), tensor.hint());
        var body = new Body(List.of(), List.of(
                new NestOp.Read(source, List.of(), Optional.empty(), at, NestOp.Otherwise.PROVEN, element),
                new NestOp.Yield(List.of(element), List.of(), List.of(at))));
        var nest = new NestOp.Compute(List.of(source), List.of(), axes, List.of(), body, List.of(result));
        var originals = new IdentityHashMap<Value, Value>();
        originals.put(source, tensor);
        originals.put(result, result);
        var analysis = new NestAnalysis(nest);
        var schedule = Scheduler.choose(analysis, machine, _ -> false);
        return lower(analysis, new AxisCollapse.Collapsed(nest, originals), schedule, name, Optional.of(type));
    }

    private LoweredKernel lower(
            NestAnalysis analysis, AxisCollapse.Collapsed collapsed, Schedule schedule, String name) {
        return lower(analysis, collapsed, schedule, name, Optional.empty());
    }

    /// @param layout how the result lies, if not row-major
    private LoweredKernel lower(
            NestAnalysis analysis,
            AxisCollapse.Collapsed collapsed,
            Schedule schedule,
            String name,
            Optional<Type.Buffer> layout) {
        var nest = analysis.nest();
        var params = new ArrayList<Value>();
        var arguments = new ArrayList<Value>();
        Map<Value, Value> buffers = new IdentityHashMap<>();
        var read = new LinkedHashSet<Value>();
        analysis.reads().forEach(access -> read.add(access.source()));
        for (int i = 0; i < nest.inputs().size(); i++) {
            var input = nest.inputs().get(i);
            if (read.contains(input) && !buffers.containsKey(input)) {
                var type = schedule.packed(i).map(packed -> packed(input, packed)).orElseGet(() -> rowMajor(input));
                var param = Value.of(type, input.hint());
                buffers.put(input, param);
                params.add(param);
                arguments.add(collapsed.originals().get(input));
            }
        }
        for (int i = 0; i < nest.results().size(); i++) {
            var result = nest.results().get(i);
            // What is updated in place is one buffer, whether it is read or written.
            if (!nest.into().isEmpty() && buffers.get(nest.into().get(i)) instanceof Value updated) {
                buffers.put(result, updated);
                continue;
            }
            var param = Value.of(layout.orElse(rowMajor(result)), result.hint());
            buffers.put(result, param);
            params.add(param);
            arguments.add(
                    nest.into().isEmpty()
                            ? collapsed.originals().get(result)
                            : collapsed.originals().get(nest.into().get(i)));
        }
        boolean fused = machine.fmaPerCycle() > 0;
        var emitter = new NestEmitter(analysis, schedule, buffers, machine);
        var body = ExpandElementary.expand(new Body(params, emitter.emit()), fused);
        var symbols = new LinkedHashSet<String>();
        params.forEach(param -> param.buffer().dims().forEach(dim -> symbols.addAll(dim.symbols())));
        emitter.grid().forEach(count -> symbols.addAll(count.symbols()));
        collectSymbols(body.ops(), symbols);
        symbols.removeIf(symbol -> symbol.startsWith("$"));
        var kernel = new TileOp.Kernel(
                name, List.copyOf(symbols), emitter.grid(), nest.origin(), body);
        return new LoweredKernel(
                kernel, arguments, symbols.stream().map(Dim::symbol).toList(), emitter.grid(), cost(analysis, schedule));
    }

    private static void collectSymbols(List<Op> ops, LinkedHashSet<String> symbols) {
        for (var op : ops) {
            if (op instanceof TileOp.Expression expression) {
                symbols.addAll(expression.expression().symbols());
            }
            OpSchema.bodies(op).forEach(body -> collectSymbols(body.ops(), symbols));
        }
    }

    /// A rough number of nanoseconds: eight scalar or vector operations for each.
    private static Dim cost(NestAnalysis analysis, Schedule schedule) {
        double work = analysis.nest().body().ops().size();
        for (var reduction : analysis.reductions()) {
            double points = 1;
            for (var axis : reduction.over()) {
                points *= analysis.estimate(axis);
            }
            work += 2 * points;
        }
        double lanes = 1;
        Dim points = Dim.ONE;
        for (var split : schedule.common()) {
            points = points.times(split.block() == 0 ? analysis.extent(split.axis()) : Dim.of(split.block()));
            lanes = Math.max(lanes, split.lanes());
        }
        if (!schedule.stages().isEmpty()) {
            for (var split : schedule.stages().getFirst()) {
                points = points.times(analysis.extent(split.axis()));
                lanes = Math.max(lanes, split.lanes());
            }
        }
        return points.times(Math.max(1, (long) Math.ceil(work))).ceilDivide(Math.max(1, (long) (lanes * 8)));
    }

    static Type.Buffer rowMajor(Value tensor) {
        return new Type.Buffer(tensor.tensor().element(), tensor.tensor().dims(), Type.Space.GLOBAL);
    }

    /// Panels along one axis: {@code (k, n) -> (n/32, k, n%32)}, or {@code (n/32, k/4, n%32, k%4)} in groups of 4.
    private static Type.Buffer packed(Value tensor, Schedule.Packed packed) {
        var dims = tensor.tensor().dims();
        var names = IntStream.range(0, dims.size()).mapToObj(i -> "i" + i).toList();
        var panel = Dim.symbol(names.get(packed.axis()));
        var results = new ArrayList<Dim>();
        var physical = new ArrayList<Dim>();
        results.add(panel.floorDivide(packed.width()));
        physical.add(dims.get(packed.axis()).ceilDivide(packed.width()));
        for (int axis : packed.order()) {
            results.add(Dim.symbol(names.get(axis)));
            physical.add(dims.get(axis));
        }
        var last = results.removeLast();
        results.add(last.floorDivide(packed.group()));
        physical.add(physical.removeLast().ceilDivide(packed.group()));
        results.add(panel.modulo(packed.width()));
        physical.add(Dim.of(packed.width()));
        if (packed.group() > 1) {
            results.add(last.modulo(packed.group()));
            physical.add(Dim.of(packed.group()));
        }
        return new Type.Buffer(
                tensor.tensor().element(),
                dims,
                Type.Space.GLOBAL,
                Optional.of(new IndexMap(names, results)),
                physical);
    }
}
