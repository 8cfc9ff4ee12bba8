package org.portolan.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.PortolanException.InvalidInput;
import org.portolan.runtime.type.ElementType;

final class TensorTest {

    @Test
    void arraysAreSeenAndNotCopied() {
        var values = new float[] {1, 2, 3, 4, 5, 6};
        var tensor = Tensor.of(values, 2, 3);
        values[5] = 60;
        assertEquals(60, tensor.getDouble(5));
        tensor.asFloatBuffer().put(0, 10);
        assertEquals(10, values[0]);
        assertEquals("f32[2,3]", tensor.toString());
        assertEquals("i64[]", Tensor.of(new long[] {7}).toString());
        assertEquals(7, Tensor.of(new long[] {7}).asLongBuffer().get(0));
        assertEquals(2, Tensor.of(new int[] {1, 2}, 2).asIntBuffer().get(1));
        assertEquals(2, Tensor.of(new short[] {1, 2}, 2).asShortBuffer().get(1));
        assertEquals(2, Tensor.of(new double[] {1, 2}, 2).asDoubleBuffer().get(1));
        assertEquals(2, Tensor.of(new byte[] {1, 2}, 2).asByteBuffer().get(1));
        assertArrayEquals(new long[] {1, 0}, Tensor.of(new boolean[] {true, false}, 2).toLongArray());
    }

    @Test
    void partsOfArraysAndBuffersAreSeen() {
        var values = new float[] {0, 1, 2, 3};
        var part = MemorySegment.ofArray(values).asSlice(4, 8);
        assertEquals(1, Tensor.of(ElementType.F32, part, 2).asFloatBuffer().get(0));
        assertArrayEquals(new float[] {2, 3}, Tensor.of(FloatBuffer.wrap(values).position(2), 2).toFloatArray());
        assertEquals(ElementType.I64, Tensor.of(LongBuffer.allocate(3), 3).type());
        var direct = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
        direct.putInt(0, 9);
        assertEquals(9, Tensor.of(ElementType.I32, direct, 2).toDoubleArray()[0]);
    }

    @Test
    void allocatedTensorsAreAlignedZeros() {
        try (var arena = Arena.ofConfined()) {
            var tensor = Tensor.allocate(ElementType.I4, arena, 3);
            assertEquals(2, tensor.data().byteSize());
            assertEquals(0, tensor.data().address() % 64);
            tensor.data().set(ValueLayout.JAVA_BYTE, 0, (byte) 0xF2);
            assertArrayEquals(new long[] {2, -1, 0}, tensor.toLongArray());
        }
    }

    @Test
    void saysWhatDoesNotFit() {
        refuses(() -> Tensor.of(new float[5], 2, 3), "a tensor f32[2,3] takes 24 bytes and was given 20");
        refuses(() -> Tensor.of(new float[6], -2, -3), "negative extent -2");
        refuses(() -> Tensor.of(new float[6], 1L << 62, 4), "more than 2^63");
        refuses(() -> Tensor.of(CharBuffer.allocate(1), 1), "does not say the element type");
        refuses(() -> Tensor.of(ByteBuffer.allocate(4).asFloatBuffer(), 1), "native byte order");
        refuses(() -> Tensor.of(ElementType.STRING, MemorySegment.NULL, 0), "type string");
        refuses(() -> Tensor.ofStrings(List.of("a"), 2), "2 elements and was given 1");
        assertThrows(IllegalStateException.class, () -> Tensor.of(new float[1], 1).asLongBuffer());
        assertThrows(IllegalStateException.class, () -> Tensor.of(new float[1], 1).asByteBuffer());
        assertThrows(IllegalStateException.class, () -> Tensor.ofStrings(List.of(), 0).data());
        assertEquals(0, Tensor.of(new float[0], 1L << 40, 1L << 40, 0).elements());
    }

    private static void refuses(Runnable action, String message) {
        var error = assertThrows(InvalidInput.class, action::run);
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }
}
