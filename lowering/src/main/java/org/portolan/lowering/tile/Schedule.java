package org.portolan.lowering.tile;

import java.util.List;
import java.util.Optional;

/// How a nest becomes loops. It is data: it prints, parses and can be kept in a log.
///
/// The common axes are those that every result and every reduction is free in; their loops stand outermost, in order.
/// Each is cut into blocks of {@code block} points, one block to a point of the grid, and a block into tiles of
/// {@code unroll * lanes} points that are computed together: values that do not depend on an axis are computed once for
/// a whole tile of it. Inner axes and reductions are cut in the same way, without a grid.
record Schedule(
        List<Split> common,
        List<List<Split>> stages,
        List<List<Split>> reductions,
        List<Packed> packed,
        List<Staged> staged,
        Optional<Block> block) {
    Schedule {
        common = List.copyOf(common);
        stages = stages.stream().map(List::copyOf).toList();
        reductions = reductions.stream().map(List::copyOf).toList();
        packed = List.copyOf(packed);
        staged = List.copyOf(staged);
    }

    Schedule(
            List<Split> common,
            List<List<Split>> stages,
            List<List<Split>> reductions,
            List<Packed> packed,
            List<Staged> staged) {
        this(common, stages, reductions, packed, staged, Optional.empty());
    }

    /// One axis: block (0 for all of it), points side by side in one thread, lanes of a vector (1 for scalars), and threads
    /// that divide the axis, neighbours taking neighbouring vectors; or, {@code together}, each of them all of its points
    /// in a row.
    record Split(String axis, long block, long unroll, long lanes, long threads, boolean together) {
        Split(String axis, long block, long unroll, long lanes, long threads) {
            this(axis, block, unroll, lanes, threads, false);
        }

        Split(String axis, long block, long unroll, long lanes) {
            this(axis, block, unroll, lanes, 1);
        }

        static Split scalar(String axis) {
            return new Split(axis, 1, 1, 1);
        }

        long tile() {
            return threads * unroll * lanes;
        }

        /// The points of all threads at one coordinate.
        long stride() {
            return threads * lanes;
        }

        /// How far apart the points lie that stand side by side in one thread.
        long apart() {
            return together ? lanes : threads * lanes;
        }

        /// How far apart the first points of neighbouring threads lie.
        long each() {
            return together ? unroll * lanes : lanes;
        }
    }

    /// The threads of a block: those of the common axes, and for each point of them a team of {@code team} threads that
    /// divide inner axes and reductions. {@code neighbours} says whether the threads of a team are neighbours, else those
    /// of the last common axis are.
    record Block(long team, boolean neighbours, Form form, Optional<Warps> warps) {
        Block(long team, boolean neighbours, Form form) {
            this(team, neighbours, form, Optional.empty());
        }
    }

    /// The warps of a block, so many along the first tiled axis and along the second, compute a reduction with an
    /// instruction on fragments.
    record Warps(String intrinsic, long rows, long columns) {}

    /// What becomes of a row that several reductions and results go along.
    enum Form {
        /// Each of them computes the elements again.
        REPEATED,
        /// The elements stay in the registers of a team.
        RESIDENT
    }

    /// The threads of a block, 1 if each point of the grid is one thread.
    long threads() {
        return block.isEmpty()
                ? 1
                : common.stream().mapToLong(Split::threads).reduce(block.get().team(), Math::multiplyExact);
    }

    /// Input {@code input} lies in memory in panels of {@code width} along one of its axes, the other axes in
    /// {@code order} within a panel.
    record Packed(int input, int axis, long width, List<Integer> order) {
        Packed {
            order = List.copyOf(order);
        }
    }

    /// Read {@code read} is copied to local memory once for each tile of {@code axis}, all of its reduced axes, so that the
    /// lanes of the axis are adjacent there; every row of the tile then reads the copy.
    record Staged(int read, String axis) {}

    Optional<Staged> staged(int read) {
        return staged.stream().filter(entry -> entry.read() == read).findFirst();
    }

    Optional<Packed> packed(int input) {
        return packed.stream().filter(entry -> entry.input() == input).findFirst();
    }
}
