package org.portolan.ir.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.runtime.type.ElementType;

/// A product whose operands the copy engine brings and that is under way while the next one begins; then the same with one thing
/// wrong.
class TileBoxesTest {
    private static final String PRODUCT =
            """
            machine.intrinsic <name = product, spelling = "product", spreads = [(r, c) -> (4*(r%2)+c, r/2)]> { (%a: f32[4,8], %b: f32[8,4], %c: f32[4,4]) ->
              %d = nest.compute [%a, %b, %c] <axes = [i:4, j:4, k:8]> {
                %x = nest.read %a <at = [i, k]> : f32
                %y = nest.read %b <at = [k, j]> : f32
                %p = arith.mul %x, %y : f32
                %s = nest.sum %p <over = [k]> : f32
                %z = nest.read %c <at = [i, j]> : f32
                %t = arith.add %z, %s : f32
                nest.yield [%t] <to = [[i, j]]>
              } : f32[4,4]
              machine.yield [%d]
            }
            """;

    private static final String KERNEL =
            """
            tile.kernel <name = multiply> { (%a: buffer<f32[4,WIDTH], global>, %b: buffer<f32[20,4], global>, %c: buffer<f32[4,4], global>) ->
              %left = tile.ring <depth = 2, signals = true> : ring<buffer<f32[4,8], shared>, 2>
              %right = tile.ring <depth = 2, signals = true> : ring<buffer<f32[8,4], shared>, 2>
              %zero = arith.integer <value = 0> : index
              %one = arith.integer <value = 1> : index
              %steps = arith.integer <value = 3> : index
              %warp = arith.integer <value = 8> : index
              tile.for %zero, %one, %one <bind = warp> { (%w: index) ->
                tile.for %zero, %warp, %one <bind = lane> { (%lane: index) ->
                  %none = arith.const <value = 0.0> : f32
                  %init = tile.broadcast %none : frag<f32[4,4], (r, c) -> (4*(r%2)+c, r/2)>
                  %l = tile.acquire %left : buffer<f32[4,8], shared>
                  tile.copy %a, %l, [%zero, %zero] <async = true>
                  tile.publish %left
                  %r = tile.acquire %right : buffer<f32[8,4], shared>
                  tile.copy %b, %r, [%zero, %zero] <async = true>
                  tile.publish %right
                  %sum = tile.for %zero, %steps, %one, [%init] { (%step: index, %before: frag<f32[4,4], (r, c) -> (4*(r%2)+c, r/2)>) ->
                    %x = tile.consume %left : buffer<f32[4,8], shared>
                    %y = tile.consume %right : buffer<f32[8,4], shared>
                    %d = tile.call [%x, %y, %before] <intrinsic = product> : frag<f32[4,4], (r, c) -> (4*(r%2)+c, r/2)>
                    tile.await <later = 1>
                    %old = arith.compare %zero, %step <relation = less> : bool
                    tile.if %old {
                      tile.release %left
                      tile.release %right
                    }
                    %ahead = tile.dim [%step] <expression = $0+1> : index
                    %more = arith.compare %ahead, %steps <relation = less> : bool
                    tile.if %more {
                      %deep = tile.dim [%ahead] <expression = 8*$0> : index
                      %l_1 = tile.acquire %left : buffer<f32[4,8], shared>
                      tile.copy %a, %l_1, [%zero, %deep] <async = true>
                      tile.publish %left
                      %r_1 = tile.acquire %right : buffer<f32[8,4], shared>
                      tile.copy %b, %r_1, [%deep, %zero] <async = true>
                      tile.publish %right
                    }
                    tile.yield [%d]
                  } : frag<f32[4,4], (r, c) -> (4*(r%2)+c, r/2)>
                  %all = tile.await [%sum] <later = 0> : frag<f32[4,4], (r, c) -> (4*(r%2)+c, r/2)>
                  tile.store %all, %c, [%zero, %zero]
                }
              }
            }
            """;

    private static float[] run(String text, int width) {
        var kernel = (TileOp.Kernel) IrParser.parse(text.replace("WIDTH", Integer.toString(width)), "kernel").getFirst();
        var product = (MachineOp.Intrinsic) IrParser.parse(PRODUCT, "product").getFirst();
        var c = array(4, 4, 0);
        new TileInterpreter(kernel, List.of(product)).run(List.of(array(4, width, 1), array(20, 4, 2), c));
        var found = new float[16];
        for (int i = 0; i < found.length; i++) {
            found[i] = (float) c.elements().getDouble(i);
        }
        return found;
    }

    private static NdArray array(int rows, int columns, int seed) {
        var elements = Elements.allocate(ElementType.F32, rows * columns);
        for (int i = 0; i < elements.size(); i++) {
            elements.setDouble(i, value(i, seed));
        }
        return new NdArray(new int[] {rows, columns}, elements);
    }

    private static double value(int number, int seed) {
        return seed == 0 ? 0 : number * 7 % 11 - seed;
    }

    /// The matrices end within the last block, so that what lies beyond is 0.
    @Test
    void multiplies() {
        var found = run(KERNEL, 20);
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                double sum = 0;
                for (int k = 0; k < 20; k++) {
                    sum += value(i * 20 + k, 1) * value(k * 4 + j, 2);
                }
                assertEquals(sum, found[i * 4 + j]);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "tile.await <later = 1>||is released while 1 products read it",
        "tile.await <later = 1>|tile.await [] <later = 2>|is released while 1 products read it",
        "tile.await [%sum] <later = 0>|tile.broadcast %none|stored while it is computed",
        "tile.copy %a, %l, [%zero, %zero] <async = true>|tile.copy %a, %l, [%zero, %zero]|asynchronously",
        "tile.copy %a, %l, [%zero, %zero] <async = true>|tile.copy %a, %l, [%zero, %zero] <async = true> tile.copy %a, %l, [%zero, %zero] <async = true>|a second time",
        "tile.copy %a, %l, [|%v = tile.view %a, [%zero, %zero] : buffer<f32[4,20], global> tile.copy %v, %l, [|boxes of parameters",
        "%old = arith.compare %zero, %step|%old = arith.compare %one, %step|one must be released",
    })
    void withOneThingWrong(String right, String wrong, String message) {
        assertTrue(KERNEL.contains(right), right);
        var text = KERNEL.replace(right, wrong == null ? "" : wrong);
        if (wrong != null && wrong.contains("broadcast")) {
            text = text.replace("tile.store %all,", "tile.store %sum,");
        }
        var changed = text;
        var found = assertThrows(TileException.class, () -> run(changed, 20)).getMessage();
        assertTrue(found.contains(message), found);
    }

    @Test
    void rowsThatAreNoMultipleOf16BytesApartAreRefused() {
        var found = assertThrows(TileException.class, () -> run(KERNEL, 18)).getMessage();
        assertTrue(found.contains("moves by 18 elements"), found);
    }
}
