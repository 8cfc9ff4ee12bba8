package org.portolan.tests.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.GraphOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.interpreter.GraphInterpreter;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Targets;
import org.portolan.lowering.tile.FactorTypes;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.Devices;
import org.portolan.runtime.type.ElementType;

/// Products of quantised numbers on every device that has an instruction for matrices of bytes: it is used whatever the zero
/// points are, and results are those of the interpreter to the last bit.
@ParameterizedClass
@ValueSource(strings = {"cpu", "cuda:emulated", "ascend:emulated"})
class QuantisedProductsTest {
    private static final String ARCHITECTURE = "portolan.emulated.sm";

    @Parameter
    private String name;

    @TempDir
    private Path folder;

    @BeforeEach
    void isThere() {
        boolean there = name.equals("cpu")
                || Devices.list().stream()
                        .filter(DeviceDescription::emulated)
                        .anyMatch(one -> name.startsWith(one.driver() + ":"));
        Assumptions.assumeTrue(there, "skipped: there is no " + name);
    }

    /// Rows, columns and terms that are worth an instruction on matrices.
    @ParameterizedTest
    @CsvSource({
        "u8,i8,run,none,true", "u8,i8,run,run,true", "u8,u8,run,columns,true", "u8,u8,3,120,true", "i8,i8,rows,columns,false",
        "u8,i8,none,none,false", "i8,u8,run,run,false", "u8,u8,rows,120,true", "i8,i8,none,5,true"
    })
    void matrices(String left, String right, String leftZero, String rightZero, boolean known) throws IOException {
        runWithInstruction(QuantisedCase.product(left, right, leftZero, rightZero, known, 33, 40, 70));
    }

    /// Warps that multiply together take bytes of either sign on the left as well. Smaller products are left to single warps.
    @Test
    void groupsOfWarps() throws IOException {
        Assumptions.assumeTrue(name.startsWith("cuda"), "skipped: warps multiply together elsewhere");
        System.setProperty(ARCHITECTURE, "sm_90a");
        try {
            run(QuantisedCase.product("u8", "i8", "run", "none", true, 1024, 1024, 256), "wgmma");
        } finally {
            System.clearProperty(ARCHITECTURE);
        }
    }

    /// Numbers that are dequantised before they are multiplied, as single precision.
    @ParameterizedTest
    @CsvSource({"u8,i8,run,none,true", "u8,i8,run,columns,true", "i8,i8,none,none,true", "u8,u8,rows,120,false"})
    void dequantised(String left, String right, String leftZero, String rightZero, boolean known) throws IOException {
        runWithInstruction(QuantisedCase.product(left, right, leftZero, rightZero, known, 33, 40, 70).asScaled());
    }

    /// Runs a case with the device's instruction on matrices. Processors that multiply pairs of 16 bits do so with all weights
    /// that are known less their zero point; others take what fits their bytes.
    private void runWithInstruction(QuantisedCase test) throws IOException {
        var instruction =
                switch (name) {
                    case "cuda:emulated" -> "mma.";
                    case "ascend:emulated" -> "matrix.i8";
                    default -> test.suitsPanels() && multipliesPairs() ? "dot" : "";
                };
        run(test, instruction);
    }

    private boolean multipliesPairs() throws IOException {
        try (var device = Devices.open(name, DeviceOptions.defaults())) {
            return FactorTypes.of(Targets.of(device.description()).machine()).stream()
                    .anyMatch(types -> types.right() == ElementType.I16);
        }
    }

    /// Windows beyond the border meet numbers that are 0, whatever bytes those are.
    @ParameterizedTest
    @CsvSource({"u8,i8,run,none,1,1,1", "u8,i8,run,columns,2,1,1", "u8,u8,3,120,1,2,2", "i8,i8,run,run,1,1,0"})
    void windows(String left, String right, String leftZero, String rightZero, int stride, int dilation, int low)
            throws IOException {
        var sizes = List.of(2, 9, 8, 9, 24, 3);
        var test = new QuantisedCase(
                left, right, leftZero, rightZero, true, true, sizes, stride, dilation, low, 1, false);
        runWithInstruction(test);
        if (low == 2) runWithInstruction(test.asScaled());
    }

    @Test
    void random() throws IOException {
        int count = Integer.getInteger("portolan.quantised.cases", 6);
        for (int seed = 0; seed < count; seed++) {
            run(QuantisedCase.random(seed), "");
        }
    }

    /// @param instruction how the name of one that must be used begins; empty: any or none
    private void run(QuantisedCase test, String instruction) throws IOException {
        var function = (GraphOp.Function) IrParser.parse(test.text(), "quantised").getFirst();
        var inputs = test.inputs();
        var expected = new GraphInterpreter(function).run(inputs).get("y");
        try (var device = Devices.open(name, DeviceOptions.defaults())) {
            var target = Targets.of(device.description());
            var compiler = new Compiler();
            var kernels = compiler.lower(compiler.lowerGraph(function), target).kernels();
            boolean used = kernels.stream().anyMatch(kernel -> ThreadKernelTest.has(
                    kernel.body().ops(),
                    op -> op instanceof TileOp.Call call && call.intrinsic().startsWith(instruction)));
            assertTrue(used || instruction.isEmpty(), () -> instruction + " for " + test + " on " + name);
            var file = folder.resolve("quantised.portolan");
            compiler.compile(function, List.of(target), file);
            try (var model = Portolan.load(file, device);
                    var outputs = model.run(inputs)) {
                assertEquals(expected.type(), outputs.get("y").type());
                for (long i = 0; i < expected.elements(); i++) {
                    long element = i;
                    assertEquals(
                            expected.getDouble(i),
                            outputs.get("y").getDouble(i),
                            () -> "element %d of %s on %s".formatted(element, test, name));
                }
            }
        }
    }
}
