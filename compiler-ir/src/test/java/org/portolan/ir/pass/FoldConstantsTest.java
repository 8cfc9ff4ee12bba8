package org.portolan.ir.pass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ir.Op;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;

class FoldConstantsTest {
    private static String folded(String text) {
        List<Op> module = IrParser.parse(text, "test");
        return IrPrinter.print(new Canonicalize().run(new FoldConstants().run(module)));
    }

    @Test
    void computesWhatDependsOnConstantsAlone() {
        assertEquals("""
                graph.function <name = f> { (%x: f32[4,2]) ->
                  %s = graph.constant <data = dense([3.0, 5.0])> : f32[2]
                  %b = graph.broadcast %s : f32[4,2]
                  %y = graph.map [%x, %b] { (%p: f32, %q: f32) ->
                    %r = arith.mul %p, %q : f32
                    graph.yield [%r]
                  } : f32[4,2]
                  graph.return [%y]
                }
                """, folded("""
                graph.function <name = f> { (%x: f32[4,2]) ->
                  %w = graph.constant <data = dense([1.0, 2.0])> : f32[2]
                  %s = graph.map [%w] { (%a: f32) ->
                    %two = arith.const <value = 2.0> : f32
                    %one = arith.const <value = 1.0> : f32
                    %m = arith.mul %a, %two : f32
                    %n = arith.add %m, %one : f32
                    graph.yield [%n]
                  } : f32[2]
                  %b = graph.broadcast %s : f32[4,2]
                  %y = graph.map [%x, %b] { (%p: f32, %q: f32) ->
                    %r = arith.mul %p, %q : f32
                    graph.yield [%r]
                  } : f32[4,2]
                  graph.return [%y]
                }
                """));
    }

    @Test
    void doesNotMakeASmallModelLarge() {
        var text = """
                graph.function <name = f> {
                  %w = graph.constant <data = splat(1.0)> : f32[]
                  %b = graph.broadcast %w : f32[1000,1000]
                  %y = graph.map [%b] { (%a: f32) ->
                    %r = arith.add %a, %a : f32
                    graph.yield [%r]
                  } : f32[1000,1000]
                  graph.return [%y]
                }
                """;
        assertEquals(text, folded(text));
    }

    @Test
    void leavesWhatDependsOnInputsAsItIs() {
        List<Op> module = IrParser.parse("""
                graph.function <name = f> { (%x: f32[2]) ->
                  %y = graph.map [%x] { (%a: f32) ->
                    %r = arith.neg %a : f32
                    graph.yield [%r]
                  } : f32[2]
                  graph.return [%y]
                }
                """, "test");
        assertSame(module.getFirst(), new FoldConstants().run(module).getFirst());
    }

    @Test
    void otherExtentsOfAConstantAreTheSameBytes() {
        assertEquals("""
                graph.function <name = f> {
                  %r = graph.constant <data = random(7)> : f32[500,10]
                  graph.return [%r]
                }
                """, folded("""
                graph.function <name = f> {
                  %w = graph.constant <data = random(7)> : f32[50,100]
                  %r = graph.reshape %w : f32[500,10]
                  graph.return [%r]
                }
                """));
    }
}
