package org.portolan.ir.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.portolan.ir.interpreter.TestGraphs.floats;
import static org.portolan.ir.interpreter.TestGraphs.noise;
import static org.portolan.ir.interpreter.TestGraphs.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.Tensor;

/// Functions of tensors against plain loops.
class GraphInterpreterTest {

    @Test
    void multipliesMatricesInAscendingOrder() {
        var a = noise(1, 2, 5, 7);
        var b = noise(2, 2, 7, 3);
        var result = run(
                """
                graph.function <name = f, symbols = [n:1..9]> { (%a: f32[n,5,7], %b: f32[n,7,3]) ->
                  %y = graph.mat-mul %a, %b <accumulate = f32> : f32[n,5,3]
                  graph.return [%y]
                }
                """,
                a,
                b);
        var x = floats(a);
        var w = floats(b);
        var expected = new float[2 * 5 * 3];
        for (int n = 0; n < 2; n++) {
            for (int i = 0; i < 5; i++) {
                for (int j = 0; j < 3; j++) {
                    float sum = 0;
                    for (int k = 0; k < 7; k++) {
                        sum += x[(n * 5 + i) * 7 + k] * w[(n * 7 + k) * 3 + j];
                    }
                    expected[(n * 5 + i) * 3 + j] = sum;
                }
            }
        }
        assertArrayEquals(expected, result.getFirst().toFloatArray());
    }

    @Test
    void convolvesWithStridesDilationsPaddingAndGroups() {
        var image = noise(3, 2, 4, 9, 8);
        var filter = noise(4, 6, 2, 3, 2);
        var result = run(
                """
                graph.function <name = f, symbols = []> { (%x: f32[2,4,9,8], %w: f32[6,2,3,2]) ->
                  %y = graph.convolution %x, %w <strides = [2, 3], dilations = [2, 1], low = [1, 2], groups = 2, accumulate = f32> : f32[2,6,4,4]
                  graph.return [%y]
                }
                """,
                image,
                filter);
        var x = floats(image);
        var w = floats(filter);
        var expected = new float[2 * 6 * 4 * 4];
        int at = 0;
        for (int n = 0; n < 2; n++) {
            for (int o = 0; o < 6; o++) {
                for (int y = 0; y < 4; y++) {
                    for (int z = 0; z < 4; z++, at++) {
                        for (int c = 0; c < 2; c++) {
                            for (int k = 0; k < 6; k++) {
                                int row = y * 2 + k / 2 * 2 - 1;
                                int column = z * 3 + k % 2 - 2;
                                if (row >= 0 && row < 9 && column >= 0 && column < 8) {
                                    float value = x[((n * 4 + o / 3 * 2 + c) * 9 + row) * 8 + column];
                                    expected[at] += w[(o * 2 + c) * 6 + k] * value;
                                }
                            }
                        }
                    }
                }
            }
        }
        assertArrayEquals(expected, result.getFirst().toFloatArray());
    }

    @Test
    void transposedConvolutionIsTheAdjoint() {
        // <conv(x), g> = <x, transposed(g)>, exact in f64 up to rounding.
        var x = noise(5, 1, 4, 7, 6);
        var w = noise(6, 6, 2, 3, 3);
        var g = noise(7, 1, 6, 4, 3);
        var forward = run(
                        """
                        graph.function <name = f> { (%x: f32[1,4,7,6], %w: f32[6,2,3,3]) ->
                          %y = graph.convolution %x, %w <strides = [2, 2], dilations = [1, 1], low = [1, 1], groups = 2, accumulate = f64> : f64[1,6,4,3]
                          graph.return [%y]
                        }
                        """,
                        x,
                        w)
                .getFirst()
                .toDoubleArray();
        var backward = run(
                        """
                        graph.function <name = f> { (%g: f32[1,6,4,3], %w: f32[6,2,3,3]) ->
                          %y = graph.convolution-transpose %g, %w <strides = [2, 2], dilations = [1, 1], low = [1, 1], groups = 2, accumulate = f64> : f64[1,4,7,6]
                          graph.return [%y]
                        }
                        """,
                        g,
                        w)
                .getFirst()
                .toDoubleArray();
        double left = 0;
        for (int i = 0; i < forward.length; i++) {
            left += forward[i] * g.getDouble(i);
        }
        double right = 0;
        for (int i = 0; i < backward.length; i++) {
            right += backward[i] * x.getDouble(i);
        }
        assertEquals(left, right, 1e-12);
    }

    @Test
    void movesElements() {
        var x = Tensor.of(new float[] {0, 1, 2, 3, 4, 5}, 2, 3);
        var results = run(
                """
                graph.function <name = f, symbols = [m:1..4]> { (%x: f32[m,3], %i: i64[2]) ->
                  %t = graph.transpose %x <permutation = [1, 0]> : f32[3,m]
                  %s = graph.slice %x <starts = [m-1, 2], steps = [-1, -2]> : f32[m,2]
                  %c = graph.concat [%x, %s] <axis = 1> : f32[m,5]
                  %p = graph.pad %x <low = [1, 2], mode = reflect> : f32[m+2,7]
                  %g = graph.gather %x, %i <axis = 1> : f32[m,2]
                  %k = graph.constant <data = splat(9.0)> : f32[]
                  %q = graph.pad %x, %k <low = [0, 1]> : f32[m,5]
                  %b = graph.broadcast %k : f32[m,1]
                  graph.return [%t, %s, %c, %p, %g, %q, %b]
                }
                """,
                x,
                Tensor.of(new long[] {-1, 0}, 2));
        assertArrayEquals(new float[] {0, 3, 1, 4, 2, 5}, results.get(0).toFloatArray());
        assertArrayEquals(new float[] {5, 3, 2, 0}, results.get(1).toFloatArray());
        assertArrayEquals(new float[] {0, 1, 2, 5, 3, 3, 4, 5, 2, 0}, results.get(2).toFloatArray());
        assertArrayEquals(
                new float[] {
                    5, 4, 3, 4, 5, 4, 3,
                    2, 1, 0, 1, 2, 1, 0,
                    5, 4, 3, 4, 5, 4, 3,
                    2, 1, 0, 1, 2, 1, 0
                },
                results.get(3).toFloatArray());
        assertArrayEquals(new float[] {2, 0, 5, 3}, results.get(4).toFloatArray());
        assertArrayEquals(new float[] {9, 0, 1, 2, 9, 9, 3, 4, 5, 9}, results.get(5).toFloatArray());
        assertArrayEquals(new float[] {9, 9}, results.get(6).toFloatArray());
    }

    @Test
    void reducesScansAndPools() {
        var x = Tensor.of(new float[] {3, 1, Float.NaN, 2, 5, 4, 5, 0}, 1, 1, 2, 4);
        var results = run(
                """
                graph.function <name = f> { (%x: f32[1,1,2,4]) ->
                  %s = graph.reduce %x <combine = maximum, axes = [3], accumulate = f32> : f32[1,1,2]
                  %a = graph.arg-reduce %x <largest = true, axis = 3> : i64[1,1,2]
                  %l = graph.arg-reduce %x <largest = true, axis = 3, last = true> : i64[1,1,2]
                  %c = graph.scan %x <axis = 3, exclusive = true, reverse = true> : f32[1,1,2,4]
                  %p = graph.pool %x <combine = minimum, window = [2, 2], strides = [1, 2], dilations = [1, 1], low = [0, 1]> : f32[1,1,1,3]
                  %q = graph.pool-position %x <window = [2, 2], strides = [1, 2], dilations = [1, 1], low = [0, 1], column_major = true> : i64[1,1,1,3]
                  graph.return [%s, %a, %l, %c, %p, %q]
                }
                """,
                x);
        assertArrayEquals(new float[] {Float.NaN, 5}, results.get(0).toFloatArray());
        assertArrayEquals(new long[] {2, 0}, results.get(1).toLongArray());
        assertArrayEquals(new long[] {2, 2}, results.get(2).toLongArray());
        assertArrayEquals(
                new float[] {Float.NaN, Float.NaN, 2, 0, 9, 5, 0, 0}, results.get(3).toFloatArray());
        assertArrayEquals(new float[] {3, Float.NaN, 0}, results.get(4).toFloatArray());
        assertArrayEquals(new long[] {1, 4, 6}, results.get(5).toLongArray());
    }

    @Test
    void loopsBranchesAndBindsSymbols() {
        var results = run(
                """
                graph.function <name = f, symbols = [n:0..100]> { (%x: f32[n], %count: i64[]) ->
                  %flag = graph.constant <data = splat(1)> : bool[]
                  %last, %all = graph.loop %count, %flag, [%x] <trips = t> { (%i: i64[], %c: bool[], %state: f32[k]) ->
                    %next = graph.concat [%state, %state] <axis = 0> : f32[2*k]
                    graph.yield [%c, %next, %i]
                  } : f32[m], i64[t]
                  %shape = graph.dims <values = [m, t]> : i64[2]
                  graph.bind %shape <symbols = [p, q]>
                  graph.check <left = p, relation = equal, right = m, message = "never">
                  %small = graph.map [%shape] { (%a: i64) ->
                    %b = arith.mul %a, %a : i64
                    graph.yield [%b]
                  } : i64[2]
                  graph.return [%last, %all, %small]
                }
                """,
                Tensor.of(new float[] {1, 2}, 2),
                Tensor.of(new long[] {3}));
        assertEquals("f32[16]", results.get(0).toString());
        assertArrayEquals(new long[] {0, 1, 2}, results.get(1).toLongArray());
        assertArrayEquals(new long[] {256, 9}, results.get(2).toLongArray());
    }

    @Test
    void scattersInIndexOrder() {
        var results = run(
                """
                graph.function <name = f> { (%x: f32[4], %i: i64[3], %u: f32[3]) ->
                  %a = graph.scatter-elements %x, %i, %u <axis = 0, combine = sum> : f32[4]
                  %b = graph.scatter-elements %x, %i, %u <axis = 0> : f32[4]
                  %t = graph.reshape %i : i64[3,1]
                  %c = graph.scatter-nd %x, %t, %u <combine = product> : f32[4]
                  %d = graph.gather-nd %x, %t <batch = 0> : f32[3]
                  graph.return [%a, %b, %c, %d]
                }
                """,
                Tensor.of(new float[] {1, 2, 3, 4}, 4),
                Tensor.of(new long[] {1, -1, 1}, 3),
                Tensor.of(new float[] {10, 20, 30}, 3));
        assertArrayEquals(new float[] {1, 42, 3, 24}, results.get(0).toFloatArray());
        assertArrayEquals(new float[] {1, 30, 3, 20}, results.get(1).toFloatArray());
        assertArrayEquals(new float[] {1, 600, 3, 80}, results.get(2).toFloatArray());
        assertArrayEquals(new float[] {2, 4, 2}, results.get(3).toFloatArray());
    }

    @Test
    void refusesWhatDoesNotFit() {
        var gather = """
                graph.function <name = f, symbols = [n:1..4]> { (%x: f32[n,n], %i: i64[1]) ->
                  %y = graph.gather %x, %i <axis = 0> : f32[1,n]
                  graph.return [%y]
                }
                """;
        var square = noise(1, 3, 3);
        var outside = assertThrows(
                PortolanException.RunFailed.class, () -> run(gather, square, Tensor.of(new long[] {3}, 1)));
        assertEquals("graph.gather (y): index 3 is outside of an axis of 3", outside.getMessage());
        assertThrows(
                PortolanException.InvalidInput.class, () -> run(gather, noise(1, 2, 3), Tensor.of(new long[] {0}, 1)));
        assertThrows(
                PortolanException.InvalidInput.class, () -> run(gather, noise(1, 5, 5), Tensor.of(new long[] {0}, 1)));
        assertThrows(
                PortolanException.InvalidInput.class,
                () -> new GraphInterpreter(TestGraphs.function(gather)).run(Map.of("x", square)));
    }

    @Test
    void limitsMemoryBeforeItIsTaken() {
        var text = """
                graph.function <name = f> { (%x: f32[1]) ->
                  %y = graph.broadcast %x : f32[1000,1000]
                  %z = graph.reshape %y : f32[1000000]
                  %w = graph.broadcast %x : f32[1000,1000]
                  %k = graph.constant <data = splat(0.0)> : f32[100000,1000000]
                  graph.return [%w]
                }
                """;
        var function = TestGraphs.function(text);
        // One array of 4 MB is alive at a time; the constant never fits.
        var options = InterpreterOptions.defaults().withByteLimit(5_000_000);
        var seen = new ArrayList<String>();
        var error = assertThrows(
                PortolanException.LimitExceeded.class,
                () -> run(function, options.withListener((_, value, _) -> seen.add(value.hint())), noise(1, 1)));
        assertEquals(List.of("y", "z", "w"), seen);
        assertTrue(error.getMessage().contains("%k"), error.getMessage());
    }
}
