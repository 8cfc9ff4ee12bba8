package org.portolan.llvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Body;
import org.portolan.lowering.CompileException;

/// Kernels of hand-written tile code, run on this processor.
class TileEmitterTest {
    private final Arena arena = Arena.ofAuto();

    private MemorySegment floats(int count, int seed) {
        var segment = arena.allocate(4L * count, 64);
        var random = new SplittableRandom(seed);
        for (int i = 0; i < count; i++) {
            segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextInt(-8, 9));
        }
        return segment;
    }

    private MemorySegment longs(long... values) {
        return arena.allocateFrom(ValueLayout.JAVA_LONG, values);
    }

    private static float[] array(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_FLOAT);
    }

    /// A product of matrices: grid over rows and column blocks, packed weights, an unrolled register tile, and a
    /// number of rows that is not known.
    @Test
    void aPackedProduct() {
        var text = """
                tile.kernel <name = product, symbols = [m], grid = [ceildiv(m, 2), 2]> { (%a: buffer<f32[m,24], global>, %b: buffer<f32[24,64], global, (k, n) -> (n/32, k, n%32), [2,24,32]>, %c: buffer<f32[m,64], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %two = arith.integer <value = 2> : index
                  %depth = arith.integer <value = 24> : index
                  %sixteen = arith.integer <value = 16> : index
                  %width = arith.integer <value = 32> : index
                  %columns = arith.integer <value = 64> : index
                  %rows = tile.dim <expression = m> : index
                  tile.for %zero, %rows, %two <bind = grid> { (%row: index) ->
                    tile.for %zero, %columns, %width <bind = grid> { (%column: index) ->
                      tile.for %zero, %two, %one <bind = unroll> { (%r: index) ->
                        %i = arith.add %row, %r : index
                        %inside = arith.compare %i, %rows <relation = less> : bool
                        tile.if %inside {
                          tile.for %zero, %width, %sixteen <bind = unroll> { (%v: index) ->
                            %j = arith.add %column, %v : index
                            %nought = arith.const <value = 0.0> : vec<16xf32>
                            %sum = tile.for %zero, %depth, %one, [%nought] { (%k: index, %acc: vec<16xf32>) ->
                              %x = tile.load %a, [%i, %k] : f32
                              %xs = tile.broadcast %x : vec<16xf32>
                              %w = tile.load %b, [%k, %j] : vec<16xf32>
                              %next = arith.fma %xs, %w, %acc : vec<16xf32>
                              tile.yield [%next]
                            } : vec<16xf32>
                            tile.store %sum, %c, [%i, %j]
                          }
                        }
                      }
                    }
                  }
                }
                """;
        int m = 7;
        var a = floats(m * 24, 1);
        var b = floats(24 * 64, 2);
        var packed = arena.allocate(24 * 64 * 4, 64);
        for (int k = 0; k < 24; k++) {
            for (int n = 0; n < 64; n++) {
                packed.setAtIndex(
                        ValueLayout.JAVA_FLOAT, (n / 32 * 24 + k) * 32 + n % 32, b.getAtIndex(ValueLayout.JAVA_FLOAT, k * 64 + n));
            }
        }
        var c = arena.allocate(m * 64 * 4, 64);
        try (var kernel = new HostKernel(text)) {
            for (int point = 0; point < 8; point += 3) {
                assertEquals(0, kernel.run(List.of(a, packed, c), List.of((long) m), point, Math.min(8, point + 3)));
            }
        }
        var expected = new float[m * 64];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < 64; j++) {
                for (int k = 0; k < 24; k++) {
                    expected[i * 64 + j] += array(a)[i * 24 + k] * array(b)[k * 64 + j];
                }
            }
        }
        assertArrayEquals(expected, array(c));
    }

    /// Rows of a table picked by computed indices; one outside of the table fails the run before it is read.
    @Test
    void aGatherWithAFailure() {
        var text = """
                tile.kernel <name = gather, symbols = [n], grid = [n]> { (%table: buffer<f32[5,19], global>, %ids: buffer<i64[n], global>, %y: buffer<f32[n,19], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %sixteen = arith.integer <value = 16> : index
                  %five = arith.integer <value = 5> : index
                  %width = arith.integer <value = 19> : index
                  %n = tile.dim <expression = n> : index
                  tile.for %zero, %n, %one <bind = grid> { (%i: index) ->
                    %id = tile.load %ids, [%i] : i64
                    %k = arith.cast %id : index
                    %low = arith.compare %k, %zero <relation = less> : bool
                    %high = arith.compare %k, %five <relation = greater_or_equal> : bool
                    %bad = arith.or %low, %high : bool
                    tile.fail %bad <code = 7>
                    tile.for %zero, %width, %sixteen { (%j: index) ->
                      %mask = tile.mask %j, %width : mask<16>
                      %v = tile.load %table, [%k, %j], %mask : vec<16xf32>
                      tile.store %v, %y, [%i, %j], %mask
                    }
                  }
                }
                """;
        var table = floats(5 * 19, 3);
        var y = arena.allocate(4 * 19 * 4, 64);
        try (var kernel = new HostKernel(text)) {
            assertEquals(0, kernel.run(List.of(table, longs(4, 0, 2, 2), y), List.of(4L), 0, 4));
            var rows = array(table);
            var found = array(y);
            int[] ids = {4, 0, 2, 2};
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 19; j++) {
                    assertEquals(rows[ids[i] * 19 + j], found[i * 19 + j]);
                }
            }
            assertEquals((7L << 32) + 1, kernel.run(List.of(table, longs(1, 5, 2, 2), y), List.of(4L), 0, 4));
            assertEquals((7L << 32) + 1, kernel.run(List.of(table, longs(1, Long.MIN_VALUE, 2, 2), y), List.of(4L), 0, 4));
        }
    }

    /// Each lane has its own index: a transposition by gathers and a scatter.
    @Test
    void vectorsOfIndices() {
        var text = """
                tile.kernel <name = turn> { (%x: buffer<f32[8,8], global>, %y: buffer<f32[8,8], global>, %z: buffer<f32[8,8], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %eight = arith.integer <value = 8> : index
                  %lanes = tile.lanes : vec<8xindex>
                  %turned = tile.dim [%lanes] <expression = 7 - $0> : vec<8xindex>
                  tile.for %zero, %eight, %one { (%i: index) ->
                    %column = tile.load %x, [%lanes, %i] : vec<8xf32>
                    tile.store %column, %y, [%i, %zero]
                    tile.store %column, %z, [%i, %turned]
                  }
                }
                """;
        var x = floats(64, 4);
        var y = arena.allocate(256, 64);
        var z = arena.allocate(256, 64);
        try (var kernel = new HostKernel(text)) {
            assertEquals(0, kernel.run(List.of(x, y, z), List.of(), 0, 1));
        }
        for (int i = 0; i < 8; i++) {
            for (int j = 0; j < 8; j++) {
                assertEquals(array(x)[j * 8 + i], array(y)[i * 8 + j]);
                assertEquals(array(x)[j * 8 + i], array(z)[i * 8 + 7 - j]);
            }
        }
    }

    /// Blocks with a border of zeros go through a ring into a local buffer and out again.
    @Test
    void copiesThroughARing() {
        var text = """
                tile.kernel <name = blocks, symbols = [m], grid = []> { (%x: buffer<f32[m,21], global>, %y: buffer<f32[3,6,20], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %two = arith.integer <value = 2> : index
                  %three = arith.integer <value = 3> : index
                  %six = arith.integer <value = 6> : index
                  %twenty = arith.integer <value = 20> : index
                  %minus = arith.integer <value = -1> : index
                  %ring = tile.ring <depth = 2> : ring<buffer<f32[6,20], shared>, 2>
                  %first = tile.acquire %ring : buffer<f32[6,20], shared>
                  tile.copy %x, %first, [%minus, %minus] <async = true>
                  tile.publish %ring
                  tile.for %zero, %three, %one { (%b: index) ->
                    %row = tile.dim [%b] <expression = 4*$0 + 3> : index
                    %slot = tile.acquire %ring : buffer<f32[6,20], shared>
                    tile.copy %x, %slot, [%row, %two] <async = true>
                    tile.publish %ring
                    %full = tile.consume %ring : buffer<f32[6,20], shared>
                    tile.for %zero, %six, %one { (%i: index) ->
                      tile.for %zero, %twenty, %one { (%j: index) ->
                        %v = tile.load %full, [%i, %j] : f32
                        tile.store %v, %y, [%b, %i, %j]
                      }
                    }
                    tile.release %ring
                  }
                }
                """;
        int m = 9;
        var x = floats(m * 21, 5);
        var y = arena.allocate(3 * 6 * 20 * 4, 64);
        try (var kernel = new HostKernel(text)) {
            assertEquals(0, kernel.run(List.of(x, y), List.of((long) m), 0, 1));
        }
        for (int b = 0; b < 3; b++) {
            int row = b == 0 ? -1 : 4 * (b - 1) + 3;
            int column = b == 0 ? -1 : 2;
            for (int i = 0; i < 6; i++) {
                for (int j = 0; j < 20; j++) {
                    int r = row + i;
                    int c = column + j;
                    float expected = r >= 0 && r < m && c >= 0 && c < 21 ? array(x)[r * 21 + c] : 0;
                    assertEquals(expected, array(y)[(b * 6 + i) * 20 + j], b + " " + i + " " + j);
                }
            }
        }
    }

    @Test
    void whileIfReduceAndShuffle() {
        var text = """
                tile.kernel <name = control, grid = []> { (%x: buffer<f32[16], global>, %y: buffer<f32[8], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %two = arith.integer <value = 2> : index
                  %four = arith.integer <value = 4> : index
                  %v = tile.load %x, [%zero] : vec<16xf32>
                  %sum = tile.reduce %v <combine = sum> : f32
                  tile.store %sum, %y, [%zero]
                  %odd = tile.shuffle [%v] <from = [0, 1, 2, 3, 4, 5, 6]> : vec<7xf32>
                  %largest = tile.reduce %odd <combine = maximum> : f32
                  tile.store %largest, %y, [%one]
                  %limit = arith.const <value = 100.0> : f32
                  %start = arith.const <value = 3.0> : f32
                  %last = tile.while [%start] { (%a: f32) ->
                    %more = arith.compare %a, %limit <relation = less> : bool
                    tile.yield [%more]
                  } { (%b: f32) ->
                    %double = arith.add %b, %b : f32
                    tile.yield [%double]
                  } : f32
                  tile.store %last, %y, [%two]
                  %big = arith.compare %last, %limit <relation = greater> : bool
                  %lane = tile.extract %v <lane = 5> : f32
                  %chosen = tile.if %big {
                    tile.yield [%lane]
                  } {
                    tile.yield [%start]
                  } : f32
                  %three = arith.add %one, %two : index
                  tile.store %chosen, %y, [%three]
                  %pairs = tile.shuffle [%v, %v] <from = [1, 17, 2, 31]> : vec<4xf32>
                  tile.store %pairs, %y, [%four]
                }
                """;
        var x = floats(16, 6);
        var y = arena.allocate(32, 64);
        try (var kernel = new HostKernel(text)) {
            assertEquals(0, kernel.run(List.of(x, y), List.of(), 0, 0));
            assertArrayEquals(new float[8], array(y), "an empty range does nothing");
            assertEquals(0, kernel.run(List.of(x, y), List.of(), 0, 1));
        }
        var in = array(x);
        float sum = 0;
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < 16; i++) {
            sum += in[i];
            largest = i < 7 ? Math.max(largest, in[i]) : largest;
        }
        assertArrayEquals(new float[] {sum, largest, 192, in[5], in[1], in[1], in[2], in[15]}, array(y));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sum", "maximum", "product"})
    void atomicsOnFloats(String combine) {
        var text = """
                tile.kernel <name = gathering, symbols = [n], grid = [n]> { (%x: buffer<f32[n], global>, %y: buffer<f32[1], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %n = tile.dim <expression = n> : index
                  tile.for %zero, %n, %one <bind = grid> { (%i: index) ->
                    %v = tile.load %x, [%i] : f32
                    %before = tile.atomic %v, %y, [%zero] <combine = COMBINE> : f32
                  }
                }
                """.replace("COMBINE", combine);
        var x = floats(12, 7);
        var y = arena.allocate(4, 64);
        y.set(ValueLayout.JAVA_FLOAT, 0, 1);
        try (var kernel = new HostKernel(text)) {
            assertEquals(0, kernel.run(List.of(x, y), List.of(12L), 0, 12));
        }
        float expected = 1;
        for (float value : array(x)) {
            expected = switch (combine) {
                case "sum" -> expected + value;
                case "product" -> expected * value;
                default -> Math.max(expected, value);
            };
        }
        assertEquals(expected, array(y)[0]);
    }

    @Test
    void anIntrinsicOfTheMachine() {
        var text = """
                tile.kernel <name = dot> { (%x: buffer<u8[64], global>, %w: buffer<i8[64], global>, %y: buffer<i32[16], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %a = tile.load %x, [%zero] : vec<64xu8>
                  %b = tile.load %w, [%zero] : vec<64xi8>
                  %c = tile.load %y, [%zero] : vec<16xi32>
                  %d = tile.call [%c, %a, %b] <intrinsic = dot4> : vec<16xi32>
                  tile.store %d, %y, [%zero]
                }
                """;
        var intrinsic = new MachineOp.Intrinsic(
                "dot4",
                "<16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32>, <16 x i32>, <16 x i32>)",
                List.of("avx512vnni"),
                Body.EMPTY);
        var target = new LlvmTarget("x86_64-unknown-linux-gnu", "znver4", "");
        var assembly = new LlvmCodegen()
                .assembly(List.of(HostKernel.kernel(text)), HostKernel.chip(target, 64, intrinsic));
        assertTrue(assembly.contains("vpdpbusd"), assembly);
        var failure = assertThrows(
                CompileException.class,
                () -> new LlvmCodegen().assembly(List.of(HostKernel.kernel(text)), HostKernel.chip(target, 64)));
        assertTrue(failure.getMessage().contains("dot4"), failure.getMessage());
    }

    @Test
    void whatCannotBeSaidNamesTheKernel() {
        var text = """
                tile.kernel <name = threads, origin = ["/encoder/Exp"]> { (%x: buffer<f32[4], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %four = arith.integer <value = 4> : index
                  tile.for %zero, %four, %one <bind = block> { (%t: index) ->
                    tile.barrier <scope = block>
                  }
                }
                """;
        var failure = assertThrows(CompileException.class, () -> new HostKernel(text));
        assertTrue(failure.getMessage().contains("threads"), failure.getMessage());
        assertTrue(failure.getMessage().contains("/encoder/Exp"), failure.getMessage());
    }
}
