package org.portolan.lowering.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.IndexMap;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

class WeightPackerTest {

    /// Every element lies where the layout says, and what no element lies in is zero.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            buffer<f32[7,45], global, (k, n) -> (n/32, k, n%32), [2,7,32]>
            buffer<f32[7,45], global, (k, n) -> (n/32, k/4, n%32, k%4), [2,2,32,4]>
            buffer<i8[5,6], global, (k, n) -> (n, k), [6,5]>
            buffer<u4[5,6], global, (k, n) -> (n, k), [6,5]>
            buffer<f64[8,32], global, (m, k) -> (m, k/8 ^ m%4, k%8), [8,4,8]>
            buffer<bf16[3,4,5], global, (a, b, c) -> (b, a, c), [4,3,5]>
            buffer<f16[4], global, (a) -> (0, a), [1,8]>
            buffer<i2[9], global, (a) -> (a/4, a%4), [3,4]>
            buffer<i16[0,4], global, (a, b) -> (b, a), [4,0]>
            """)
    void elementsLieWhereTheLayoutSays(String text) {
        var type = (Type.Buffer) IrParser.parseType(text);
        var extents = type.dims().stream().mapToLong(extent -> extent.constant().getAsLong()).toArray();
        var physical = type.physical().stream().mapToLong(extent -> extent.constant().getAsLong()).toArray();
        long elements = LongStream.of(extents).reduce(1, (a, b) -> a * b);
        var layout = type.layout().orElseThrow();
        try (var arena = Arena.ofConfined()) {
            var source = ResourceBytes.rowMajor(new Resource.Random(3), type.element(), elements, arena);
            var packed = WeightPacker.pack(new Resource.Random(3), type, arena);
            var expected = new HashMap<Long, Long>();
            for (long i = 0; i < elements; i++) {
                expected.put(place(layout, index(i, extents), physical), ElementTypes.getBits(type.element(), source, i));
            }
            assertEquals(elements, expected.size());
            long places = LongStream.of(physical).reduce(1, (a, b) -> a * b);
            for (long place = 0; place < places; place++) {
                assertEquals(
                        expected.getOrDefault(place, 0L), ElementTypes.getBits(type.element(), packed, place), text);
            }
        }
    }

    private static List<Dim> index(long position, long[] extents) {
        var index = new Dim[extents.length];
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            index[axis] = Dim.of(position % extents[axis]);
            position /= extents[axis];
        }
        return List.of(index);
    }

    private static long place(IndexMap layout, List<Dim> index, long[] physical) {
        long place = 0;
        var results = layout.apply(index);
        for (int i = 0; i < physical.length; i++) {
            place = place * physical[i] + results.get(i).constant().getAsLong();
        }
        return place;
    }

    @Test
    void withoutLayoutTheBytesStayWhereTheyAre() {
        var segment = MemorySegment.ofArray(new byte[12]);
        var type = new Type.Buffer(
                ElementType.F32, Dim.list(3), Type.Space.GLOBAL, Optional.empty(), List.of());
        assertSame(segment, WeightPacker.pack(new Resource.External("w", 0, 12, "", segment), type, Arena.global()));
    }
}
