package org.portolan.ir.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The examples hold every operation and every type; each is the same text after reading and printing.
class RoundTripTest {
    private static final List<String> DIALECTS = List.of("arith", "graph", "nest", "tile", "plan", "machine");
    private static final ResourceStore STORE =
            ResourceStore.of(Map.of("weights.bin", MemorySegment.ofArray(new byte[16])));

    @ParameterizedTest
    @ValueSource(strings = {"arith", "graph", "nest", "tile", "plan", "machine"})
    void printsWhatWasRead(String dialect) throws IOException {
        var text = example(dialect);
        assertEquals(text, IrPrinter.print(IrParser.parse(text, dialect + ".ir", STORE)));
    }

    @Test
    void examplesCoverEveryOperation() throws IOException {
        var missing = new HashSet<String>();
        OpSchema.all().forEach(schema -> missing.add(schema.name()));
        for (var op : allOps()) {
            missing.remove(OpSchema.of(op).name());
        }
        assertEquals(Set.of(), missing);
    }

    @Test
    void examplesCoverEveryKindOfTypeAndElement() throws IOException {
        var kinds = new HashSet<Class<?>>(List.of(Type.class.getPermittedSubclasses()));
        var elements = EnumSet.allOf(ElementType.class);
        for (var op : allOps()) {
            var values = new ArrayList<>(OpSchema.results(op));
            OpSchema.bodies(op).forEach(body -> values.addAll(body.params()));
            for (var value : values) {
                kinds.remove(value.type().getClass());
                if (!(value.type() instanceof Type.Sequence) && !(value.type() instanceof Type.Maybe)) {
                    elements.remove(value.type().elementType());
                }
            }
        }
        assertEquals(Set.of(), kinds);
        assertEquals(EnumSet.noneOf(ElementType.class), elements);
    }

    @Test
    void namesAreUniqueAndAnyHintSurvives() {
        var ops = new ArrayList<Op>();
        for (var hint : List.of("x", "x", "x_1", "", "", "v", "1", "/a b/\"c\"\\", "_", "%", "ü", "\ud800")) {
            ops.add(new ArithOp.Const(1.0, Value.of(Type.scalar(ElementType.F32), hint)));
        }
        var text = IrPrinter.print(ops);
        assertEquals(text, IrPrinter.print(IrParser.parse(text, "names.ir")));
        assertTrue(text.contains("%x_1_1 = "), text);
    }

    @Test
    void typesReadBack() {
        for (var text :
                List.of("f32", "f32[]", "f32[2*seq+1,4]", "ring<buffer<f32[8], shared>, 2>", "optional<i64[n]>")) {
            assertEquals(text, IrParser.parseType(text).toString());
        }
        var large = new Type.Tensor(ElementType.F32, List.of(Dim.parse("min(a, b)*ceildiv(c, 4)%7")));
        assertEquals(large, IrParser.parseType(large.toString()));
    }

    private static List<Op> allOps() throws IOException {
        var ops = new ArrayList<Op>();
        for (var dialect : DIALECTS) {
            collect(IrParser.parse(example(dialect), dialect + ".ir", STORE), ops);
        }
        return ops;
    }

    private static void collect(List<Op> from, List<Op> into) {
        for (var op : from) {
            into.add(op);
            OpSchema.bodies(op).stream().map(Body::ops).forEach(ops -> collect(ops, into));
        }
    }

    private static String example(String dialect) throws IOException {
        try (var stream = RoundTripTest.class.getResourceAsStream("/org/portolan/ir/examples/" + dialect + ".ir")) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
