package org.portolan.lowering.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.ir.Body;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

class MemoryPlannerTest {

    /// The arena of a chain: each launch reads the buffer before it and writes the next; the last is the output.
    private static String arena(String... extents) {
        var input = buffer("n");
        var ops = new ArrayList<Op>();
        var last = input;
        for (var extent : extents) {
            var next = buffer(extent);
            ops.add(new PlanOp.AllocateLate(next));
            ops.add(new PlanOp.Launch(
                    List.of(last, next), "k", PlanOp.Place.DEVICE, List.of(), List.of(Dim.ONE), Dim.ONE, List.of(1L), List.of()));
            last = next;
        }
        ops.add(new PlanOp.Return(List.of(last)));
        var program = new PlanOp.Program(
                "chain", List.of(new SymbolRange("n", 1, 1000)), Dim.ZERO, new Body(List.of(input), ops));
        return MemoryPlanner.place(program).arena().toString();
    }

    private static Value buffer(String extent) {
        return Value.of(new Type.Buffer(ElementType.F32, List.of(Dim.parse(extent)), Type.Space.GLOBAL), "b");
    }

    @Test
    void aChainTakesTwoPlaces() {
        assertEquals("2048", arena("256", "256", "256", "256", "256", "1"));
        assertEquals("2048*n", arena("256*n", "256*n", "256*n", "256*n", "256*n", "n"));
    }

    @Test
    void smallBuffersLieWhereLargeOnesHaveDied() {
        assertEquals("4608", arena("1024", "128", "1024", "128", "512", "1"));
        assertEquals("4608*n", arena("1024*n", "128*n", "1024*n", "128*n", "512*n", "n"));
    }

    @Test
    void sizesOfOtherFormsShareWhatTheyOutlive() {
        assertEquals("max(64*n*n, 640)+64*n", arena("16*n*n", "16*n", "160", "1"));
    }

    @Test
    void everyPlaceIsAligned() {
        assertEquals("128", arena("1", "2", "3", "4"));
        assertEquals("64*ceildiv(4*n+4, 64)+64*ceildiv(4*n, 64)", arena("n", "n+1", "1"));
    }

    @Test
    void outputsStayApart() {
        assertEquals("0", arena("256"));
    }
}
