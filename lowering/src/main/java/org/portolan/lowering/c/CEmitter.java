package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Kernels as text of a language of the C family.
///
/// A kernel without loops over threads is run by independent threads, one for each point of its grid, numbered
/// row-major; threads beyond the last point do nothing. A kernel with such loops is run by one block of threads for each
/// point. The error word is 0 until something fails; then it holds `code << 32 | failure`, where failures count from 1
/// within a kernel.
///
/// Buffers of one launch do not overlap, except that several parameters may be the same buffer if the kernel writes to
/// none of them.
public final class CEmitter {
    private final Words words;
    private final Map<String, String> intrinsics;
    private final Helpers helpers;

    private CEmitter(Words words, Map<String, String> intrinsics) {
        this.words = words;
        this.intrinsics = intrinsics;
        helpers = new Helpers(words);
    }

    /// @param kernels in the order of the text
    public record Source(String text, List<Kernel> kernels) {}

    /// What a launch must know.
    ///
    /// @param name in the plan
    /// @param function in the text
    /// @param block threads of a block; 0 where each point of the grid is a thread on its own
    /// @param sharedBytes what a block shares
    /// @param exchanges whether threads of a warp exchange what they have
    public record Kernel(
            String name, String function, int buffers, int symbols, long block, long sharedBytes, boolean exchanges) {}

    /// One text with all the kernels.
    ///
    /// @param intrinsics the machine's spelling of each
    /// @throws EmitException if the language cannot say a kernel; the message names the kernel
    public static Source emit(List<TileOp.Kernel> kernels, Words words, Map<String, String> intrinsics) {
        var emitter = new CEmitter(words, intrinsics);
        var functions = new StringBuilder();
        var entries = new ArrayList<Kernel>();
        var names = new HashSet<>(words.reserved());
        for (var kernel : kernels) {
            var function = Code.clean(kernel.name());
            for (int number = 2; !names.add(function); number++) {
                function = Code.clean(kernel.name()) + "_" + number;
            }
            try {
                functions.append('\n').append(emitter.kernel(kernel, function, entries));
            } catch (EmitException problem) {
                throw new EmitException("kernel " + kernel.name() + " of " + String.join(", ", kernel.origin()) + ": "
                        + problem.getMessage());
            }
        }
        var text = words.prelude(emitter.helpers.doubles()) + "\n" + emitter.helpers.text() + functions;
        return new Source(text, List.copyOf(entries));
    }

    private String kernel(TileOp.Kernel kernel, String function, List<Kernel> entries) {
        var code = new Code(words.reserved());
        var beginning = new Code(Set.of());
        var builder = new Builder(words, code, helpers);
        var dims = new DimWriter(builder);
        var threads = new ThreadLoops(kernel);
        var written = new HashSet<Value>();
        boolean exchanges = exchanges(kernel.body());
        boolean waits = scan(kernel.body(), written, new IdentityHashMap<>()) || exchanges;
        for (var name : List.of("thread", "point", "points", "alive", "error")) {
            code.fresh(name);
        }
        var buffers = new ArrayList<Words.Parameter>();
        var places = new ArrayList<Place>();
        for (var parameter : kernel.body().params()) {
            var type = parameter.buffer();
            var hint = parameter.hint().isEmpty() ? "buffer" : parameter.hint();
            var buffer = new Words.Parameter(
                    code.fresh(hint), CType.inMemory(type.element()), written.contains(parameter));
            buffers.add(buffer);
            places.add(new Place(type, buffer.name(), Term.index(0), false, !buffer.written()));
        }
        var symbols = new ArrayList<String>();
        for (var symbol : kernel.symbols()) {
            var name = code.fresh(symbol);
            symbols.add(name);
            dims.define(symbol, Term.of(CType.INDEX, name));
        }
        if (words.near().isPresent()) {
            return nearKernel(kernel, function, entries, new Near(words.near().get(), builder, dims, beginning, buffers, symbols));
        }
        for (var buffer : buffers) {
            var statement = words.place(buffer);
            if (!statement.isEmpty()) {
                code.line(statement);
            }
        }
        var points = points(kernel, builder, dims, threads.block() > 0);
        if (threads.block() > 0) {
            code.line("const " + words.type(CType.INDEX) + " thread = " + words.threadNumber() + ";");
        }
        boolean kept = waits && threads.block() > 0;
        if (kept) {
            code.line(words.type(CType.TRUTH) + " alive = true;");
        }
        var values = new Values(builder);
        var writer = new TileWriter(
                builder, dims, values, threads, beginning, intrinsics, Optional.empty(), points, kept);
        for (int i = 0; i < places.size(); i++) {
            values.bind(kernel.body().params().get(i), places.get(i));
        }
        writer.emit(kernel.body());
        entries.add(new Kernel(
                kernel.name(), function, buffers.size(), symbols.size(), threads.block(), writer.sharedBytes(), exchanges));
        var origin = kernel.origin().isEmpty() ? "" : "// " + String.join(", ", kernel.origin()).replaceAll("[\n\\\\]", " ") + "\n";
        return origin + words.kernelHead(function, buffers, symbols, threads.block()) + "\n" + beginning + code + "}\n";
    }

    private record Near(
            NearWords words, Builder builder, DimWriter dims, Code beginning, List<Words.Parameter> buffers, List<String> symbols) {}

    /// A kernel for cores that each take some of the points.
    private String nearKernel(TileOp.Kernel kernel, String function, List<Kernel> entries, Near near) {
        var code = near.builder().code;
        List.of("pipe", "stage", "tiling", "end", "at", "bits", "order", "fetch", "put", "report").forEach(code::fresh);
        boolean matrices = NearWriter.isOfMatrices(kernel.body());
        near.words().begin(near.buffers(), near.symbols(), function, matrices).forEach(code::line);
        var values = new Values(near.builder());
        var own = new NearWriter(near.builder(), near.dims(), near.words(), values, kernel, intrinsics);
        var writer = new TileWriter(
                near.builder(),
                near.dims(),
                values,
                new ThreadLoops(kernel),
                near.beginning(),
                intrinsics,
                Optional.of(own),
                List.of(),
                false);
        for (int i = 0; i < near.buffers().size(); i++) {
            own.bind(kernel.body().params().get(i), near.buffers().get(i));
        }
        writer.emit(kernel.body());
        near.words().end(matrices).forEach(code::line);
        entries.add(new Kernel(kernel.name(), function, near.buffers().size(), near.symbols().size(), 0, 0, false));
        var origin = kernel.origin().isEmpty() ? "" : "// " + String.join(", ", kernel.origin()).replaceAll("[\n\\\\]", " ") + "\n";
        return origin + words.kernelHead(function, near.buffers(), near.symbols(), 0) + "\n" + near.beginning() + code + "}\n";
    }

    /// Takes the point of this thread or block apart into its index along each axis. Threads are packed into blocks, so
    /// that some may lie beyond the last point.
    private List<Term> points(TileOp.Kernel kernel, Builder builder, DimWriter dims, boolean blocks) {
        var code = builder.code;
        var count = dims.invariant(Dim.product(kernel.grid()));
        var point = Term.of(CType.INDEX, "point").asNonNegative();
        code.line("const " + words.type(CType.INDEX) + " point = " + words.globalNumber(blocks) + ";");
        code.line("if (point >= " + count + ") return;");
        return indices(kernel, builder, dims, point);
    }

    /// The index of a point along each axis of the grid, the last one fastest.
    static List<Term> indices(TileOp.Kernel kernel, Builder builder, DimWriter dims, Term point) {
        var indices = new ArrayList<Term>();
        Term rest = point;
        for (int axis = kernel.grid().size() - 1; axis >= 0; axis--) {
            if (axis == 0) {
                indices.addFirst(rest);
            } else if (kernel.grid().get(axis).isConstant(1) || kernel.grid().get(axis).isConstant(0)) {
                // One point along the axis, or a grid of none: compilers refuse to divide by a known 0 even there.
                indices.addFirst(Term.index(0));
            } else {
                var extent = dims.invariant(kernel.grid().get(axis));
                indices.addFirst(builder.let("at", builder.binary("%", rest, extent)).asNonNegative());
                rest = builder.let("rest", builder.binary("/", rest, extent)).asNonNegative();
            }
        }
        return indices;
    }

    private static boolean exchanges(Body body) {
        return body.ops().stream().anyMatch(op -> op instanceof TileOp.Exchange
                || OpSchema.bodies(op).stream().anyMatch(CEmitter::exchanges));
    }

    /// Finds what is stored to, through views, and whether there are barriers.
    private static boolean scan(Body body, Set<Value> written, Map<Value, Value> views) {
        boolean waits = false;
        for (var op : body.ops()) {
            if (op instanceof TileOp.View(Value buffer, var _, Value result)) {
                views.put(result, views.getOrDefault(buffer, buffer));
            } else if (op instanceof TileOp.Store store) {
                written.add(views.getOrDefault(store.buffer(), store.buffer()));
            } else if (op instanceof TileOp.Atomic atomic) {
                written.add(views.getOrDefault(atomic.buffer(), atomic.buffer()));
            } else if (op instanceof TileOp.Copy copy) {
                written.add(views.getOrDefault(copy.to(), copy.to()));
            } else if (op instanceof TileOp.Put put) {
                written.add(views.getOrDefault(put.to(), put.to()));
            } else if (op instanceof TileOp.Map map) {
                written.add(views.getOrDefault(map.to(), map.to()));
            } else if (op instanceof TileOp.Call call) {
                call.arguments().stream()
                        .filter(argument -> argument.type() instanceof Type.Buffer)
                        .forEach(argument -> written.add(views.getOrDefault(argument, argument)));
            }
            waits |= op instanceof TileOp.Barrier;
            for (var inner : OpSchema.bodies(op)) {
                waits |= scan(inner, written, views);
            }
        }
        return waits;
    }
}
