package org.portolan.lowering.tile;

import java.util.List;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// A nest as a kernel, and what its launch passes.
///
/// {@code arguments} are the nest's inputs and results in the order of the kernel's parameters; a parameter's type says
/// the layout in which its argument must lie: constants are given in it, of all else a copy is made.
/// {@code extents} are the numbers for the kernel's symbols, {@code grid} the trip counts of its grid loops; all are
/// expressions over the symbols of the function. {@code cost} estimates the nanoseconds of one grid point on one core.
public record LoweredKernel(
        TileOp.Kernel kernel, List<Value> arguments, List<Dim> extents, List<Dim> grid, Dim cost) {
    public LoweredKernel {
        arguments = List.copyOf(arguments);
        extents = List.copyOf(extents);
        grid = List.copyOf(grid);
    }
}
