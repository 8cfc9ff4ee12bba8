package org.portolan.cli.argument;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.cli.CommandFailure;
import org.portolan.runtime.type.ElementType;

class InputArgumentTest {
    @Test
    void namesMayHoldAnythingButTheSignThatEndsThem() {
        var argument = InputArgument.parse("encoder/layer.0:0=@data/x.npy");
        assertEquals("encoder/layer.0:0", argument.input());
        assertEquals(new InputArgument.File(Path.of("data/x.npy")), argument.source());
    }

    @Test
    void seededNumbers() {
        var seeded = InputArgument.parse("x=1x3xf32=random(seed=7)");
        assertEquals(new InputArgument.Random(ElementType.F32, List.of(1L, 3L), OptionalLong.of(7)), seeded.source());
        var unseeded = InputArgument.parse("x=i64=random()");
        assertEquals(new InputArgument.Random(ElementType.I64, List.of(), OptionalLong.empty()), unseeded.source());
    }

    @Test
    void literalsFillTheirShape() {
        var literal = assertInstanceOf(
                InputArgument.Literal.class, InputArgument.parse("x=2x2xf32=[[1 2][3.5, -4e1]]").source());
        assertArrayEquals(new float[] {1, 2, 3.5f, -40}, GeneratedTensors.literal(literal).toFloatArray());
        var scalar = (InputArgument.Literal) InputArgument.parse("x=3xbool=true").source();
        assertArrayEquals(new long[] {1, 1, 1}, GeneratedTensors.literal(scalar).toLongArray());
        var unsigned = (InputArgument.Literal) InputArgument.parse("x=u64=18446744073709551615").source();
        assertEquals(-1, GeneratedTensors.literal(unsigned).getLong(0));
    }

    @Test
    void rawFilesNeedTypeAndShape() {
        var raw = InputArgument.parse("x=4x2xu8=@weights.bin").source();
        assertEquals(new InputArgument.RawFile(ElementType.U8, List.of(4L, 2L), Path.of("weights.bin")), raw);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "=@f.npy", "x=f.npy", "x=1xf33=random()", "x=99999999999999999999xf32=1"})
    void anythingElseIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> InputArgument.parse(text));
    }

    @Test
    void literalsOfTheWrongLengthAreRefused() {
        var literal = (InputArgument.Literal) InputArgument.parse("x=2x2xi32=[1 2 3]").source();
        var failure = assertThrows(CommandFailure.class, () -> GeneratedTensors.literal(literal));
        assertTrue(failure.getMessage().contains("takes 4 numbers, 3 are given"), failure.getMessage());
    }

    @Test
    void aSeedGivesTheSameNumbersAndAnotherSeedOthers() {
        var shape = List.of(2L, 3L);
        var first = GeneratedTensors.random(ElementType.F32, shape, 7).toFloatArray();
        assertArrayEquals(first, GeneratedTensors.random(ElementType.F32, shape, 7).toFloatArray());
        assertNotEquals(first[0], GeneratedTensors.random(ElementType.F32, shape, 8).toFloatArray()[0]);
    }

    @Test
    void shapes() {
        assertEquals(new ShapeArgument("ids", List.of(1L, 128L)), ShapeArgument.parse("ids=1x128"));
        assertEquals(new ShapeArgument("ids", List.of(1L, 128L)), ShapeArgument.parse("ids=[1,128]"));
        assertEquals(new ShapeArgument("x", List.of()), ShapeArgument.parse("x="));
        assertThrows(IllegalArgumentException.class, () -> ShapeArgument.parse("x=1xf32"));
        assertThrows(IllegalArgumentException.class, () -> ShapeArgument.parse("x=-1"));
    }
}
