package org.portolan.ir.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.portolan.ir.interpreter.TestKernels.floats;
import static org.portolan.ir.interpreter.TestKernels.interpreter;
import static org.portolan.ir.interpreter.TestKernels.noise;
import static org.portolan.ir.interpreter.TestKernels.pack;
import static org.portolan.ir.interpreter.TestKernels.values;
import static org.portolan.ir.interpreter.TestKernels.zeros;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.type.ElementType;

/// Hand-written kernels, as a CPU, a GPU and a cube would have them, against plain loops.
class TileInterpreterTest {

    /// Sums over k in parts, each part added as a whole.
    private static float[] matMul(NdArray left, NdArray right, int part) {
        int rows = left.shape()[0];
        int depth = left.shape()[1];
        int columns = right.shape()[1];
        var expected = new float[rows * columns];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                for (int start = 0; start < depth; start += part) {
                    float sum = 0;
                    for (int k = start; k < start + part; k++) {
                        sum += values(left)[i * depth + k] * values(right)[k * columns + j];
                    }
                    expected[i * columns + j] += sum;
                }
            }
        }
        return expected;
    }

    @Test
    void multipliesOnACpuWithPackedColumnsAndAMaskedTail() {
        var kernel = interpreter("""
                tile.kernel <name = matmul, symbols = [m], grid = [ceildiv(m, 2), 2]> { (%a: buffer<f32[m,40], global>, %b: buffer<f32[40,32], global, (k, n) -> (n/16, k, n%16), [2,40,16]>, %c: buffer<f32[m,32], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %two = arith.integer <value = 2> : index
                  %depth = arith.integer <value = 40> : index
                  %rows = tile.dim <expression = ceildiv(m, 2)> : index
                  tile.for %zero, %rows, %one <bind = grid> { (%block: index) ->
                    tile.for %zero, %two, %one <bind = grid> { (%panel: index) ->
                      %row = tile.dim [%block] <expression = 2*$0> : index
                      %next = tile.dim [%block] <expression = 2*$0+1> : index
                      %column = tile.dim [%panel] <expression = 16*$0> : index
                      %m = tile.dim <expression = m> : index
                      %inside = arith.compare %next, %m <relation = less> : bool
                      %f = arith.const <value = 0.0> : f32
                      %start = tile.broadcast %f : vec<16xf32>
                      %x, %y = tile.for %zero, %depth, %one, [%start, %start] { (%k: index, %p: vec<16xf32>, %q: vec<16xf32>) ->
                        %w = tile.load %b, [%k, %column] : vec<16xf32>
                        %s = tile.load %a, [%row, %k] : f32
                        %t = tile.load %a, [%next, %k], %inside : f32
                        %u = tile.broadcast %s : vec<16xf32>
                        %v = tile.broadcast %t : vec<16xf32>
                        %g = arith.mul %u, %w : vec<16xf32>
                        %h = arith.mul %v, %w : vec<16xf32>
                        %i = arith.add %p, %g : vec<16xf32>
                        %j = arith.add %q, %h : vec<16xf32>
                        tile.yield [%i, %j]
                      } : vec<16xf32>, vec<16xf32>
                      tile.store %x, %c, [%row, %column]
                      tile.if %inside {
                        tile.store %y, %c, [%next, %column]
                      }
                    }
                  }
                }
                """);
        var a = noise(1, ElementType.F32, 7, 40);
        var b = noise(2, ElementType.F32, 40, 32);
        var c = zeros(ElementType.F32, 7, 32);
        var packed = pack(b, "buffer<f32[40,32], global, (k, n) -> (n/16, k, n%16), [2,40,16]>");
        kernel.run(List.of(a, packed, c), 7);
        assertArrayEquals(matMul(a, b, 40), values(c));
    }

    @Test
    void multipliesOnAGpuWithRingsSwizzlesAndFragments() {
        var kernel = interpreter("""
                machine.chip <name = gpu, codegen = cuda, triple = "", processor = "", vectors = thread, vector_bytes = 4, vector_registers = 255, fma_per_cycle = 1, level1_bytes = 0, level2_bytes = 0, shared_bytes = 49152, block_limit = 1024, warp = 32, alignment = 16> {
                  machine.intrinsic <name = ldmatrix, spelling = "ldmatrix"> { (%x: bf16[16,16]) ->
                    %r = nest.compute [%x] <axes = [i:16, j:16]> {
                      %v = nest.read %x <at = [i, j]> : bf16
                      nest.yield [%v] <to = [[i, j]]>
                    } : bf16[16,16]
                    machine.yield [%r]
                  }
                  machine.intrinsic <name = mma, spelling = "mma.sync"> { (%a: bf16[16,16], %b: bf16[16,8], %c: f32[16,8]) ->
                    %r_1 = nest.compute [%a, %b, %c] <axes = [i:16, j:8, k:16]> {
                      %x_1 = nest.read %a <at = [i, k]> : bf16
                      %y = nest.read %b <at = [k, j]> : bf16
                      %p = arith.cast %x_1 : f32
                      %q = arith.cast %y : f32
                      %t = arith.mul %p, %q : f32
                      %s = nest.sum %t <over = [k]> : f32
                      %z = nest.read %c <at = [i, j]> : f32
                      %u = arith.add %z, %s : f32
                      nest.yield [%u] <to = [[i, j]]>
                    } : f32[16,8]
                    machine.yield [%r_1]
                  }
                }
                tile.kernel <name = matmul, symbols = [m, n, k], grid = [m/32, n/16]> { (%a: buffer<bf16[m,k], global>, %b: buffer<bf16[k,n], global>, %c: buffer<f32[m,n], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %two = arith.integer <value = 2> : index
                  %four = arith.integer <value = 4> : index
                  %rows = tile.dim <expression = m/32> : index
                  %columns = tile.dim <expression = n/16> : index
                  %steps = tile.dim <expression = k/16> : index
                  tile.for %zero, %rows, %one <bind = grid> { (%block: index) ->
                    tile.for %zero, %columns, %one <bind = grid> { (%panel: index) ->
                      %left = tile.ring <depth = 3> : ring<buffer<bf16[32,16], shared, (r, c) -> (r, c/8^r/4%2, c%8), [32,2,8]>, 3>
                      %right = tile.ring <depth = 3> : ring<buffer<bf16[16,16], shared>, 3>
                      tile.for %zero, %four, %one <bind = warp> { (%warp: index) ->
                        %row = tile.dim [%warp] <expression = $0/2*16> : index
                        %column = tile.dim [%warp] <expression = $0%2*8> : index
                        %top = tile.dim [%block] <expression = 32*$0> : index
                        %side = tile.dim [%panel] <expression = 16*$0> : index
                        %f = arith.const <value = 0.0> : f32
                        %init = tile.broadcast %f : frag<f32[16,8], (r, c) -> (c/2+4*(r%8), c%2+2*(r/8))>
                        tile.for %zero, %two, %one { (%stage: index) ->
                          %deep = tile.dim [%stage] <expression = 16*$0> : index
                          %l = tile.acquire %left : buffer<bf16[32,16], shared, (r, c) -> (r, c/8^r/4%2, c%8), [32,2,8]>
                          tile.copy %a, %l, [%top, %deep] <async = true>
                          tile.publish %left
                          %r = tile.acquire %right : buffer<bf16[16,16], shared>
                          tile.copy %b, %r, [%deep, %side] <async = true>
                          tile.publish %right
                        }
                        %acc = tile.for %zero, %steps, %one, [%init] { (%step: index, %sum: frag<f32[16,8], (r, c) -> (c/2+4*(r%8), c%2+2*(r/8))>) ->
                          %x = tile.consume %left : buffer<bf16[32,16], shared, (r, c) -> (r, c/8^r/4%2, c%8), [32,2,8]>
                          %y = tile.consume %right : buffer<bf16[16,16], shared>
                          tile.barrier <scope = block>
                          %xs = tile.view %x, [%row, %zero] : buffer<bf16[16,16], shared>
                          %fa = tile.call [%xs] <intrinsic = ldmatrix> : frag<bf16[16,16], (r, c) -> (c%8/2+4*(r%8), c%2+4*(c/8)+2*(r/8))>
                          %fb = tile.load %y, [%zero, %column] : frag<bf16[16,8], (r, c) -> (c*4+r%8/2, r%2+2*(r/8))>
                          %d = tile.call [%fa, %fb, %sum] <intrinsic = mma> : frag<f32[16,8], (r, c) -> (c/2+4*(r%8), c%2+2*(r/8))>
                          tile.release %left
                          tile.release %right
                          %ahead = tile.dim [%step] <expression = $0+2> : index
                          %more = arith.compare %ahead, %steps <relation = less> : bool
                          tile.if %more {
                            %deep_1 = tile.dim [%ahead] <expression = 16*$0> : index
                            %l_1 = tile.acquire %left : buffer<bf16[32,16], shared, (r, c) -> (r, c/8^r/4%2, c%8), [32,2,8]>
                            tile.copy %a, %l_1, [%top, %deep_1] <async = true>
                            tile.publish %left
                            %r_2 = tile.acquire %right : buffer<bf16[16,16], shared>
                            tile.copy %b, %r_2, [%deep_1, %side] <async = true>
                            tile.publish %right
                          }
                          tile.yield [%d]
                        } : frag<f32[16,8], (r, c) -> (c/2+4*(r%8), c%2+2*(r/8))>
                        %relu = arith.max %acc, %init : frag<f32[16,8], (r, c) -> (c/2+4*(r%8), c%2+2*(r/8))>
                        %i = tile.dim [%top, %row] <expression = $0+$1> : index
                        %j = tile.dim [%side, %column] <expression = $0+$1> : index
                        tile.store %relu, %c, [%i, %j]
                      }
                    }
                  }
                }
                """);
        var a = noise(3, ElementType.BF16, 64, 64);
        var b = noise(4, ElementType.BF16, 64, 32);
        var c = zeros(ElementType.F32, 64, 32);
        kernel.run(List.of(a, b, c), 64, 32, 64);
        var expected = matMul(a, b, 16);
        for (int i = 0; i < expected.length; i++) {
            expected[i] = Math.max(expected[i], 0);
        }
        assertArrayEquals(expected, values(c));
    }

    @Test
    void multipliesOnACubeThroughFractals() {
        var kernel = interpreter("""
                machine.chip <name = cube, codegen = ascend, triple = "", processor = "", vectors = memory, vector_bytes = 256, vector_registers = 0, fma_per_cycle = 1, level1_bytes = 0, level2_bytes = 0, shared_bytes = 524288, block_limit = 48, warp = 1, alignment = 32> {
                  machine.intrinsic <name = mmad, spelling = "Mmad"> { (%c: f32[m,n], %a: f16[m,k], %b: f16[k,n]) ->
                    %r = nest.compute [%a, %b, %c], [%c] <axes = [i:m, j:n, l:k]> {
                      %x = nest.read %a <at = [i, l]> : f16
                      %y = nest.read %b <at = [l, j]> : f16
                      %p = arith.cast %x : f32
                      %q = arith.cast %y : f32
                      %t = arith.mul %p, %q : f32
                      %s = nest.sum %t <over = [l]> : f32
                      %z = nest.read %c <at = [i, j]> : f32
                      %u = arith.add %z, %s : f32
                      nest.yield [%u] <to = [[i, j]]>
                    } : f32[m,n]
                    machine.yield [%r]
                  }
                  machine.intrinsic <name = fill, spelling = "InitConstValue"> { (%d: f32[m,n]) ->
                    %e = nest.compute [], [%d] <axes = [i:m, j:n]> {
                      %o = arith.const <value = 0.0> : f32
                      nest.yield [%o] <to = [[i, j]]>
                    } : f32[m,n]
                    machine.yield [%e]
                  }
                }
                tile.kernel <name = matmul, symbols = [blocks], grid = [blocks]> { (%a: buffer<f16[32*blocks,64], global>, %b: buffer<f16[64,32], global>, %c: buffer<f32[32*blocks,32], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %two = arith.integer <value = 2> : index
                  %cores = tile.dim <expression = blocks> : index
                  tile.for %zero, %cores, %one <bind = grid> { (%core: index) ->
                    %top = tile.dim [%core] <expression = 32*$0> : index
                    %one_a = tile.ring <depth = 2> : ring<buffer<f16[32,32], shared, (m, k) -> (k/16, m/16, m%16, k%16), [2,2,16,16]>, 2>
                    %one_b = tile.ring <depth = 2> : ring<buffer<f16[32,32], shared, (k, n) -> (n/16, k/16, k%16, n%16), [2,2,16,16]>, 2>
                    %near_a = tile.alloc : buffer<f16[32,32], local, (m, k) -> (m/16, k/16, m%16, k%16), [2,2,16,16]>
                    %near_b = tile.alloc : buffer<f16[32,32], local, (k, n) -> (k/16, n/16, n%16, k%16), [2,2,16,16]>
                    %sum = tile.alloc : buffer<f32[32,32], local, (m, n) -> (n/16, m, n%16), [2,32,16]>
                    tile.call [%sum] <intrinsic = fill>
                    tile.for %zero, %two, %one { (%step: index) ->
                      %deep = tile.dim [%step] <expression = 32*$0> : index
                      %fill_a = tile.acquire %one_a : buffer<f16[32,32], shared, (m, k) -> (k/16, m/16, m%16, k%16), [2,2,16,16]>
                      tile.copy %a, %fill_a, [%top, %deep] <async = true>
                      tile.publish %one_a
                      %fill_b = tile.acquire %one_b : buffer<f16[32,32], shared, (k, n) -> (n/16, k/16, k%16, n%16), [2,2,16,16]>
                      tile.copy %b, %fill_b, [%deep, %zero] <async = true>
                      tile.publish %one_b
                      %full_a = tile.consume %one_a : buffer<f16[32,32], shared, (m, k) -> (k/16, m/16, m%16, k%16), [2,2,16,16]>
                      tile.copy %full_a, %near_a, [%zero, %zero]
                      tile.release %one_a
                      %full_b = tile.consume %one_b : buffer<f16[32,32], shared, (k, n) -> (n/16, k/16, k%16, n%16), [2,2,16,16]>
                      tile.copy %full_b, %near_b, [%zero, %zero]
                      tile.release %one_b
                      tile.call [%sum, %near_a, %near_b] <intrinsic = mmad>
                    }
                    %part = tile.view %c, [%top, %zero] : buffer<f32[32,32], global>
                    tile.copy %sum, %part, [%zero, %zero]
                  }
                }
                """);
        var a = noise(5, ElementType.F16, 96, 64);
        var b = noise(6, ElementType.F16, 64, 32);
        var c = zeros(ElementType.F32, 96, 32);
        kernel.run(List.of(a, b, c), 3);
        assertArrayEquals(matMul(a, b, 32), values(c));
    }

    private static final String WAIT = "tile.barrier <scope = block>";

    private static final String BLOCK_SUM = """
            tile.kernel <name = sum> { (%x: buffer<f32[64], global>, %y: buffer<f32[1], global>, %n: buffer<i32[1], global>) ->
              %zero = arith.integer <value = 0> : index
              %one = arith.integer <value = 1> : index
              %two = arith.integer <value = 2> : index
              %all = arith.integer <value = 64> : index
              %half = arith.integer <value = 32> : index
              %sums = tile.alloc : buffer<f32[64], shared>
              tile.for %zero, %two, %one <bind = warp> { (%warp: index) ->
                tile.for %zero, %half, %one <bind = lane> { (%lane: index) ->
                  %i = tile.dim [%warp, %lane] <expression = 32*$0+$1> : index
                  %v = tile.load %x, [%i] : f32
                  tile.store %v, %sums, [%i]
                  FIRST
                  %end = tile.while [%half] { (%h: index) ->
                    %go = arith.compare %h, %zero <relation = greater> : bool
                    tile.yield [%go]
                  } { (%w: index) ->
                    %mine = arith.compare %i, %w <relation = less> : bool
                    tile.if %mine {
                      %j = arith.add %i, %w : index
                      %p = tile.load %sums, [%i] : f32
                      %q = tile.load %sums, [%j] : f32
                      %s = arith.add %p, %q : f32
                      tile.store %s, %sums, [%i]
                    }
                    tile.barrier <scope = SCOPE>
                    %next = tile.dim [%w] <expression = $0/2> : index
                    tile.yield [%next]
                  } : index
                  %t = arith.integer <value = 1> : i32
                  %old = tile.atomic %t, %n, [%zero] : i32
                  %first = arith.compare %i, %zero <relation = equal> : bool
                  tile.if %first {
                    INSIDE
                    %r = tile.load %sums, [%zero] : f32
                    tile.store %r, %y, [%zero]
                  }
                }
              }
            }
            """;

    @Test
    void threadsWaitForEachOther() {
        var x = noise(7, ElementType.F32, 64);
        var y = zeros(ElementType.F32, 1);
        var n = zeros(ElementType.I32, 1);
        interpreter(BLOCK_SUM.replace("FIRST", WAIT).replace("SCOPE", "block").replace("INSIDE", "")).run(List.of(x, y, n));
        var sums = values(x).clone();
        for (int half = 32; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                sums[i] += sums[i + half];
            }
        }
        assertEquals(sums[0], values(y)[0]);
        assertEquals(64, n.scalar());
    }

    /// The interpreter's own order hides a missing barrier, and the bookkeeping does not.
    @ParameterizedTest
    @CsvSource({
        "'', block, loads what another stores",
        "tile.barrier <scope = warp>, block, loads what another stores",
        "tile.barrier <scope = block>, lane, and no barrier stands between them",
    })
    void findsBarriersThatAreMissing(String first, String scope, String message) {
        var kernel =
                interpreter(BLOCK_SUM.replace("FIRST", first).replace("SCOPE", scope).replace("INSIDE", ""));
        var buffers = List.of(zeros(ElementType.F32, 64), zeros(ElementType.F32, 1), zeros(ElementType.I32, 1));
        var error = assertThrows(TileException.class, () -> kernel.run(buffers));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"block, 64", "warp, 32"})
    void refusesABarrierThatNotAllReach(String scope, int threads) {
        var kernel = interpreter(
                BLOCK_SUM.replace("FIRST", WAIT).replace("SCOPE", "block").replace("INSIDE", "tile.barrier <scope = " + scope + ">"));
        var buffers = List.of(zeros(ElementType.F32, 64), zeros(ElementType.F32, 1), zeros(ElementType.I32, 1));
        var error = assertThrows(TileException.class, () -> kernel.run(buffers));
        assertEquals("a barrier of sum is reached by 1 of " + threads + " threads", error.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "%v = tile.load %x, [%far] : f32 | index [4] lies outside of %x",
                "%v = tile.load %x, [%two] : vec<4xf32> | place 4 lies outside of the 4 elements of %x",
                "tile.store %f, %x, [%less] | index [-1] lies outside of %x",
                "%v = tile.load %near, [%two] : f32 | element 2 of %near: buffer<f32[4], local> is read, and nothing was written there",
                "%v = tile.view %near, [%less] : buffer<f32[2], local> %w = tile.load %v, [%zero] : f32 | index [0] lies outside of %near",
                "%v = tile.view %wide, [%zero, %zero] : buffer<f32[2,2], global> | says that index 1 of axis 0 lies 2 elements from the first; it lies 4",
                "%v = tile.consume %ring : buffer<f32[4], shared> | is consumed, and none was published",
                "%v = tile.acquire %ring : buffer<f32[4], shared> tile.publish %ring %w = tile.acquire %ring : buffer<f32[4], shared> | must be released before the next is acquired",
                "%v = tile.acquire %ring : buffer<f32[4], shared> tile.copy %x, %v, [%zero] <async = true> %w = tile.load %v, [%zero] : f32 | complete when the slot is consumed",
                "%v = arith.compare %zero, %two <relation = equal> : bool tile.assume %v | assumes what does not hold",
                "tile.barrier <scope = grid> | threads of different blocks cannot wait for each other",
                "tile.for %zero, %two, %less { (%v: index) -> } | needs a positive step, found -1",
            })
    void refusesWhatNoDeviceMayDo(String code, String message) {
        var kernel = interpreter("""
                tile.kernel <name = wrong> { (%x: buffer<f32[4], global>, %wide: buffer<f32[2,4], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %two = arith.integer <value = 2> : index
                  %far = arith.integer <value = 4> : index
                  %less = arith.integer <value = -1> : index
                  %f = arith.const <value = 1.0> : f32
                  %near = tile.alloc : buffer<f32[4], local>
                  %ring = tile.ring <depth = 1> : ring<buffer<f32[4], shared>, 1>
                  CODE
                }
                """.replace("CODE", code));
        var error = assertThrows(
                TileException.class,
                () -> kernel.run(List.of(zeros(ElementType.F32, 4), zeros(ElementType.F32, 2, 4))));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void vectorsMasksAndLanes() {
        var kernel = interpreter("""
                tile.kernel <name = lanes, symbols = [n]> { (%x: buffer<f32[n], global>, %y: buffer<f32[4,4], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %two = arith.integer <value = 2> : index
                  %three = arith.integer <value = 3> : index
                  %n = tile.dim <expression = n> : index
                  %f = arith.const <value = 9.0> : f32
                  %nine = tile.broadcast %f : vec<4xf32>
                  %mask = tile.mask %zero, %n : mask<4>
                  %a = tile.load %x, [%zero], %mask, %nine : vec<4xf32>
                  tile.store %a, %y, [%zero, %zero]
                  %lanes = tile.lanes : vec<4xindex>
                  %back = tile.dim [%lanes, %n] <expression = $1-1-$0> : vec<4xindex>
                  %b = tile.load %x, [%back], %mask : vec<4xf32>
                  tile.store %b, %y, [%one, %zero]
                  %c = tile.shuffle [%a, %b] <from = [0, 4, 1, 5]> : vec<4xf32>
                  tile.store %c, %y, [%two, %zero]
                  %d = tile.reduce %c : f32
                  %e = tile.extract %c <lane = 1> : f32
                  tile.store %d, %y, [%three, %zero]
                  tile.store %e, %y, [%three, %one]
                }
                """);
        var y = zeros(ElementType.F32, 4, 4);
        kernel.run(List.of(floats(new float[] {1, 2, 3}, 3), y), 3);
        assertArrayEquals(new float[] {1, 2, 3, 9, 3, 2, 1, 0, 1, 3, 2, 2, 8, 3, 0, 0}, values(y));
    }

    @Test
    void vectorsInMemoryAreFetchedMappedAndPut() {
        var kernel = interpreter("""
                tile.kernel <name = k, symbols = [n]> { (%from: buffer<f32[n], global>, %to: buffer<f32[n], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %below = tile.dim <expression = 0-1> : index
                  %last = tile.dim <expression = n-1> : index
                  %all = tile.dim <expression = n> : index
                  %other = arith.const <value = 100.0> : f32
                  %in = tile.alloc : buffer<f32[8], local>
                  %off = tile.alloc : buffer<bool[8], local>
                  tile.fetch %from, [%below], %one, %all, %other, %in <count = 8>
                  tile.order <before = copy_in, after = vector>
                  tile.map %off, [%in, %other] <count = 8> { (%x: f32, %y: f32) ->
                    %z = arith.compare %x, %y <relation = equal> : bool
                    tile.yield [%z]
                  }
                  tile.order <before = vector, after = vector>
                  tile.map %in, [%off, %other, %in] <count = 8> { (%c: bool, %p: f32, %q: f32) ->
                    %s = arith.select %c, %p, %q : f32
                    tile.yield [%s]
                  }
                  tile.order <before = vector, after = copy_out>
                  tile.put %in, %to, [%zero], _, %last <count = 8>
                }
                """);
        var from = floats(new float[] {1, 2, 3, 4, 5}, 5);
        var to = floats(new float[] {-1, -1, -1, -1, -1}, 5);
        kernel.run(List.of(from, to), 5);
        assertArrayEquals(new float[] {100, 1, 2, 3, -1}, values(to));
    }

    @Test
    void failuresAreErrorsOfTheRun() {
        var kernel = interpreter("""
                tile.kernel <name = gather> { (%i: buffer<i64[2], global>, %y: buffer<f32[2], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %k = tile.load %i, [%zero] : vec<2xi64>
                  %limit = arith.integer <value = 5> : vec<2xi64>
                  %bad = arith.compare %k, %limit <relation = greater_or_equal> : mask<2>
                  tile.fail %bad <code = 1>
                }
                """);
        var indices = zeros(ElementType.I64, 2);
        var y = zeros(ElementType.F32, 2);
        kernel.run(List.of(indices, y));
        indices.elements().setLong(1, 5);
        var error = assertThrows(PortolanException.RunFailed.class, () -> kernel.run(List.of(indices, y)));
        assertEquals("kernel gather fails: an index is out of range (failure 1 of the kernel)", error.getMessage());
        assertEquals(1, error.code());
        assertEquals(1, error.operation());
    }
}
