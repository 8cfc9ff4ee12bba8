package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.portolan.lowering.CompileException;

/// How a nest becomes loops. It is data: it prints, parses and can be kept in a log.
///
/// The common axes are those that every result and every reduction is free in; their loops stand outermost, in order.
/// Each is cut into blocks of {@code block} points, one block to a point of the grid, and a block into tiles of
/// {@code unroll * lanes} points that are computed together: values that do not depend on an axis are computed once for
/// a whole tile of it. Inner axes and reductions are cut in the same way, without a grid.
public record Schedule(
        List<Split> common,
        List<List<Split>> stages,
        List<List<Split>> reductions,
        List<Packed> packed,
        List<Staged> staged,
        Optional<Block> block,
        Optional<Instruction> instruction,
        List<Kept> kept) {
    public Schedule {
        common = List.copyOf(common);
        stages = stages.stream().map(List::copyOf).toList();
        reductions = reductions.stream().map(List::copyOf).toList();
        packed = List.copyOf(packed);
        staged = List.copyOf(staged);
        kept = List.copyOf(kept);
    }

    public Schedule(
            List<Split> common,
            List<List<Split>> stages,
            List<List<Split>> reductions,
            List<Packed> packed,
            List<Staged> staged) {
        this(common, stages, reductions, packed, staged, Optional.empty());
    }

    public Schedule(
            List<Split> common,
            List<List<Split>> stages,
            List<List<Split>> reductions,
            List<Packed> packed,
            List<Staged> staged,
            Optional<Block> block) {
        this(common, stages, reductions, packed, staged, block, Optional.empty(), List.of());
    }

    /// One axis: block (0 for all of it), points side by side in one thread, lanes of a vector (1 for scalars), and threads
    /// that divide the axis, neighbours taking neighbouring vectors; or, {@code together}, each of them all of its points
    /// in a row.
    public record Split(String axis, long block, long unroll, long lanes, long threads, boolean together) {
        public Split(String axis, long block, long unroll, long lanes, long threads) {
            this(axis, block, unroll, lanes, threads, false);
        }

        public Split(String axis, long block, long unroll, long lanes) {
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
    /// of the last common axis are. The grid goes through {@code group} blocks of the last common axis but one before it comes to the
    /// next of the last, so that blocks that run at a time read the same; 0 if it goes along the last axis.
    public record Block(long team, boolean neighbours, Form form, Optional<Warps> warps, long group) {
        public Block(long team, boolean neighbours, Form form, Optional<Warps> warps) {
            this(team, neighbours, form, warps, 0);
        }

        public Block(long team, boolean neighbours, Form form) {
            this(team, neighbours, form, Optional.empty());
        }
    }

    /// The warps of a block, so many along the first tiled axis and along the second, compute a reduction with an
    /// instruction on fragments. Operands are copied asynchronously into rings of {@code slots}, or, if that is 0, come by
    /// way of registers. With {@code boxes} the copy engine fills the rings, and a product is under way while the next one begins.
    public record Warps(String intrinsic, long rows, long columns, long slots, boolean boxes) {
        public Warps(String intrinsic, long rows, long columns) {
            this(intrinsic, rows, columns, 0, false);
        }
    }

    /// Each step of the innermost loop of the only reduction is an instruction of the machine on vector registers. Its lanes
    /// lie along {@code across}, and each lane sums a few neighbours along {@code deep}.
    public record Instruction(String intrinsic, String across, String deep) {}

    /// What operation {@code op} of the body computes is stored in the place of result {@code result} by the reduction that
    /// needs it, and loaded from there afterwards.
    public record Kept(int op, int result) {}

    Schedule keeping(List<Kept> scalars) {
        return new Schedule(common, stages, reductions, packed, staged, block, instruction, scalars);
    }

    /// What becomes of a row that several reductions and results go along.
    public enum Form {
        /// Each of them computes the elements again.
        REPEATED,
        /// The elements stay in the registers of a team.
        RESIDENT,
        /// The row is gone along once, and what was summed is corrected when its maximum grows.
        ONLINE
    }

    /// The threads of a block, 1 if each point of the grid is one thread.
    long threads() {
        return block.isEmpty()
                ? 1
                : common.stream().mapToLong(Split::threads).reduce(block.get().team(), Math::multiplyExact);
    }

    /// Input {@code input} lies in memory in panels of {@code width} along one of its axes, the other axes in
    /// {@code order} within a panel; {@code group} points of the last of those are neighbours.
    public record Packed(int input, int axis, long width, List<Integer> order, long group) {
        public Packed {
            order = List.copyOf(order);
        }

        public Packed(int input, int axis, long width, List<Integer> order) {
            this(input, axis, width, order, 1);
        }
    }

    /// Read {@code read} is copied to local memory once for each tile of {@code axis}, all of its reduced axes, so that the
    /// lanes of the axis are adjacent there; every row of the tile then reads the copy.
    public record Staged(int read, String axis) {}

    /// Refuses a schedule that was written for another nest: each axis must be there once, in common or within.
    ///
    /// @throws CompileException if it does not fit; the message says what
    void check(NestAnalysis analysis) {
        var names = new ArrayList<String>();
        common.forEach(split -> names.add(split.axis()));
        stages.forEach(splits -> splits.forEach(split -> names.add(split.axis())));
        reductions.forEach(splits -> splits.forEach(split -> names.add(split.axis())));
        staged.forEach(entry -> names.add(entry.axis()));
        for (var name : names) require(analysis.isAxis(name), "the nest has no axis '" + name + "'");
        var expected = analysis.commonAxes();
        var given = common.stream().map(Split::axis).toList();
        require(
                given.size() == expected.size() && given.containsAll(expected),
                "the common axes are " + expected + ", found " + given);
        require(
                stages.size() == analysis.nest().results().size() && reductions.size() == analysis.reductions().size(),
                "expected splits for each result and each reduction");
        for (int i = 0; i < reductions.size(); i++) {
            var over = reductions.get(i).stream().map(Split::axis).toList();
            var reduced = analysis.reductions().get(i).over();
            require(over.size() == reduced.size() && over.containsAll(reduced), "a reduction runs over " + reduced + ", found " + over);
        }
        for (var split : common) {
            require(
                    split.block() >= 0 && split.unroll() > 0 && split.lanes() > 0 && split.threads() > 0,
                    "axis '" + split.axis() + "': sizes must be positive");
            require(
                    split.block() % split.tile() == 0,
                    "axis '" + split.axis() + "': a block of " + split.block() + " is no multiple of the tile of " + split.tile());
        }
        require(block.isPresent() || common.stream().allMatch(split -> split.threads() == 1), "threads without a block of them");
        for (int i = 0; i < stages.size(); i++) {
            var inner = new TreeSet<>(analysis.storeAxes(i));
            inner.removeAll(expected);
            var own = stages.get(i).stream().map(Split::axis).toList();
            require(own.size() == inner.size() && own.containsAll(inner), "result " + i + " runs over " + inner + ", found " + own);
        }
        Stream.concat(stages.stream(), reductions.stream()).flatMap(List::stream).forEach(split -> require(
                split.block() >= 0 && split.unroll() > 0 && split.lanes() > 0 && split.threads() > 0,
                "axis '" + split.axis() + "': sizes must be positive"));
        require(
                packed.stream().allMatch(entry -> entry.input() >= 0 && entry.input() < analysis.nest().inputs().size())
                        && staged.stream().allMatch(entry -> entry.read() >= 0 && entry.read() < analysis.reads().size()),
                "an input or a read is out of range");
        require(
                KeptScalars.of(analysis).containsAll(kept),
                "only " + KeptScalars.of(analysis) + " may be kept, found " + kept);
        require(
                packed.stream().allMatch(entry -> entry.width() > 0 && entry.group() > 0),
                "the sizes of a panel must be positive");
    }

    private static void require(boolean holds, String what) {
        if (!holds) throw new CompileException("a logged schedule does not fit: " + what);
    }

    Optional<Staged> staged(int read) {
        return staged.stream().filter(entry -> entry.read() == read).findFirst();
    }

    Optional<Packed> packed(int input) {
        return packed.stream().filter(entry -> entry.input() == input).findFirst();
    }
}
