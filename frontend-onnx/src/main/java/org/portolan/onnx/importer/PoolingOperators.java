package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.several;
import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Windows that are combined into one element each.
final class PoolingOperators {
    static final List<Operator> ROWS = List.of(
            several(1, "MaxPool", PoolingOperators::maxPool),
            since(1, "AveragePool", PoolingOperators::averagePool),
            since(1, "LpPool", PoolingOperators::powerPool),
            since(1, "GlobalMaxPool", call -> global(call, Combine.MAXIMUM)),
            since(1, "GlobalAveragePool", PoolingOperators::globalAverage),
            since(2, "GlobalLpPool", PoolingOperators::globalPower));

    private PoolingOperators() {}

    private static Windows windows(Call call, Operand x) {
        var kernel = call.integers("kernel_shape").orElseThrow(() -> call.error("kernel_shape is missing"));
        if (x.rank() < 3 || kernel.size() != x.rank() - 2) {
            throw call.error("kernel_shape %s does not fit %s".formatted(kernel, x.type()));
        }
        return Windows.pooling(
                call,
                x.dims().subList(2, x.rank()),
                kernel.stream().map(Dim::of).toList(),
                call.flag("ceil_mode", false));
    }

    private static List<Long> extents(Windows windows) {
        return windows.kernel().stream()
                .map(dim -> dim.constant().orElseThrow())
                .toList();
    }

    private static List<Dim> dims(Operand x, Windows windows) {
        var dims = new ArrayList<>(x.dims().subList(0, 2));
        dims.addAll(windows.output());
        return dims;
    }

    private static Operand pool(Call call, Operand x, Combine combine, Windows windows, List<Dim> low) {
        var writer = call.writer();
        return writer.add(
                new GraphOp.Pool(
                        x.value(),
                        combine,
                        extents(windows),
                        windows.strides(),
                        windows.dilations(),
                        low,
                        writer.fresh(x.element(), dims(x, windows))),
                GraphOp.Pool::result);
    }

    private static List<Operand> maxPool(Call call) {
        var x = call.input(0);
        var windows = windows(call, x);
        var results = new ArrayList<>(List.of(pool(call, x, Combine.MAXIMUM, windows, windows.low())));
        if (call.wants(1)) {
            var writer = call.writer();
            results.add(writer.add(
                    new GraphOp.PoolPosition(
                            x.value(),
                            extents(windows),
                            windows.strides(),
                            windows.dilations(),
                            windows.low(),
                            call.integer("storage_order", 0) == 1,
                            writer.fresh(ElementType.I64, dims(x, windows))),
                    GraphOp.PoolPosition::result));
        }
        return results;
    }

    /// The sum divided by how many elements took part: those inside the input, or with `count_include_pad` those inside
    /// the padded input, which is a pooling of ones.
    private static Operand averagePool(Call call) {
        var x = call.input(0);
        var windows = windows(call, x);
        var writer = call.writer();
        boolean padding = call.flag("count_include_pad", false);
        var total = pool(call, x, Combine.SUM, windows, windows.low());
        var onesDims = new ArrayList<>(List.of(Dim.ONE, Dim.ONE));
        for (int axis = 0; axis < windows.kernel().size(); axis++) {
            var extent = x.dim(axis + 2);
            onesDims.add(
                    padding
                            ? extent.plus(windows.low().get(axis))
                                    .plus(windows.high().get(axis))
                            : extent);
        }
        if (isWhole(windows, padding)) {
            double count =
                    extents(windows).stream().mapToDouble(Long::doubleValue).reduce(1, (a, b) -> a * b);
            return writer.map(total, (s, v) -> s.div(v, count));
        }
        var ones = writer.filled(x.element(), onesDims, 1);
        var low = padding ? Collections.nCopies(windows.low().size(), Dim.ZERO) : windows.low();
        var counts = pool(call, ones, Combine.SUM, windows, low);
        return writer.map(x.element(), total, counts, Scalars::div);
    }

    /// Whether every window has all its elements.
    private static boolean isWhole(Windows windows, boolean padding) {
        return IntStream.range(0, windows.kernel().size())
                        .allMatch(axis -> padding
                                || windows.low().get(axis).isConstant(0)
                                        && windows.high().get(axis).isConstant(0))
                && !windows.mayBePartial();
    }

    private static Operand powerPool(Call call) {
        var x = call.input(0);
        var windows = windows(call, x);
        double p = call.integer("p", 2);
        var powers = call.writer().map(x, (s, v) -> power(s, v, p));
        return call.writer().map(pool(call, powers, Combine.SUM, windows, windows.low()), (s, v) -> root(s, v, p));
    }

    private static Value power(Scalars s, Value x, double p) {
        return p == 1 ? s.abs(x) : p == 2 ? s.mul(x, x) : s.pow(s.abs(x), s.number(x, p));
    }

    private static Value root(Scalars s, Value x, double p) {
        return p == 1 ? x : p == 2 ? s.sqrt(x) : s.pow(x, s.number(x, 1 / p));
    }

    private static List<Integer> spatial(Operand x) {
        return IntStream.range(2, x.rank()).boxed().toList();
    }

    private static Operand global(Call call, Combine combine) {
        var x = call.input(0);
        return call.writer().reduceKeeping(x, combine, spatial(x), GraphWriter.accumulator(x.element()), x.element());
    }

    private static Operand globalAverage(Call call) {
        var x = call.input(0);
        return NormalizationOperators.mean(call.writer(), x, spatial(x));
    }

    private static Operand globalPower(Call call) {
        var x = call.input(0);
        double p = call.integer("p", 2);
        var writer = call.writer();
        var powers = writer.map(x, (s, v) -> power(s, v, p));
        var total = writer.reduceKeeping(
                powers, Combine.SUM, spatial(x), GraphWriter.accumulator(x.element()), x.element());
        return writer.map(total, (s, v) -> root(s, v, p));
    }
}
