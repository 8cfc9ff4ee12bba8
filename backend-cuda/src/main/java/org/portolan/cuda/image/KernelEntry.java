package org.portolan.cuda.image;

import java.util.List;

/// What the driver must know of a kernel to launch it.
///
/// @param name of the entry in the PTX text
/// @param threads in a block, along x
/// @param points what a block stands for: with {@code THREADS} each thread is one point of the row-major linearised grid
///     (threads beyond the last point leave at once), with {@code BLOCKS} each block is one
/// @param sharedBytes of shared memory that a launch must ask for, on top of what the PTX text declares
/// @param words how many 64-bit words a launch gives: addresses of buffers, then extents
/// @param maps what a launch describes for the copy engine
///     The entry's parameters are the maps, 128 bytes each, then the words, then the address of the error word, 64 bits each
public record KernelEntry(
        String name, int threads, Points points, long sharedBytes, int words, List<TensorMap> maps) {
    public KernelEntry {
        maps = List.copyOf(maps);
    }

    public KernelEntry(String name, int threads, Points points, long sharedBytes, int words) {
        this(name, threads, points, sharedBytes, words, List.of());
    }

    /// What a point of the grid is run by.
    public enum Points {
        THREADS,
        BLOCKS
    }

    /// How many parameters the entry has.
    public int parameters() {
        return maps.size() + words + 1;
    }

    /// Bytes of all parameters.
    public int parameterBytes() {
        return maps.size() * TensorMap.BYTES + (words + 1) * Long.BYTES;
    }
}
