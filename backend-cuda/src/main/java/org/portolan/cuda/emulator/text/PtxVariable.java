package org.portolan.cuda.emulator.text;

import java.util.List;

/// A declared variable or parameter.
///
/// @param space {@code param}, {@code global}, {@code shared}, {@code local} or {@code const}
/// @param alignment in bytes; 0 where the text says none: that of the type
/// @param type of one element, without the dot
/// @param count of elements; 1 for a scalar, -1 for an array whose size the launch decides
/// @param initial bits of the first elements; empty: none are given
public record PtxVariable(
        String space, int alignment, String type, String name, long count, List<Long> initial, int line) {

    private static final long MOST = 1L << 50;

    /// Bytes of one element.
    public int elementBytes() {
        return PtxTypes.bits(type) / 8;
    }

    /// Bytes of all elements; 0 where the launch decides.
    public long bytes() {
        return Math.clamp(count, 0, MOST) * elementBytes();
    }

    /// In bytes, never 0.
    public int alignmentOrNatural() {
        return alignment != 0 ? alignment : Math.max(1, elementBytes());
    }
}
