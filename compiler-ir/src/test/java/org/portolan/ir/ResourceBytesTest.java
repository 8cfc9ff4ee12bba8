package org.portolan.ir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

class ResourceBytesTest {
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"STRING", "F8E8M0"})
    void literalsOfEveryTypeReadBack(ElementType type) {
        try (var arena = Arena.ofConfined()) {
            var listed = ResourceBytes.rowMajor(new Resource.Integers(List.of(1L, 0L, 1L)), type, 3, arena);
            assertEquals(type.bytes(3), listed.byteSize());
            assertEquals(List.of(1.0, 0.0, 1.0), read(type, listed, 3));
            var floats = ResourceBytes.rowMajor(new Resource.Floats(List.of(1.0, 1.0)), type, 2, arena);
            assertEquals(List.of(1.0, 1.0), read(type, floats, 2));
            var splat = ResourceBytes.rowMajor(new Resource.Splat(1), type, 5, arena);
            assertEquals(List.of(1.0, 1.0, 1.0, 1.0, 1.0), read(type, splat, 5));
            var integer = ResourceBytes.rowMajor(new Resource.SplatInteger(1), type, 2, arena);
            assertEquals(List.of(1.0, 1.0), read(type, integer, 2));
            var noise = ResourceBytes.rowMajor(new Resource.Random(7), type, 9, arena);
            assertEquals(-1, noise.mismatch(ResourceBytes.rowMajor(new Resource.Random(7), type, 9, arena)));
        }
    }

    private static List<Double> read(ElementType type, MemorySegment segment, long elements) {
        return LongStream.range(0, elements)
                .mapToObj(i -> ElementTypes.getDouble(type, segment, i))
                .toList();
    }

    @Test
    void externalBytesStayWhereTheyAre() {
        var segment = MemorySegment.ofArray(new byte[8]);
        var resource = new Resource.External("w", 0, 8, "", segment);
        assertSame(segment, ResourceBytes.rowMajor(resource, ElementType.F32, 2, Arena.global()));
        assertThrows(
                IrException.class, () -> ResourceBytes.rowMajor(resource, ElementType.F32, 3, Arena.global()));
        assertThrows(
                IrException.class,
                () -> ResourceBytes.rowMajor(new Resource.Floats(List.of(1.0)), ElementType.F32, 2, Arena.global()));
    }
}
