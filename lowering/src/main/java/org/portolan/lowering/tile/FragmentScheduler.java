package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Block;
import org.portolan.lowering.tile.Schedule.Form;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.lowering.tile.Schedule.Warps;
import org.portolan.lowering.tile.Tensorize.Match;

/// Schedules for contractions that an instruction of the machine does on fragments: the warps of a block share a tile out,
/// and each of them multiplies fragments that it takes from shared memory.
final class FragmentScheduler {
    /// Steps of the instruction in a block of the reduced axis.
    private static final long[] STEPS = {4, 2, 1};
    /// Tiles under way where the machine copies by itself, the most that a block's share of shared memory has room for.
    private static final List<Long> SLOTS = List.of(4L, 3L);
    private static final Shape[] SHAPES = {
        new Shape(256, 128, 4, 2), new Shape(128, 256, 2, 4), new Shape(128, 128, 2, 2), new Shape(128, 128, 2, 4),
        new Shape(256, 64, 4, 1), new Shape(64, 256, 1, 4), new Shape(128, 64, 2, 2), new Shape(64, 128, 2, 2),
        new Shape(64, 64, 2, 2), new Shape(128, 64, 4, 2), new Shape(64, 64, 4, 2), new Shape(64, 32, 2, 1),
        new Shape(64, 32, 2, 2), new Shape(32, 128, 1, 4), new Shape(32, 64, 1, 2), new Shape(32, 64, 1, 4),
        new Shape(32, 32, 1, 1), new Shape(32, 32, 2, 2), new Shape(16, 128, 1, 4), new Shape(16, 64, 1, 2), new Shape(16, 32, 1, 1)
    };
    /// Registers of a thread for addresses, indices and what is under way.
    private static final double OTHER_REGISTERS = 40;
    /// Registers that such a copy takes: the element, where it is from, and whether it is there.
    private static final double COPY_REGISTERS = 13;
    /// The same of bytes, of which a step is twice as deep.
    private static final double MOST_BYTE_COPIES = 16;
    private static final double BYTE_COPY_REGISTERS = 11;
    /// What a thread has under way, by way of registers, while it multiplies.
    private static final double MOST_COPIES = 12;
    /// What is left of a unit that waits for operands to be loaded into registers.
    private static final double FROM_REGISTERS = 0.9;
    /// The same where the unit is made for operands in shared memory: on Hopper mma.sync reaches about five eighths of wgmma.
    private static final double BESIDE_SHARED = 0.6;
    /// Elements of 16 bits are those for which a machine says how many pairs it multiplies.
    private static final double PAIR_BITS = 16;

    /// After so many bytes the order of exchanged pieces repeats.
    private static final long PATTERN_BYTES = 1024;
    /// What says of a slot that it is full, and that it is empty.
    private static final long SIGNAL_BYTES = 16;

    private final NestAnalysis analysis;
    private final MachineOp.Chip machine;
    private final List<String> common;
    private final BlockScheduler.Axes axes;
    private final ContractionCost cost;

    /// A tile of a block, and how many warps lie along each of its axes.
    private record Shape(long rows, long columns, long warpRows, long warpColumns) {
        long warps() {
            return warpRows * warpColumns;
        }
    }

    /// For instructions on matrices in shared memory, in warps that hold a sum together.
    private static final Shape[] SHARED_SHAPES = {
        new Shape(128, 256, 2, 1), new Shape(256, 128, 2, 1), new Shape(128, 128, 2, 1), new Shape(128, 64, 2, 1),
        new Shape(64, 128, 1, 1), new Shape(64, 64, 1, 1)
    };
    private record Choice(Match match, Shape shape, long depth, long slots, boolean boxes, double cycles) {}

    FragmentScheduler(
            NestAnalysis analysis, MachineOp.Chip machine, List<String> common, BlockScheduler.Axes axes) {
        this.analysis = analysis;
        this.machine = machine;
        this.common = common;
        this.axes = axes;
        this.cost = new ContractionCost(analysis, machine, common, axes);
    }

    /// A schedule, if the machine has an instruction for the nest's one reduction.
    Optional<Schedule> choose() {
        return best().map(this::schedule);
    }

    /// Roughly how many cycles the best tiles take, where there are such.
    OptionalDouble cycles() {
        var best = best();
        return best.isPresent() ? OptionalDouble.of(best.get().cycles()) : OptionalDouble.empty();
    }

    private Optional<Choice> best() {
        if (analysis.reductions().size() != 1 || analysis.reductions().getFirst().over().isEmpty()) {
            return Optional.empty();
        }
        // A thread that fails leaves, and matrix instructions need all lanes of a warp.
        if (analysis.reads().stream().anyMatch(read -> read.otherwise() == NestOp.Otherwise.ERROR)) {
            return Optional.empty();
        }
        Choice best = null;
        for (var op : machine.intrinsics().ops()) {
            if (op instanceof MachineOp.Intrinsic intrinsic && isAllowed(machine, intrinsic)) {
                var match = match(analysis, intrinsic, List.of(axes.row(), axes.column()), axes.deep().getFirst());
                var choice = match.flatMap(this::best);
                if (choice.isPresent() && (best == null || choice.get().cycles() < best.cycles())) {
                    best = choice.get();
                }
            }
        }
        return Optional.ofNullable(best);
    }

    /// Whether an instruction may stand for what it says: it does just that, or who compiles takes less.
    static boolean isAllowed(MachineOp.Chip machine, MachineOp.Intrinsic intrinsic) {
        return !intrinsic.narrows() || machine.narrowProducts();
    }

    /// The instruction as one on fragments for the nest's reduction.
    static Optional<Match> match(
            NestAnalysis analysis, MachineOp.Intrinsic intrinsic, List<String> results, String deep) {
        int spreads = intrinsic.body().params().size() + 1;
        var reduction = analysis.reductions().getFirst();
        return intrinsic.spreads().size() == spreads || intrinsic.spreads().size() == 1 && spreads == 4
                ? Tensorize.match(intrinsic, analysis, reduction, results, deep)
                        .filter(match -> match.addend().isPresent())
                        .filter(match -> Set.copyOf(Frontier.of(analysis, reduction, deep, Set.copyOf(results)))
                                .equals(Set.copyOf(match.operands().values())))
                : Optional.empty();
    }

    private Optional<Choice> best(Match match) {
        Choice best = null;
        for (var shape : match.isShared() ? SHARED_SHAPES : SHAPES) {
            for (long steps : match.isShared() || isScattered(match) ? new long[] {1} : STEPS) {
                long depth = steps * match.extent(axes.deep().getFirst());
                for (long slots : slots(match, shape, depth)) {
                    if (fits(match, shape, depth, slots)
                            && (match.isShared() ? slots > 0 : steps <= mostSteps(match, shape, slots))) {
                        double cycles = cost.cycles(tile(match, shape, depth, slots));
                        if (Double.isFinite(cycles) && (best == null || cycles < best.cycles())) {
                            best = new Choice(match, shape, depth, slots, areBoxed(match, shape, depth), cycles);
                        }
                    }
                }
            }
        }
        return Optional.ofNullable(best);
    }

    /// Whether the machine has an instruction that takes its operands from shared memory.
    private boolean takesShared() {
        return machine.intrinsics().ops().stream()
                .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic
                        && intrinsic.spreads().size() == 1
                        && intrinsic.body().params().size() == 3);
    }

    /// The steps whose operands a thread can hold: fewer by way of registers, and beside many sums.
    private long mostSteps(Match match, Shape shape, long slots) {
        boolean many = shape.rows() * shape.columns() / threads(match, shape) * 2 >= machine.vectorRegisters();
        return slots == 0 || many ? 2 : STEPS[0];
    }

    /// Whether elements of less than 16 bits lie across the reduced axis, so that a thread loads each by itself.
    private boolean isScattered(Match match) {
        var deep = axes.deep().getFirst();
        return match.operands().values().stream()
                .filter(value -> value.type().elementType().bits() < 16)
                .anyMatch(value -> !Feed.of(analysis, value, deep, across(value), 1, NestToTile::rowMajor)
                        .map(Feed::deepFast)
                        .orElse(false));
    }

    /// How many tiles of each operand may be under way; 0 if not all of them can be copied as they lie. Four are worth it where half of
    /// the memory has room for them, or where the copy engine brings them and nothing else is lost.
    private List<Long> slots(Match match, Shape shape, long depth) {
        var deep = axes.deep().getFirst();
        boolean copied = Feed.copies(machine)
                && (match.isShared() || analysis.estimate(deep) > depth)
                && match.operands().values().stream()
                        .allMatch(value -> Feed.of(analysis, value, deep, across(value), depth, NestToTile::rowMajor)
                                // Only matrices of 16 bits are turned by who takes them from shared memory.
                                .filter(feed -> !match.isShared()
                                        || feed.deepFast()
                                        || value.type().elementType().bits() == 16)
                                .isPresent());
        if (copied && areBoxed(match, shape, depth)) {
            return SLOTS;
        }
        for (long slots : SLOTS) {
            if (copied
                    && bytes(match, shape, depth, slots)
                            <= machine.sharedBytes() / (slots == SLOTS.getFirst() ? 2 : 1)) {
                return List.of(slots);
            }
        }
        return List.of(0L);
    }

    /// Whether the copy engine brings the operands of an instruction that takes them from shared memory.
    private boolean areBoxed(Match match, Shape shape, long depth) {
        var deep = axes.deep().getFirst();
        return Feed.copiesBoxes(machine)
                && match.isShared()
                && match.operands().values().stream()
                        .allMatch(value -> Feed.of(analysis, value, deep, across(value), depth, NestToTile::rowMajor)
                                .filter(feed -> feed.isBoxed(
                                        depth, across(value).equals(axes.row()) ? shape.rows() : shape.columns()))
                                .isPresent());
    }

    private String across(Value value) {
        return analysis.free(value).contains(axes.row()) ? axes.row() : axes.column();
    }

    /// The shared memory of a block: the tiles, or the sums on their way to those who go on with them, in the same place.
    private long bytes(Match match, Shape shape, long depth, long slots) {
        long bytes = 0;
        for (var value : match.operands().values()) {
            long width = across(value).equals(axes.row()) ? shape.rows() : shape.columns();
            long elements = slots > 0 ? depth * width : 2 * (depth + 16) * (width + 16);
            long each = elements * value.type().elementType().bits() / 8;
            // Slots of exchanged pieces begin where their order does.
            bytes += slots > 0 ? slots * (Math.ceilDiv(each, PATTERN_BYTES) * PATTERN_BYTES + SIGNAL_BYTES) : each;
        }
        return Math.max(bytes, shape.rows() * (shape.columns() + 16) * Float.BYTES);
    }

    /// The threads of a block: so many warps, or groups of them.
    private long threads(Match match, Shape shape) {
        return shape.warps() * Math.max(machine.warp(), match.lanes());
    }

    private boolean fits(Match match, Shape shape, long depth, long slots) {
        long fragmentRows = match.extent(axes.row());
        long fragmentColumns = match.extent(axes.column());
        long threads = threads(match, shape);
        long accumulators = shape.rows() * shape.columns() / threads;
        return shape.rows() / shape.warpRows() % fragmentRows == 0
                && shape.columns() / shape.warpColumns() % fragmentColumns == 0
                && threads <= machine.blockLimit()
                && accumulators * 2 <= machine.vectorRegisters() + 1
                && copies(match, shape, depth, slots) <= (isBytes(match) ? MOST_BYTE_COPIES : MOST_COPIES)
                && (slots > 0 || tile(match, shape, depth, slots).registers() <= machine.vectorRegisters())
                && bytes(match, shape, depth, slots) <= machine.sharedBytes();
    }

    private static boolean isBytes(Match match) {
        return match.operands().values().stream().allMatch(value -> value.type().elementType().bits() == 8);
    }

    /// The copies of a thread for a step, by way of registers.
    private double copies(Match match, Shape shape, long depth, long slots) {
        double copies = 0;
        for (var value : slots > 0 ? List.<Value>of() : List.copyOf(match.operands().values())) {
            long width = across(value).equals(axes.row()) ? shape.rows() : shape.columns();
            copies += ContractionCost.copies(
                    analysis, machine, value, axes.deep().getFirst(), across(value), width, depth, threads(match, shape));
        }
        return copies;
    }

    private ContractionCost.Tile tile(Match match, Shape shape, long depth, long slots) {
        double left = 0;
        double right = 0;
        for (var value : match.operands().values()) {
            double bytes = value.type().elementType().bits() / 8.0;
            left += across(value).equals(axes.row()) ? bytes : 0;
            right += across(value).equals(axes.row()) ? 0 : bytes;
        }
        long threads = threads(match, shape);
        double rows = (double) shape.rows() / shape.warpRows();
        double columns = (double) shape.columns() / shape.warpColumns();
        double bits = match.operands().values().stream()
                .mapToDouble(value -> value.type().elementType().bits())
                .max()
                .orElseThrow();
        // Each warp reads the rows and the columns of its part; what is multiplied out of shared memory is read by every product.
        double reads = match.isShared()
                ? shape.warps() * rows * columns
                        * (left / match.extent(axes.column()) + right / match.extent(axes.row()))
                : shape.warps() * (rows * left + columns * right);
        double fragments = match.isShared()
                ? 0
                : (rows * left + columns * right) * match.extent(axes.deep().getFirst()) / machine.warp() / Integer.BYTES;
        double registers = shape.rows() * shape.columns() / (double) threads + fragments
                + (isBytes(match) ? BYTE_COPY_REGISTERS : COPY_REGISTERS) * copies(match, shape, depth, slots)
                + OTHER_REGISTERS;
        return new ContractionCost.Tile(
                shape.rows(),
                shape.columns(),
                depth,
                slots,
                threads,
                registers,
                bytes(match, shape, depth, slots),
                Math.max(1, ContractionCost.processors(machine).fragmentFma()) * PAIR_BITS / bits
                        * (match.isShared() ? 1 : takesShared() ? BESIDE_SHARED : FROM_REGISTERS),
                reads,
                left,
                right,
                copies(match, shape, depth, slots));
    }

    private Schedule schedule(Choice choice) {
        var shape = choice.shape();
        long threads = threads(choice.match(), shape);
        long lanes = Wide.lanes(
                analysis,
                axes.column(),
                analysis.reductions().getFirst().results(),
                machine.vectorBytes());
        long columnThreads = Math.min(threads, shape.columns() / lanes);
        long rowThreads = threads / columnThreads;
        var splits = new ArrayList<Split>();
        for (var axis : common) {
            if (!axis.equals(axes.row()) && !axis.equals(axes.column())) {
                splits.add(Split.scalar(axis));
            }
        }
        splits.add(new Split(axes.row(), shape.rows(), Math.max(1, shape.rows() / rowThreads), 1, rowThreads));
        splits.add(new Split(
                axes.column(), shape.columns(), shape.columns() / lanes / columnThreads, lanes, columnThreads));
        var stages = new ArrayList<List<Split>>();
        analysis.nest().results().forEach(_ -> stages.add(List.of()));
        var deep = axes.deep().getFirst();
        var loops = new ArrayList<Split>();
        for (var axis : analysis.reductions().getFirst().over()) {
            if (!axis.equals(deep)) {
                loops.add(Split.scalar(axis));
            }
        }
        loops.add(new Split(deep, choice.depth(), 1, 1));
        long group = cost.group(tile(choice.match(), shape, choice.depth(), choice.slots()));
        var warps = new Warps(choice.match().intrinsic().name(), shape.warpRows(), shape.warpColumns(), choice.slots(), choice.boxes());
        return new Schedule(
                splits,
                stages,
                List.of(loops),
                List.of(),
                List.of(),
                Optional.of(new Block(1, true, Form.REPEATED, Optional.of(warps), group)));
    }
}
