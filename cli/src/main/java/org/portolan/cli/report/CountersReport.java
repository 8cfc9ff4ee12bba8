package org.portolan.cli.report;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.device.Counters.KernelCounts;

/// What a device has counted of its kernels.
public final class CountersReport {
    private static final int KINDS = 5;

    private CountersReport() {}

    /// Prints a table, the kernel with the most instructions first, or one JSON document.
    public static void print(List<KernelCounts> kernels, boolean json, PrintWriter out) {
        if (json) {
            out.print(Json.of(Document.of("kernels", kernels.stream().map(CountersReport::document).toList()))
                    .printLines());
            out.flush();
            return;
        }
        if (kernels.isEmpty()) {
            out.println("no kernel ran");
            out.flush();
            return;
        }
        var header = new ArrayList<String>(List.of("kernel", "launches", "instructions"));
        header.addAll(kernels.getFirst().figures().keySet());
        header.addAll(List.of("commonest", "computes"));
        var table = new Table(header.toArray(String[]::new));
        for (var kernel : kernels) {
            var cells = new ArrayList<Object>(List.of(kernel.kernel(), kernel.launches(), kernel.instructions()));
            kernel.figures().values().forEach(figure -> cells.add(number(figure)));
            cells.add(kernel.executed().entrySet().stream()
                    .limit(KINDS)
                    .map(kind -> kind.getKey() + " " + kind.getValue())
                    .collect(Collectors.joining(", ")));
            cells.add(kernel.origin());
            table.row(cells.toArray());
        }
        table.print(out);
    }

    private static String number(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : String.format(Locale.ROOT, "%.2f", value);
    }

    private static Map<String, Object> document(KernelCounts kernel) {
        return Document.of(
                "kernel", kernel.kernel(),
                "origin", kernel.origin(),
                "launches", kernel.launches(),
                "instructions", kernel.instructions(),
                "figures", kernel.figures(),
                "executed", kernel.executed());
    }
}
