package org.portolan.ir.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.portolan.ir.interpreter.TestGraphs.floats;
import static org.portolan.ir.interpreter.TestGraphs.noise;
import static org.portolan.ir.interpreter.TestGraphs.run;

import org.junit.jupiter.api.Test;
import org.portolan.ir.IrException;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;

/// Nests against the graph operations that they stand for: equal to the last bit, as both name the same order.
class NestInterpreterTest {

    private static void same(Tensor left, Tensor right) {
        assertEquals(left.toString(), right.toString());
        assertArrayEquals(floats(left), floats(right));
    }

    @Test
    void multipliesMatricesWithAnEpilogue() {
        var results = run("""
                graph.function <name = f, symbols = [m:0..99]> { (%x: f32[m,130], %w: f32[130,77], %b: f32[77]) ->
                  %p = graph.mat-mul %x, %w <accumulate = f32> : f32[m,77]
                  %c = graph.broadcast %b : f32[m,77]
                  %y = graph.map [%p, %c] { (%u: f32, %v: f32) ->
                    %t = arith.add %u, %v : f32
                    %z = arith.const <value = 0.0> : f32
                    %r = arith.max %t, %z : f32
                    graph.yield [%r]
                  } : f32[m,77]
                  %h = nest.compute [%x, %w, %b] <axes = [i:m, n:77, k:130]> {
                    %a = nest.read %x <at = [i, k]> : f32
                    %q = nest.read %w <at = [k, n]> : f32
                    %s = arith.mul %a, %q : f32
                    %sum = nest.sum %s <over = [k]> : f32
                    %d = nest.read %b <at = [n]> : f32
                    %t_1 = arith.add %sum, %d : f32
                    %zero = arith.const <value = 0.0> : f32
                    %r_1 = arith.max %t_1, %zero : f32
                    nest.yield [%r_1] <to = [[i, n]]>
                  } : f32[m,77]
                  graph.return [%y, %h]
                }
                """, noise(1, 37, 130), noise(2, 130, 77), noise(3, 77));
        same(results.get(0), results.get(1));
    }

    @Test
    void convolvesWithGuardedReads() {
        var results = run("""
                graph.function <name = f> { (%x: f32[2,4,11,9], %w: f32[6,2,3,3]) ->
                  %y = graph.convolution %x, %w <strides = [2, 1], dilations = [1, 2], low = [1, 2], groups = 2, accumulate = f32> : f32[2,6,6,9]
                  %h = nest.compute [%x, %w] <axes = [n:2, o:6, y:6, z:9, c:2, k:3, l:3]> {
                    %a = nest.read %x <at = [n, o/3*2+c, y*2+k-1, z+l*2-2], otherwise = zero> : f32
                    %b = nest.read %w <at = [o, c, k, l]> : f32
                    %p = arith.mul %a, %b : f32
                    %s = nest.sum %p <over = [c, k, l]> : f32
                    nest.yield [%s] <to = [[n, o, y, z]]>
                  } : f32[2,6,6,9]
                  %g = nest.compute [%x, %w] <axes = [g:2, n:2, o:3, y:6, z:9, c:2, k:3, l:3]> {
                    %a_1 = nest.read %x <at = [n, 2*g+c, y*2+k-1, z+l*2-2], otherwise = zero> : f32
                    %b_1 = nest.read %w <at = [3*g+o, c, k, l]> : f32
                    %p_1 = arith.mul %a_1, %b_1 : f32
                    %s_1 = nest.sum %p_1 <over = [c, k, l]> : f32
                    nest.yield [%s_1] <to = [[n, 3*g+o, y, z]]>
                  } : f32[2,6,6,9]
                  graph.return [%y, %h, %g]
                }
                """, noise(4, 2, 4, 11, 9), noise(5, 6, 2, 3, 3));
        same(results.get(0), results.get(1));
        same(results.get(0), results.get(2));
    }

    @Test
    void reducesSeveralTimesInOneNest() {
        // A row-wise softmax and, beside it, the place of the largest element.
        var results = run("""
                graph.function <name = f, symbols = [m:1..999, n:0..999]> { (%x: f32[m,n]) ->
                  %y, %place = nest.compute [%x] <axes = [i:m, j:n]> {
                    %a = nest.read %x <at = [i, j]> : f32
                    %low = arith.const <value = 0xfff0000000000000> : f32
                    %top = nest.reduce [%a], [%low] <over = [j]> { (%acc: f32, %v: f32) ->
                      %t = arith.max %acc, %v : f32
                      nest.yield [%t]
                    } : f32
                    %d = arith.sub %a, %top : f32
                    %e = arith.exp %d : f32
                    %s = nest.sum %e <over = [j]> : f32
                    %r = arith.div %e, %s : f32
                    %at = nest.index [] <value = j> : i64
                    %zero = arith.integer <value = 0> : i64
                    %best, %where = nest.reduce [%a, %at], [%low, %zero] <over = [j]> { (%b: f32, %w: i64, %c: f32, %p: i64) ->
                      %more = arith.compare %c, %b <relation = greater> : bool
                      %n1 = arith.select %more, %c, %b : f32
                      %n2 = arith.select %more, %p, %w : i64
                      nest.yield [%n1, %n2]
                    } : f32, i64
                    nest.yield [%r, %where] <to = [[i, j], [i]]>
                  } : f32[m,n], i64[m]
                  %z = graph.arg-reduce %x <largest = true, axis = 1> : i64[m]
                  graph.return [%y, %place, %z]
                }
                """, noise(6, 300, 200));
        assertArrayEquals(results.get(2).toLongArray(), results.get(1).toLongArray());
        var x = floats(noise(6, 300, 200));
        var expected = new float[x.length];
        for (int i = 0; i < 300; i++) {
            float top = Float.NEGATIVE_INFINITY;
            for (int j = 0; j < 200; j++) {
                top = Math.max(top, x[i * 200 + j]);
            }
            float sum = 0;
            for (int j = 0; j < 200; j++) {
                sum += (float) StrictMath.exp(x[i * 200 + j] - top);
            }
            for (int j = 0; j < 200; j++) {
                expected[i * 200 + j] = (float) StrictMath.exp(x[i * 200 + j] - top) / sum;
            }
        }
        assertArrayEquals(expected, floats(results.get(0)));
    }

    @Test
    void readsAtComputedIndicesAndThroughViews() {
        var results = run("""
                graph.function <name = f> { (%t: f32[5,6], %i: i64[4]) ->
                  %a = graph.gather %t, %i <axis = 0> : f32[4,6]
                  %b = graph.reshape %a : f32[8,3]
                  %c = graph.transpose %b <permutation = [1, 0]> : f32[3,8]
                  %h = nest.compute [%t, %i] <axes = [p:3, q:8]> {
                    %k = nest.read %i <at = [(3*q+p)/6]> : i64
                    %five = arith.integer <value = 5> : i64
                    %none = arith.integer <value = 0> : i64
                    %up = arith.add %k, %five : i64
                    %neg = arith.compare %k, %none <relation = less> : bool
                    %w = arith.select %neg, %up, %k : i64
                    %v = nest.read %t, [%w] <at = [$0, (3*q+p)%6], otherwise = error> : f32
                    nest.yield [%v] <to = [[p, q]]>
                  } : f32[3,8]
                  graph.return [%c, %h]
                }
                """, noise(7, 5, 6), Tensor.of(new long[] {4, -1, 0, -5}, 4));
        same(results.get(0), results.get(1));
    }

    @Test
    void updatesInPlaceAndRefusesAClash() {
        var text = """
                graph.function <name = f> { (%t: f32[5,2], %u: f32[2,2], %i: i64[2]) ->
                  %h = nest.compute [%u, %i], [%t] <axes = [p:2, q:2]> {
                    %k = nest.read %i <at = [p]> : i64
                    %v = nest.read %u <at = [p, q]> : f32
                    nest.yield [%v], [%k] <to = [[$0, q]]>
                  } : f32[5,2]
                  graph.return [%h]
                }
                """;
        var table = Tensor.of(new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 5, 2);
        var update = Tensor.of(new float[] {-1, -2, -3, -4}, 2, 2);
        var result = run(text, table, update, Tensor.of(new long[] {3, 1}, 2)).getFirst();
        assertArrayEquals(new float[] {0, 1, -3, -4, 4, 5, -1, -2, 8, 9}, floats(result));
        assertThrows(
                PortolanException.RunFailed.class, () -> run(text, table, update, Tensor.of(new long[] {3, 3}, 2)));
        assertThrows(
                PortolanException.RunFailed.class, () -> run(text, table, update, Tensor.of(new long[] {3, 5}, 2)));
    }

    @Test
    void saysWhatLiesOutside() {
        var text = """
                graph.function <name = f> { (%x: f32[3]) ->
                  %h = nest.compute [%x] <axes = [i:5]> {
                    %o = arith.const <value = 9.0> : f32
                    %v = nest.read %x MODE : f32
                    nest.yield [%v] <to = [[i]]>
                  } : f32[5]
                  graph.return [%h]
                }
                """;
        var x = Tensor.of(new float[] {1, 2, 3}, 3);
        assertArrayEquals(
                new float[] {0, 1, 2, 3, 0},
                floats(run(text.replace("MODE", "<at = [i-1], otherwise = zero>"), x)
                        .getFirst()));
        assertArrayEquals(
                new float[] {3, 2, 1, 1, 1},
                floats(run(text.replace("MODE", "<at = [2-i], otherwise = clamp>"), x)
                        .getFirst()));
        assertArrayEquals(
                new float[] {9, 3, 2, 1, 9},
                floats(run(text.replace("MODE", ", [], %o <at = [3-i], otherwise = other>"), x)
                        .getFirst()));
        assertArrayEquals(
                new float[] {9, 1, 9, 9, 9},
                floats(run(text.replace("MODE", ", [], %o <at = [2*i*i-2], otherwise = other>"), x)
                        .getFirst()));
        assertThrows(
                PortolanException.RunFailed.class,
                () -> run(text.replace("MODE", "<at = [i-1], otherwise = error>"), x));
        var promise = assertThrows(IrException.class, () -> run(text.replace("MODE", "<at = [i-1]>"), x));
        assertTrue(promise.getMessage().contains("said to lie inside"), promise.getMessage());
        var uncovered = assertThrows(
                IrException.class, () -> run(text.replace("MODE", "<at = [0]>").replace("i:5", "i:4"), x));
        assertTrue(uncovered.getMessage().contains("stores 4 elements"), uncovered.getMessage());
    }
}
