package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Predicate;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Block;
import org.portolan.lowering.tile.Schedule.Form;
import org.portolan.lowering.tile.Schedule.Packed;
import org.portolan.lowering.tile.Schedule.Split;

/// Schedules for contractions: a block of threads computes a tile of two common axes, each thread a smaller tile of it in
/// registers, and what they read comes by way of shared memory.
final class BlockScheduler {
    /// Points of an axis that are worth a tile.
    private static final long LEAST = 8;
    /// Registers of a thread for addresses, indices and what it copies.
    private static final double OTHER_REGISTERS = 40;
    /// Machines with fewer have no room for what is reckoned so generously.
    private static final long MANY_REGISTERS = 128;
    private static final long[] DEPTHS = {16, 8, 4};
    private static final Shape[] SHAPES = {
        new Shape(128, 128, 8, 8), new Shape(128, 64, 8, 8), new Shape(64, 128, 8, 8), new Shape(64, 64, 8, 4),
        new Shape(64, 64, 4, 4), new Shape(32, 128, 4, 8), new Shape(32, 64, 4, 4), new Shape(64, 32, 4, 4),
        new Shape(32, 32, 4, 4), new Shape(32, 32, 2, 4), new Shape(16, 128, 4, 4), new Shape(16, 64, 4, 4),
        new Shape(16, 64, 2, 4), new Shape(16, 32, 2, 4), new Shape(16, 16, 2, 2), new Shape(8, 128, 4, 4),
        new Shape(8, 64, 2, 4), new Shape(8, 32, 2, 4)
    };

    private final NestAnalysis analysis;
    private final MachineOp.Chip machine;
    private final List<String> common;
    private final Predicate<Value> isConstant;

    /// A tile of a block and that of a thread.
    private record Shape(long rows, long columns, long threadRows, long threadColumns) {
        long threads() {
            return rows / threadRows * (columns / threadColumns);
        }
    }

    /// The axes of a tile, and for each reduction the axis that is cut into blocks.
    record Axes(String row, String column, List<String> deep) {}

    /// @param common the common axes in the order of the grid
    /// @param isConstant whether an input is known now, so that it can be laid out as the schedule wants it
    BlockScheduler(
            NestAnalysis analysis, MachineOp.Chip machine, List<String> common, Predicate<Value> isConstant) {
        this.isConstant = isConstant;
        this.analysis = analysis;
        this.machine = machine;
        this.common = common;
    }

    /// A schedule, if the nest is a contraction large enough for tiles.
    Optional<Schedule> choose() {
        return contraction().flatMap(this::tiled);
    }

    /// The axes of the nest as a contraction, if it is one.
    Optional<Axes> contraction() {
        boolean plain = !analysis.reductions().isEmpty() && common.size() > 1;
        for (int i = 0; plain && i < analysis.nest().results().size(); i++) {
            plain = common.containsAll(analysis.storeAxes(i));
        }
        for (var reduction : analysis.reductions()) {
            plain &= common.containsAll(analysis.free(reduction.results().getFirst()))
                    && !reduction.over().isEmpty();
        }
        return plain ? axes() : Optional.empty();
    }

    /// The two common axes that share most: each operand depends on one of them.
    private Optional<Axes> axes() {
        Optional<Axes> best = Optional.empty();
        double most = 0;
        for (var column : common.reversed()) {
            for (var row : common) {
                double points = (double) Math.min(256, analysis.estimate(row)) * Math.min(256, analysis.estimate(column));
                if (row.equals(column)
                        || Math.min(analysis.estimate(row), analysis.estimate(column)) < LEAST
                        || points <= most) {
                    continue;
                }
                var deep = deepAxes(Set.of(row, column));
                if (deep.isPresent()) {
                    most = points;
                    best = Optional.of(new Axes(row, column, deep.get()));
                }
            }
        }
        return best;
    }

    private Optional<List<String>> deepAxes(Set<String> tiled) {
        var axes = new ArrayList<String>();
        for (var reduction : analysis.reductions()) {
            String best = null;
            for (var axis : reduction.over()) {
                var values = Frontier.of(analysis, reduction, axis, tiled);
                long operands = values.stream()
                        .map(value -> Frontier.axis(analysis, value, tiled))
                        .distinct()
                        .count();
                if (operands == 2 && (best == null || analysis.estimate(axis) > analysis.estimate(best))) {
                    best = axis;
                }
            }
            if (best == null || analysis.estimate(best) < DEPTHS[DEPTHS.length - 1]) {
                return Optional.empty();
            }
            axes.add(best);
        }
        return Optional.of(axes);
    }

    /// A tile and its depth, and what they cost.
    private record Choice(Shape shape, long depth, double cycles) {}

    private Optional<Schedule> tiled(Axes axes) {
        return best(axes).map(choice -> schedule(choice.shape(), choice.depth(), axes));
    }

    /// Roughly how many cycles the best tiles take, where there are such.
    OptionalDouble cycles(Axes axes) {
        var best = best(axes);
        return best.isPresent() ? OptionalDouble.of(best.get().cycles()) : OptionalDouble.empty();
    }

    private Optional<Choice> best(Axes axes) {
        var cost = new ContractionCost(analysis, machine, common, axes);
        Choice best = null;
        for (var shape : SHAPES) {
            for (long depth : DEPTHS) {
                if (fits(shape, depth, axes)) {
                    double cycles = cost.cycles(tile(shape, depth, axes));
                    if (Double.isFinite(cycles) && (best == null || cycles < best.cycles())) {
                        best = new Choice(shape, depth, cycles);
                    }
                }
            }
        }
        return Optional.ofNullable(best);
    }

    private ContractionCost.Tile tile(Shape shape, long depth, Axes axes) {
        double left = 0;
        double right = 0;
        double copies = 0;
        for (int i = 0; i < axes.deep().size(); i++) {
            for (var value : staged(axes, i)) {
                double bytes = value.type().elementType().bits() / 8.0;
                boolean isRow = analysis.free(value).contains(axes.row());
                left += isRow ? bytes : 0;
                right += isRow ? 0 : bytes;
                copies += ContractionCost.copies(
                        analysis,
                        machine,
                        value,
                        axes.deep().get(i),
                        isRow ? axes.row() : axes.column(),
                        isRow ? shape.rows() : shape.columns(),
                        depth,
                        shape.threads());
            }
        }
        double own = shape.threadRows() + shape.threadColumns();
        double warps = Math.ceil((double) shape.threads() / Math.max(1, machine.warp()));
        // Threads read vectors, of which the lanes of a warp have many in common.
        double reads = warps * own * ContractionCost.ROUND_BYTES / 2;
        double products = shape.threadRows() * shape.threadColumns();
        double remainder = axes.deep().stream()
                .allMatch(axis -> analysis.extent(axis).modulo(depth).isConstant(0)) ? 1 : 0.9;
        return new ContractionCost.Tile(
                shape.rows(),
                shape.columns(),
                depth,
                0,
                shape.threads(),
                (products + 2 * own + 2 * copies) * words() + OTHER_REGISTERS,
                bytes(shape, depth, axes),
                Math.max(1, machine.fmaPerCycle()) * remainder * products / (products + own / 2),
                reads,
                left,
                right,
                copies);
    }

    private boolean fits(Shape shape, long depth, Axes axes) {
        long registers = shape.threadRows() * shape.threadColumns() + shape.threadRows() + shape.threadColumns();
        if (shape.threads() > machine.blockLimit() || registers * 3 / 2 > machine.vectorRegisters()) {
            return false;
        }
        boolean worthIt = axes.deep().stream().allMatch(axis -> analysis.estimate(axis) >= depth);
        return worthIt
                && bytes(shape, depth, axes) <= machine.sharedBytes()
                && (machine.vectorRegisters() < MANY_REGISTERS
                        || tile(shape, depth, axes).registers() <= machine.vectorRegisters());
    }

    /// Registers of 32 bits that the widest sum takes.
    private double words() {
        return analysis.reductions().stream()
                .flatMap(reduction -> reduction.results().stream())
                .mapToDouble(result -> Math.max(1, result.type().elementType().bits() / 32.0))
                .max()
                .orElse(1);
    }

    private long bytes(Shape shape, long depth, Axes axes) {
        long bytes = 0;
        for (int i = 0; i < axes.deep().size(); i++) {
            for (var value : staged(axes, i)) {
                boolean row = analysis.free(value).contains(axes.row());
                long width = (row ? shape.rows() : shape.columns()) + 16;
                bytes += 2 * depth * width * Math.max(8, value.type().elementType().bits()) / 8;
            }
        }
        return bytes;
    }

    private List<Value> staged(Axes axes, int reduction) {
        return Frontier.of(
                analysis,
                analysis.reductions().get(reduction),
                axes.deep().get(reduction),
                Set.of(axes.row(), axes.column()));
    }

    /// Constants whose neighbours lie apart along both axes of their tiles, in panels as wide as a tile.
    private List<Packed> packed(Shape shape, Axes axes) {
        var packed = new ArrayList<Packed>();
        for (int i = 0; i < axes.deep().size(); i++) {
            for (var value : staged(axes, i)) {
                boolean isRow = analysis.free(value).contains(axes.row());
                var axis = isRow ? axes.row() : axes.column();
                var loops = analysis.reductions().get(i).over();
                if (analysis.definition(value) instanceof NestOp.Read read
                        && isApart(read, axis)
                        && isApart(read, axes.deep().get(i))
                        && packed.stream().noneMatch(other -> other.input() == input(read))) {
                    packing(read, axis, isRow ? shape.rows() : shape.columns(), axes.deep().get(i), loops)
                            .ifPresent(packed::add);
                }
            }
        }
        return packed;
    }

    private int input(NestOp.Read read) {
        return analysis.nest().inputs().indexOf(read.source());
    }

    private boolean isApart(NestOp.Read read, String axis) {
        return Distance.of(analysis, read.result(), axis, NestToTile::rowMajor) > 1;
    }

    /// The other axes stand in the order of the loops, the one that is cut into blocks last.
    private Optional<Packed> packing(NestOp.Read read, String axis, long width, String deep, List<String> loops) {
        int place = -1;
        var order = new ArrayList<Integer>();
        for (int i = 0; i < read.at().size(); i++) {
            var name = read.at().get(i).symbolName();
            if (name.equals(Optional.of(axis))) {
                place = i;
            } else if (name.isPresent()) {
                order.add(i);
            }
        }
        if (place < 0
                || order.size() + 1 != read.at().size()
                || order.isEmpty()
                || read.otherwise() != NestOp.Otherwise.PROVEN
                || !read.indices().isEmpty()
                || !isConstant.test(read.source())) {
            return Optional.empty();
        }
        order.sort(Comparator.comparingInt(i -> {
            var name = read.at().get(i).symbolName().orElseThrow();
            return name.equals(deep) ? Integer.MAX_VALUE : loops.indexOf(name);
        }));
        return Optional.of(new Packed(input(read), place, width, order));
    }

    private Schedule schedule(Shape shape, long depth, Axes axes) {
        var stop = new ArrayList<Value>();
        for (int i = 0; i < axes.deep().size(); i++) {
            stop.addAll(staged(axes, i));
        }
        long lanes = Math.min(
                Wide.lanes(analysis, axes.column(), stop, machine.vectorBytes()), shape.threadColumns());
        var splits = new ArrayList<Split>();
        for (var axis : common) {
            if (!axis.equals(axes.row()) && !axis.equals(axes.column())) {
                splits.add(Split.scalar(axis));
            }
        }
        long rowThreads = shape.rows() / shape.threadRows();
        long columnThreads = shape.columns() / shape.threadColumns();
        splits.add(new Split(axes.row(), shape.rows(), shape.threadRows(), 1, rowThreads, true));
        splits.add(new Split(
                axes.column(), shape.columns(), shape.threadColumns() / lanes, lanes, columnThreads));
        long group = new ContractionCost(analysis, machine, common, axes).group(tile(shape, depth, axes));
        var stages = new ArrayList<List<Split>>();
        analysis.nest().results().forEach(_ -> stages.add(List.of()));
        var reductions = new ArrayList<List<Split>>();
        for (int i = 0; i < axes.deep().size(); i++) {
            var loops = new ArrayList<Split>();
            for (var axis : analysis.reductions().get(i).over()) {
                if (!axis.equals(axes.deep().get(i))) {
                    loops.add(Split.scalar(axis));
                }
            }
            loops.add(new Split(axes.deep().get(i), depth, 1, 1));
            reductions.add(loops);
        }
        return new Schedule(
                splits,
                stages,
                reductions,
                packed(shape, axes),
                List.of(),
                Optional.of(new Block(1, true, Form.REPEATED, Optional.empty(), group)));
    }
}
