package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.portolan.ir.Relation;
import org.portolan.runtime.type.Dim;

/// Where the windows of a convolution or pooling stand.
///
/// @param kernel extents of the window, one a spatial axis
/// @param low padding before the first element; it may be symbolic where the padding is automatic
/// @param high padding after the last element
/// @param output extents of the result
/// @param mayBePartial whether a last window may reach beyond the padded input, or the padding is automatic
record Windows(
        List<Dim> kernel,
        List<Long> strides,
        List<Long> dilations,
        List<Dim> low,
        List<Dim> high,
        List<Dim> output,
        boolean mayBePartial) {
    /// Larger strides, dilations and pads than this have no use and could overflow.
    private static final long LARGEST = 1L << 31;

    /// The windows of a convolution, all of which lie within the padded input.
    static Windows of(Call call, List<Dim> spatial, List<Dim> kernel) {
        return of(call, spatial, kernel, false, false);
    }

    /// The windows of a pooling. Where a window is larger than the padded input, but by less than a stride, there is one
    /// nevertheless, of what it finds: the count of ONNX Runtime, whose division rounds toward 0, and real models rely on
    /// it for small pictures.
    ///
    /// @param ceil whether a last window that is not whole counts too; it must begin before the end of the input or of
    ///     its low padding
    static Windows pooling(Call call, List<Dim> spatial, List<Dim> kernel, boolean ceil) {
        return of(call, spatial, kernel, ceil, true);
    }

    /// @param spatial the input's extents without batch and channels
    private static Windows of(Call call, List<Dim> spatial, List<Dim> kernel, boolean ceil, boolean pooling) {
        int axes = spatial.size();
        if (kernel.size() != axes) {
            throw call.error("a window of %d axes for %d spatial axes".formatted(kernel.size(), axes));
        }
        var strides = positive(call, "strides", axes);
        var dilations = positive(call, "dilations", axes);
        var low = new ArrayList<Dim>();
        var high = new ArrayList<Dim>();
        var output = new ArrayList<Dim>();
        boolean cut = false;
        var mode = call.text("auto_pad", "NOTSET");
        var pads = pads(call, axes);
        for (int axis = 0; axis < axes; axis++) {
            if (kernel.get(axis).constant().orElse(1) < 1) {
                throw call.error("a window of %s".formatted(kernel));
            }
            var extent = spatial.get(axis);
            long stride = strides.get(axis);
            var span = kernel.get(axis).minus(1).times(dilations.get(axis)).plus(1);
            switch (mode) {
                case "SAME_UPPER", "SAME_LOWER" -> {
                    var count = extent.ceilDivide(stride);
                    var total = DimLogic.maximum(
                            count.minus(1).times(stride).plus(span).minus(extent), Dim.ZERO);
                    var half = total.floorDivide(2);
                    low.add(mode.equals("SAME_UPPER") ? half : total.minus(half));
                    high.add(total.minus(low.getLast()));
                    output.add(count);
                }
                case "VALID", "NOTSET" -> {
                    boolean padded = mode.equals("NOTSET");
                    low.add(padded ? Dim.of(pads.get(axis)) : Dim.ZERO);
                    high.add(padded ? Dim.of(pads.get(axis + axes)) : Dim.ZERO);
                    var room = extent.plus(low.getLast()).plus(high.getLast()).minus(span);
                    long least = pooling ? 1 - stride : 0;
                    if (room.constant().orElse(0) < least) {
                        throw call.error("a window of %s is larger than the padded input %s".formatted(kernel, spatial));
                    }
                    if (DimLogic.atLeast(room) < least) {
                        call.writer().check(room, Relation.GREATER_OR_EQUAL, Dim.of(least), "a window must fit the padded input");
                    }
                    cut |= pooling && DimLogic.atLeast(room) < 0;
                    var whole = pooling ? DimLogic.maximum(room, Dim.ZERO) : room;
                    var count = ceil ? whole.ceilDivide(stride) : whole.floorDivide(stride);
                    // The last window must begin inside.
                    var last = extent.plus(low.getLast()).minus(1).floorDivide(stride);
                    output.add((ceil ? DimLogic.minimum(count, last) : count).plus(1));
                }
                default -> throw call.error("auto_pad '%s'".formatted(mode));
            }
        }
        return new Windows(kernel, strides, dilations, low, high, output, cut || ceil || mode.startsWith("SAME"));
    }

    /// How far each axis is padded before its first element, and then behind its last one; 0 where absent.
    static List<Long> pads(Call call, int axes) {
        var pads = call.integers("pads", Collections.nCopies(2 * axes, 0L));
        if (pads.size() != 2 * axes || pads.stream().anyMatch(pad -> pad < 0 || pad > LARGEST)) {
            throw call.error("pads %s: expected %d numbers from 0 to 2^31".formatted(pads, 2 * axes));
        }
        return pads;
    }

    /// A list attribute of positive numbers, 1 where absent.
    static List<Long> positive(Call call, String name, int axes) {
        var numbers = call.integers(name, Collections.nCopies(axes, 1L));
        if (numbers.size() != axes || numbers.stream().anyMatch(number -> number < 1 || number > LARGEST)) {
            throw call.error("%s %s: expected %d numbers from 1 to 2^31".formatted(name, numbers, axes));
        }
        return numbers;
    }
}
