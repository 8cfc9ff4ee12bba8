package org.portolan.opencl.codegen;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.TileOp;
import org.portolan.lowering.cases.ArithmeticCase;
import org.portolan.lowering.cases.ArithmeticSuite;
import org.portolan.opencl.DeviceKernel;

/// Every operation on a device. The vectors have 12 lanes, so that each is two vectors of OpenCL C. Some types stand for the
/// others, since drivers compile each kernel when it is launched: with `-Dportolan.arithmetic=all` all types are tested.
class OpenClArithmeticTest extends ArithmeticSuite {
    private static final boolean ALL = System.getProperty("portolan.arithmetic", "").equals("all");
    private static final int COUNT = 251;
    private static final int LANES = 12;

    private String machine;

    @BeforeEach
    void processor() {
        machine = "opencl-cpu";
    }

    @Override
    protected Stream<String> integers() {
        return ALL ? super.integers() : Stream.of("i8", "i32", "u64", "i4");
    }

    @Override
    protected Stream<String> floats() {
        return ALL ? super.floats() : Stream.of("f32", "f64", "f16", "bf16", "f8e5m2fnuz");
    }

    @Override
    protected Stream<String> sources() {
        return ALL ? super.sources() : Stream.of("f64", "f16", "i64");
    }

    /// A device without double precision computes what is short in single precision, and rounds once all the same.
    @ParameterizedTest
    @CsvSource({"f16", "bf16"})
    void floatOperationsWithoutDoubles(String name) {
        machine = "opencl-gpu";
        floatOperations(name);
    }

    @Override
    protected void run(List<ArithmeticCase> cases) {
        var chip = DeviceKernel.chip(machine);
        var kernels = new ArrayList<TileOp.Kernel>();
        for (int i = 0; i < 2 * cases.size(); i++) {
            if (runs(cases, i)) {
                var text = cases.get(i / 2).text(i % 2 == 1 ? LANES : 1);
                kernels.add(DeviceKernel.kernel(text.replace("name = apply", "name = apply" + i)));
            }
        }
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        try (var library = new DeviceKernel(DeviceKernel.device(), kernels, chip)) {
            for (int i = 0; i < 2 * cases.size(); i++) {
                if (runs(cases, i)) {
                    var name = "apply" + i;
                    cases.get(i / 2).check(
                            (buffers, count, points) -> library.run(name, buffers, List.of(count), points),
                            COUNT,
                            i % 2 == 1 ? LANES : 1);
                }
            }
        }
    }

    /// Scalars take the same way through the emitter as vectors do, but for what C promotes. A machine of threads has
    /// nothing else.
    private boolean runs(List<ArithmeticCase> cases, int number) {
        var each = cases.get(number / 2);
        boolean vectors = number % 2 == 1;
        return machine.equals("opencl-cpu")
                ? vectors || ALL || each.left().equals("i32") || each.left().equals("f16") && !each.body().contains("cast")
                : !vectors;
    }
}
