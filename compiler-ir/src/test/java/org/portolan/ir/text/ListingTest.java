package org.portolan.ir.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;

/// A listing says where each operation stands, also behind several bodies and in them.
class ListingTest {
    @Test
    void everyOperationStandsInTheLineThatIsSaid() {
        var kernel = IrParser.parse(
                        """
                        tile.kernel <name = k, grid = [4]> { (%x: buffer<f32[4], global>) ->
                          %zero = arith.integer <value = 0> : index
                          %one = arith.integer <value = 1> : index
                          %four = arith.integer <value = 4> : index
                          tile.for %zero, %four, %one <bind = grid> { (%i: index) ->
                            %c = arith.compare %i, %one <relation = less> : bool
                            tile.if %c {
                              %f = arith.const <value = 1.0> : f32
                              tile.store %f, %x, [%i]
                              tile.yield
                            } {
                              %g = arith.const <value = 2.0> : f32
                              tile.store %g, %x, [%i]
                              tile.yield
                            }
                            %z = arith.const <value = 3.0> : f32
                            tile.store %z, %x, [%i]
                          }
                        }
                        """,
                        "test")
                .getFirst();
        var listing = IrPrinter.listing(kernel);
        assertEquals(IrPrinter.print(kernel), listing.text());
        var lines = listing.text().lines().toList();
        var all = new ArrayList<>(List.of(kernel));
        OpSchema.bodies(kernel).forEach(body -> collect(body, all));
        assertEquals(all.size(), listing.lines().size());
        for (var op : all) {
            var line = lines.get(listing.lines().get(op) - 1);
            assertTrue(line.contains(OpSchema.of(op).name()), line + " is not of " + op);
        }
        assertEquals(15, all.size());
        assertEquals(17, listing.lines().get(all.getLast()), listing.text());
    }

    private static void collect(Body body, List<Op> all) {
        for (var op : body.ops()) {
            all.add(op);
            OpSchema.bodies(op).forEach(inner -> collect(inner, all));
        }
    }
}
