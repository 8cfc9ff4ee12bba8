package org.portolan.llvm;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.lowering.cases.ArithmeticCase;
import org.portolan.lowering.cases.ArithmeticSuite;

/// Every operation of kernels for this processor, in vectors of 16, and for older and other ones.
class ArithmeticTest extends ArithmeticSuite {
    private static final int COUNT = 1003;
    private static final int LANES = 16;

    private boolean oldProcessor;
    private MachineOp.Chip chip;

    @BeforeEach
    void thisProcessor() {
        oldProcessor = false;
        chip = HostKernel.chip(LlvmTarget.host(), 64);
    }

    @Override
    protected void run(List<ArithmeticCase> cases) {
        var kernels = new ArrayList<TileOp.Kernel>();
        for (int i = 0; i < 2 * cases.size(); i++) {
            if (runs(cases, i)) {
                kernels.add(kernel(cases, i));
            }
        }
        try (var library = new HostKernel(kernels, chip)) {
            for (int i = 0; i < 2 * cases.size(); i++) {
                if (runs(cases, i)) {
                    var kernel = library.select("apply" + i);
                    cases.get(i / 2).check((buffers, count, points) -> {
                        long first = kernel.run(buffers, List.of(count), 0, points / 2);
                        return first != 0 ? first : kernel.run(buffers, List.of(count), points / 2, points);
                    }, COUNT, i % 2 == 1 ? LANES : 1);
                }
            }
        }
    }

    private static TileOp.Kernel kernel(List<ArithmeticCase> cases, int number) {
        var text = cases.get(number / 2).text(number % 2 == 1 ? LANES : 1);
        return HostKernel.kernel(text.replace("name = apply", "name = apply" + number));
    }

    /// Scalars of all types take the same way through the emitter as vectors do; of casts a few are enough.
    private static boolean runs(List<ArithmeticCase> cases, int number) {
        var each = cases.get(number / 2);
        return number % 2 == 1
                || !each.body().contains("cast")
                || List.of("f64", "f32", "i64", "u64", "i4").contains(each.left());
    }

    /// Without an instruction, what rounding so small a product lost would have no double.
    @Override
    protected boolean fusesExactly(double left, double right) {
        return !oldProcessor || Math.abs(left * right) >= 0x1p-960 || left == 0 || right == 0;
    }

    /// An old processor has neither fused operations nor conversions of halves: the same results come of other code.
    @ParameterizedTest
    @CsvSource({"f32", "f64", "f16"})
    void floatOperationsOfAnOldProcessor(String name) {
        chip = HostKernel.chip(new LlvmTarget("x86_64-unknown-linux-gnu", "x86-64", ""), 16);
        oldProcessor = true;
        floatOperations(name);
    }

    @ParameterizedTest
    @CsvSource({"f32", "f16", "bf16", "i64"})
    void castsOfAnOldProcessor(String from) {
        chip = HostKernel.chip(new LlvmTarget("x86_64-unknown-linux-gnu", "x86-64", ""), 16);
        castsToEveryType(from);
    }

    /// No kernel may call anything: linking would fail.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "x86_64-unknown-linux-gnu | x86-64-v3 | | 32",
        "aarch64-unknown-linux-gnu | cortex-a76 | | 16",
        "riscv64-unknown-linux-gnu | generic-rv64 | +m,+a,+f,+d,+c,+v | 32",
        "riscv64-unknown-linux-gnu | generic-rv64 | +m,+a,+f,+d,+c | 0"
    })
    void kernelsOfEveryTargetAreComplete(String triple, String cpu, String features, int vectorBytes) {
        var target = HostKernel.chip(new LlvmTarget(triple, cpu, features == null ? "" : features), vectorBytes);
        for (var name : List.of("f32", "f64", "f16")) {
            floatOperations(name);
        }
        for (var name : List.of("i8", "i32", "u64", "i4")) {
            integerOperations(name);
        }
        for (var from : List.of("f64", "f16", "i64")) {
            castsToEveryType(from);
        }
        for (var function : List.of("exp", "log", "sin", "asin", "tanh", "erf")) {
            checkFloat("f32", "%z = arith." + function + " %x : T:f32", (x, _) -> x);
            checkFloat("f64", "%z = arith." + function + " %x : T:f64", (x, _) -> x);
        }
        checkFloat("f32", "%z = arith.pow %x, %y : T:f32", (x, _) -> x);
        var kernels = new ArrayList<TileOp.Kernel>();
        for (var each : takeCases()) {
            kernels.add(HostKernel.kernel(each.text(vectorBytes > 0 ? LANES : 1)
                    .replace("name = apply", "name = apply" + kernels.size())));
        }
        assertTrue(new LlvmCodegen().sharedObject(kernels, target).length > 0);
    }
}
