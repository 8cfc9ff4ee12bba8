package org.portolan.lowering.nest;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.portolan.ir.NestOp;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// Makes one axis of several that walk along the same row one after the other: those that reductions end and the one that
/// the result has. What they compute at the same place is then one value, not one for each axis.
public final class RowAxis {
    private RowAxis() {}

    /// @param axes of the same extent; no value depends on two of them
    /// @param bounds what is known about the symbols
    public static NestOp.Compute unite(NestOp.Compute nest, List<String> axes, DimBounds bounds) {
        var open = new OpenNest(nest, 0, new FunctionSymbols(Set.of(), bounds));
        var kept = axes.getFirst();
        var renaming = new HashMap<String, String>();
        axes.forEach(axis -> renaming.put(axis, kept));
        var left = new LinkedHashMap<String, Dim>(open.axes());
        left.keySet().removeIf(axis -> axes.contains(axis) && !axis.equals(kept));
        AxisRewrite.rename(open, renaming, left);
        Cleanup.run(open);
        return open.close();
    }
}
