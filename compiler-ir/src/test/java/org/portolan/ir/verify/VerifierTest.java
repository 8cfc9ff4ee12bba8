package org.portolan.ir.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.Resource;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.ResourceStore;
import org.portolan.runtime.type.ElementType;

/// Each rule has code that breaks it.
class VerifierTest {

    @ParameterizedTest
    @ValueSource(strings = {"arith", "graph", "nest", "tile", "plan", "machine"})
    void acceptsTheExamples(String dialect) throws IOException {
        try (var stream = VerifierTest.class.getResourceAsStream("/org/portolan/ir/examples/" + dialect + ".ir")) {
            var text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            var store = ResourceStore.of(Map.of("weights.bin", MemorySegment.ofArray(new byte[16])));
            Verifier.verify(IrParser.parse(text, dialect + ".ir", store));
        }
    }

    static List<Arguments> broken() {
        return List.of(
                Arguments.of("""
                        %a = arith.const <value = 1.0> : f32
                        """, "arith.const must not stand at the top"),
                Arguments.of("""
                        graph.function <name = f> { (%x: f32[seq]) ->
                          graph.return [%x]
                        }
                        """, "the symbol seq in seq is not declared; declared are []"),
                Arguments.of("""
                        graph.function <name = f> { (%x: f32[4]) ->
                          %y = arith.neg %x : f32[4]
                          graph.return [%y]
                        }
                        """, "arith.neg must not stand in a function"),
                Arguments.of("""
                        graph.function <name = f> { (%x: f32[4]) ->
                        }
                        """, "the body must end with a return of its dialect, found nothing"),
                Arguments.of("""
                        graph.function <name = f> { (%x: f32[4]) ->
                          graph.return [%x]
                          graph.return [%x]
                        }
                        """, "nothing may follow a terminator"),
                Arguments.of("""
                        graph.function <name = f> { (%x: f32[4]) ->
                          %y = graph.map [%x] { (%a: f32) ->
                            %b = arith.neg %x : f32[4]
                            graph.yield [%b]
                          } : f32[4]
                          graph.return [%y]
                        }
                        """, "the operand %x: f32[4] is not defined before this, or not visible here"),
                Arguments.of("""
                        graph.function <name = f> { (%x: f32[4]) ->
                          %y = graph.map [%x] { (%a: f32) ->
                            %b = arith.cast %a : i32
                            graph.yield [%b]
                          } : f32[4]
                          graph.return [%y]
                        }
                        """, "the body yields [i32], expected [f32]"),
                Arguments.of(
                        nest("nest.yield [%v] <to = [[i]]>"), "%v: f32 depends on [k], which its place [i] does not"),
                Arguments.of(nest("nest.yield [%s] <to = [[q]]>"), "the symbol q in q is not declared"),
                Arguments.of(nest("nest.yield [%s] <to = [[i, k]]>"), "a place in %y: f32[4] has 1 indices"),
                Arguments.of(nest("nest.yield [%s] <to = [[$0]]>"), "the symbol $0 in $0 is not declared"),
                Arguments.of(nest("nest.yield [%v] <to = [[i+k]]>"), "32 points are written to the 4 elements of %y"),
                Arguments.of(
                        nest("%t = nest.sum %s <over = [i]> : f32\nnest.yield [%t] <to = [[0]]>"),
                        "only 1 of the 4 elements of %y: f32[4] are written"),
                Arguments.of(nest("nest.yield [%s]"), "the nest needs one place in to for each of its 1 values"),
                Arguments.of(
                        nest("%t = nest.sum %v <over = [z]> : f32\nnest.yield [%t] <to = [[i]]>"),
                        "the nest has no axis z; it has [i:4, k:8]"),
                Arguments.of(
                        nest("%t = nest.sum %v <over = [k, k]> : f32\nnest.yield [%t] <to = [[i]]>"),
                        "an axis is reduced over once, found [k, k]"),
                Arguments.of(
                        nest("%t = nest.read %other <at = [i]> : f32\nnest.yield [%t] <to = [[i]]>"),
                        "the nest reads %other: f32[4], which is not among its inputs"),
                Arguments.of(
                        nest("%t = arith.neg %x : f32[4,8]\nnest.yield [%s] <to = [[i]]>"),
                        "arithmetic works on scalars, vectors, masks and fragments"),
                Arguments.of(nest("""
                                %t = nest.reduce [%v], [%s] <over = [k]> { (%p: f32, %q: f32) ->
                                  %c = arith.cast %p : f16
                                  nest.yield [%c]
                                } : f32
                                nest.yield [%t] <to = [[i]]>
                                """), "the body yields [f16], expected [f32]"),
                Arguments.of(kernel("[m]", "tile.store %v, %a, [%zero]"), "expected one grid loop at depth 0, found 0"),
                Arguments.of(
                        kernel(
                                "[m]",
                                "tile.store %v, %a, [%zero]\ntile.for %zero, %one, %one <bind = grid> { (%i: index) -> }"),
                        "an operation with an effect stands outside of a grid loop; in: tile.store"),
                Arguments.of(
                        kernel("[]", "tile.for %zero, %one, %one <bind = grid> { (%i: index) -> }"),
                        "the grid has 0 axes, but more nested grid loops"),
                Arguments.of(
                        kernel(
                                "[]",
                                "%d = tile.dim <expression = m> : index\ntile.for %zero, %d, %one <bind = unroll> { (%i: index) -> }"),
                        "an unrolled loop needs numbers as bounds"),
                Arguments.of(
                        kernel(
                                "[]",
                                "tile.for %zero, %one, %one <bind = lane> { (%i: index) -> tile.for %zero, %one, %one <bind = block> { (%j: index) -> } }"),
                        "a narrower binding stands around a wider one: [lane]"),
                Arguments.of(
                        kernel("[]", "%d = tile.dim <expression = n> : index"), "the symbol n in n is not declared"),
                Arguments.of(kernel("[n]", ""), "the symbol n in n is not declared; declared are [m]"),
                Arguments.of(
                        kernel("[]", "%d = tile.alloc : buffer<f32[m], local>"),
                        "the storage of an allocation has numbers as extents"),
                Arguments.of(
                        kernel(
                                "[]",
                                "%d = tile.for %zero, %one, %one, [%v] { (%i: index, %c: f32) ->\n tile.yield [%i] } : f32"),
                        "the body yields [index], expected [f32]"),
                Arguments.of(kernel("[]", "tile.yield"), "the body yields nothing, found tile.yield"));
    }

    private static String nest(String end) {
        return """
                graph.function <name = f> { (%x: f32[4,8], %other: f32[4]) ->
                  %y = nest.compute [%x] <axes = [i:4, k:8]> {
                    %v = nest.read %x <at = [i, k]> : f32
                    %s = nest.sum %v <over = [k]> : f32
                    END
                  } : f32[4]
                  graph.return [%y]
                }
                """.replace("END", end);
    }

    private static String kernel(String grid, String code) {
        return """
                tile.kernel <name = k, symbols = [m], grid = GRID> { (%a: buffer<f32[m], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %v = arith.const <value = 1.0> : f32
                  CODE
                }
                """.replace("GRID", grid).replace("CODE", code);
    }

    @ParameterizedTest
    @MethodSource("broken")
    void refuses(String text, String message) {
        var module = IrParser.parse(text, "broken.ir");
        var error = assertThrows(VerifierException.class, () -> Verifier.verify(module));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void refusesAValueDefinedTwiceOrAfterItsUse() {
        var type = Type.tensor(ElementType.F32, 1);
        var x = Value.of(type, "x");
        var y = Value.of(type, "y");
        var define = new GraphOp.Constant(new Resource.Splat(1), x);
        var use = new GraphOp.Reshape(x, y);
        var end = new GraphOp.Return(List.of(y));
        Verifier.verify(function(define, use, end));
        var twice = assertThrows(VerifierException.class, () -> Verifier.verify(function(define, use, define, end)));
        assertEquals(
                "the result %x: f32[1] is defined twice; in: %x = graph.constant <data = splat(1.0)> : f32[1]",
                twice.getMessage());
        assertThrows(VerifierException.class, () -> Verifier.verify(function(use, define, end)));
    }

    @Test
    void walksLongChains() {
        var type = Type.tensor(ElementType.F32, 1);
        var x = Value.of(type, "x");
        var ops = new ArrayList<Op>();
        ops.add(new GraphOp.Constant(new Resource.Splat(1), x));
        for (int i = 0; i < 100_000; i++) {
            var next = Value.of(type);
            ops.add(new GraphOp.Reshape(x, next));
            x = next;
        }
        ops.add(new GraphOp.Return(List.of(x)));
        Verifier.verify(function(ops.toArray(Op[]::new)));
    }

    private static List<Op> function(Op... ops) {
        return List.of(new GraphOp.Function("f", List.of(), new Body(List.of(), List.of(ops))));
    }
}
