package org.portolan.lowering.plan;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import org.portolan.ir.GraphOp;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.TextLibrary;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.math.ExpandElementary;
import org.portolan.lowering.tile.LoweredKernel;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The kernels that libraries bring as text, called by name. A kernel's parameters are the call's arguments and then its
/// results; their extents give the kernel's symbols their numbers, and the call's options, in order, give them to those
/// symbols that are no extent.
final class LibraryKernels {
    private static final String FOLDER = "kernels/";
    private static final LibraryKernels ALL = new LibraryKernels(ServiceLoader.load(TextLibrary.class));

    private final Map<String, TileOp.Kernel> kernels = new LinkedHashMap<>();

    private LibraryKernels(Iterable<TextLibrary> libraries) {
        for (var library : libraries) {
            for (var name : library.names()) {
                if (!name.startsWith(FOLDER)) {
                    continue;
                }
                for (var op : IrParser.parse(library.read(name), name)) {
                    if (op instanceof TileOp.Kernel kernel) {
                        kernels.putIfAbsent(kernel.name(), kernel);
                    }
                }
            }
        }
    }

    /// The kernel of a call, with what its launch passes.
    ///
    /// @throws CompileException if there is none of that name, or it cannot take these arguments
    static LoweredKernel lower(GraphOp.Call call) {
        var kernel = kernel(call);
        var arguments = arguments(call);
        var numbers = numbers(kernel, arguments, call.options());
        var extents = kernel.symbols().stream().map(numbers::get).toList();
        var grid = kernel.grid().stream().map(count -> count.substitute(numbers::get)).toList();
        var expanded = new TileOp.Kernel(
                kernel.name(),
                kernel.symbols(),
                kernel.grid(),
                call.results().stream().map(Value::hint).toList(),
                ExpandElementary.expand(kernel.body(), false));
        return new LoweredKernel(expanded, arguments, extents, grid, cost(arguments, grid));
    }

    /// What must hold for the kernel of a call to stay inside of its buffers: extents that it takes to be one number are.
    ///
    /// @throws CompileException if there is none of that name, or it cannot take these arguments
    static List<PlanOp.Check> checks(GraphOp.Call call) {
        var kernel = kernel(call);
        var arguments = arguments(call);
        var numbers = numbers(kernel, arguments, call.options());
        var checks = new ArrayList<PlanOp.Check>();
        for (int i = 0; i < arguments.size(); i++) {
            var taken = kernel.body().params().get(i).buffer().dims();
            var given = arguments.get(i).tensor().dims();
            for (int axis = 0; axis < taken.size(); axis++) {
                var needed = taken.get(axis).substitute(numbers::get);
                if (!needed.equals(given.get(axis))) {
                    var what = "kernel '%s': axis %d of %s must be its %s"
                            .formatted(kernel.name(), axis, arguments.get(i), taken.get(axis));
                    checks.add(new PlanOp.Check(given.get(axis), Relation.EQUAL, needed, what));
                }
            }
        }
        return checks;
    }

    private static TileOp.Kernel kernel(GraphOp.Call call) {
        var kernel = ALL.kernels.get(call.kernel());
        if (kernel == null) {
            throw new CompileException("no library has a kernel '" + call.kernel() + "'; there are " + ALL.kernels.keySet());
        }
        return kernel;
    }

    private static List<Value> arguments(GraphOp.Call call) {
        var arguments = new ArrayList<>(call.arguments());
        arguments.addAll(call.results());
        return arguments;
    }

    /// The element types that the kernel of a call uses.
    static Set<ElementType> elementTypes(GraphOp.Call call) {
        var used = EnumSet.copyOf(ElementTypesUsed.of(call));
        var kernel = ALL.kernels.get(call.kernel());
        if (kernel != null) {
            used.addAll(ElementTypesUsed.of(kernel.body()));
        }
        return used;
    }

    private static Map<String, Dim> numbers(TileOp.Kernel kernel, List<Value> arguments, List<Long> options) {
        var params = kernel.body().params();
        if (params.size() != arguments.size()) {
            throw new CompileException("kernel '" + kernel.name() + "' takes " + params.size()
                    + " buffers, results included, and was given " + arguments.size());
        }
        var numbers = new LinkedHashMap<String, Dim>();
        for (int i = 0; i < params.size(); i++) {
            var param = params.get(i).buffer();
            var tensor = arguments.get(i).tensor();
            if (param.element() != tensor.element() || param.rank() != tensor.rank()) {
                throw new CompileException("kernel '" + kernel.name() + "' takes " + param + " and was given "
                        + arguments.get(i));
            }
            for (int axis = 0; axis < param.rank(); axis++) {
                var extent = tensor.dim(axis);
                param.dims().get(axis).symbolName().ifPresent(symbol -> numbers.putIfAbsent(symbol, extent));
            }
        }
        var free = kernel.symbols().stream().filter(symbol -> !numbers.containsKey(symbol)).toList();
        if (free.size() != options.size()) {
            throw new CompileException("kernel '" + kernel.name() + "' needs numbers for " + free + " and was given "
                    + options);
        }
        for (int i = 0; i < free.size(); i++) {
            numbers.put(free.get(i), Dim.of(options.get(i)));
        }
        return numbers;
    }

    /// A nanosecond for each element, spread over the grid.
    private static Dim cost(List<Value> arguments, List<Dim> grid) {
        Dim elements = Dim.ZERO;
        for (var argument : arguments) {
            elements = elements.plus(argument.tensor().elements());
        }
        return elements.ceilDivide(Dim.product(grid).maximum(Dim.ONE));
    }
}
