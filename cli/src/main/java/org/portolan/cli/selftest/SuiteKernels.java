package org.portolan.cli.selftest;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.portolan.ir.TileOp;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.verify.Verifier;
import org.portolan.lowering.Target;
import org.portolan.runtime.selftest.suite.SuiteImages;

/// The kernels of the device suite: one thread for each point of the grid, and nothing that a machine might lack.
public final class SuiteKernels {
    private static final int BUFFERS = SuiteImages.BUFFERS;
    private static final int EXTENTS = SuiteImages.EXTENTS;

    /// z = x + y.
    private static final String ADD =
            """
            tile.kernel <name = "add", symbols = [n], grid = [n]> { (%x: buffer<f32[n], global>, %y: buffer<f32[n], global>, %z: buffer<f32[n], global>) ->
              %zero = arith.integer <value = 0> : index
              %one = arith.integer <value = 1> : index
              %count = tile.dim <expression = n> : index
              tile.for %zero, %count, %one <bind = grid> { (%i: index) ->
                %a = tile.load %x, [%i] : f32
                %b = tile.load %y, [%i] : f32
                %c = arith.add %a, %b : f32
                tile.store %c, %z, [%i]
                tile.yield
              }
            }
            """;

    /// The same name in another image, and another function: z = x - y.
    private static final String SUBTRACT = ADD.replace("arith.add", "arith.sub");

    /// Each element of a three-dimensional grid gets its number.
    private static final String NUMBER =
            """
            tile.kernel <name = "number", symbols = [a, b, c], grid = [a, b, c]> { (%y: buffer<i32[a,b,c], global>) ->
              %zero = arith.integer <value = 0> : index
              %one = arith.integer <value = 1> : index
              %planes = tile.dim <expression = a> : index
              %rows = tile.dim <expression = b> : index
              %columns = tile.dim <expression = c> : index
              tile.for %zero, %planes, %one <bind = grid> { (%i: index) ->
                tile.for %zero, %rows, %one <bind = grid> { (%j: index) ->
                  tile.for %zero, %columns, %one <bind = grid> { (%k: index) ->
                    %at = tile.dim [%i, %j, %k] <expression = b*c*$0+c*$1+$2> : index
                    %number = arith.cast %at : i32
                    tile.store %number, %y, [%i, %j, %k]
                    tile.yield
                  }
                  tile.yield
                }
                tile.yield
              }
            }
            """;

    /// No grid at all.
    private static final String SINGLE =
            """
            tile.kernel <name = "single", symbols = [], grid = []> { (%x: buffer<i32[1], global>, %y: buffer<i32[1], global>) ->
              %zero = arith.integer <value = 0> : index
              %a = tile.load %x, [%zero] : i32
              %b = arith.add %a, %a : i32
              tile.store %b, %y, [%zero]
            }
            """;

    /// {@code y = x[ids]}, and an error where an index is out of range.
    private static final String GATHER =
            """
            tile.kernel <name = "gather", symbols = [n, k], grid = [k]> { (%x: buffer<f32[n], global>, %ids: buffer<i64[k], global>, %y: buffer<f32[k], global>) ->
              %zero = arith.integer <value = 0> : index
              %one = arith.integer <value = 1> : index
              %count = tile.dim <expression = k> : index
              %extent = tile.dim <expression = n> : index
              tile.for %zero, %count, %one <bind = grid> { (%i: index) ->
                %id = tile.load %ids, [%i] : i64
                %at = arith.cast %id : index
                %low = arith.compare %at, %zero <relation = less> : bool
                %high = arith.compare %at, %extent <relation = greater_or_equal> : bool
                %bad = arith.or %low, %high : bool
                tile.fail %bad <code = 1>
                %good = arith.not %bad : bool
                %v = tile.load %x, [%at], %good : f32
                tile.store %v, %y, [%i], %good
                tile.yield
              }
            }
            """;

    /// Many steps for each point: y = y + rounds, one by one.
    private static final String SLOW =
            """
            tile.kernel <name = "slow", symbols = [n, rounds], grid = [n]> { (%y: buffer<f32[n], global>) ->
              %zero = arith.integer <value = 0> : index
              %one = arith.integer <value = 1> : index
              %count = tile.dim <expression = n> : index
              %times = tile.dim <expression = rounds> : index
              tile.for %zero, %count, %one <bind = grid> { (%i: index) ->
                %start = tile.load %y, [%i] : f32
                %step = arith.const <value = 1.0> : f32
                %sum = tile.for %zero, %times, %one, [%start] { (%r: index, %s: f32) ->
                  %t = arith.add %s, %step : f32
                  tile.yield [%t]
                } : f32
                tile.store %sum, %y, [%i]
                tile.yield
              }
            }
            """;

    private SuiteKernels() {}

    /// Compiles them.
    public static SuiteImages compile(Target target) {
        var codegen = target.codegen();
        return new SuiteImages(
                codegen.compile(all(), target.machine()).bytes(), codegen.compile(others(), target.machine()).bytes());
    }

    private static List<TileOp.Kernel> all() {
        return parse(ADD + NUMBER + SINGLE + GATHER + SLOW + many() + extents());
    }

    private static List<TileOp.Kernel> others() {
        return parse(SUBTRACT);
    }

    private static List<TileOp.Kernel> parse(String text) {
        var module = IrParser.parse(text, "device suite");
        Verifier.verify(module);
        return module.stream().map(TileOp.Kernel.class::cast).toList();
    }

    /// y = the sum of all other buffers.
    private static String many() {
        var text = new StringBuilder("tile.kernel <name = \"many\", symbols = [n], grid = [n]> { (");
        for (int i = 0; i < BUFFERS; i++) {
            text.append("%x").append(i).append(": buffer<f32[n], global>, ");
        }
        text.append(
                """
                %y: buffer<f32[n], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %count = tile.dim <expression = n> : index
                  tile.for %zero, %count, %one <bind = grid> { (%i: index) ->
                    %s0 = tile.load %x0, [%i] : f32
                """);
        for (int i = 1; i < BUFFERS; i++) {
            text.append("    %%v%d = tile.load %%x%d, [%%i] : f32\n".formatted(i, i));
            text.append("    %%s%d = arith.add %%s%d, %%v%d : f32\n".formatted(i, i - 1, i));
        }
        text.append("    tile.store %s").append(BUFFERS - 1).append(", %y, [%i]\n    tile.yield\n  }\n}\n");
        return text.toString();
    }

    /// Writes its extents, in order.
    private static String extents() {
        var symbols = IntStream.range(0, EXTENTS).mapToObj(i -> "e" + i).collect(Collectors.joining(", "));
        var text = new StringBuilder("tile.kernel <name = \"extents\", symbols = [" + symbols
                + "], grid = []> { (%y: buffer<i64[" + EXTENTS + "], global>) ->\n");
        for (int i = 0; i < EXTENTS; i++) {
            text.append("  %%at%d = arith.integer <value = %d> : index\n".formatted(i, i));
            text.append("  %%e%d = tile.dim <expression = e%d> : index\n".formatted(i, i));
            text.append("  %%v%d = arith.cast %%e%d : i64\n".formatted(i, i));
            text.append("  tile.store %%v%d, %%y, [%%at%d]\n".formatted(i, i));
        }
        return text.append("}\n").toString();
    }
}
