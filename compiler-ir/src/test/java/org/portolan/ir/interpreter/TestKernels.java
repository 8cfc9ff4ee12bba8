package org.portolan.ir.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.type.ElementType;

/// Kernels written as text, with the chip that has their intrinsics before them if they call any.
final class TestKernels {
    private TestKernels() {}

    static TileInterpreter interpreter(String text) {
        var intrinsics = new ArrayList<MachineOp.Intrinsic>();
        List<Op> ops = IrParser.parse(text, "test.ir");
        for (var op : ops) {
            if (op instanceof MachineOp.Chip chip) {
                chip.intrinsics().ops().forEach(intrinsic -> intrinsics.add((MachineOp.Intrinsic) intrinsic));
            }
        }
        return new TileInterpreter((TileOp.Kernel) ops.getLast(), intrinsics);
    }

    static NdArray floats(float[] values, int... shape) {
        return new NdArray(shape, new Elements.Floats(ElementType.F32, values));
    }

    static NdArray zeros(ElementType type, int... shape) {
        return new NdArray(shape, Elements.allocate(type, Arrays.stream(shape).reduce(1, (a, b) -> a * b)));
    }

    /// Reproducible numbers of a type.
    static NdArray noise(long seed, ElementType type, int... shape) {
        var tensor = TestGraphs.noise(seed, Arrays.stream(shape).asLongStream().toArray());
        return new NdArray(shape, Conversions.convert(NdArray.of(tensor).elements(), type));
    }

    static NdArray pack(NdArray array, String type) {
        return TileInterpreter.pack(array, (Type.Buffer) IrParser.parseType(type));
    }

    static float[] values(NdArray array) {
        return ((Elements.Floats) array.elements()).values();
    }
}
