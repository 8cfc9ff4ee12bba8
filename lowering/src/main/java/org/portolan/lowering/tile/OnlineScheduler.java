package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.portolan.ir.MachineOp;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.Schedule.Block;
import org.portolan.lowering.tile.Schedule.Form;
import org.portolan.lowering.tile.Schedule.Split;
import org.portolan.lowering.tile.Schedule.Warps;
import org.portolan.lowering.tile.Tensorize.Match;

/// Schedules for nests whose rows are gone along once: a block of threads has a few rows, and takes the keys in blocks that
/// lie in shared memory. Both products are done by an instruction on fragments where the machine has one for them.
final class OnlineScheduler {
    /// Threads that have the points of a row between them.
    private static final long TEAM = 8;
    /// Rows of one thread.
    private static final long ROWS = 4;
    /// The most that the sums of a row and the inner axis of the scores may be.
    private static final long WIDEST = 256;
    /// Threads that keep a machine busy.
    private static final double MANY = 8192;
    /// So few rows are too few for a block, however long they are.
    private static final long FEW_ROWS = 16;
    /// How long a row is taken to be that grows with what came before.
    private static final long LONG_ROW = 2048;
    /// Keys of a part, at least.
    private static final long SHORTEST_PART = 128;
    /// The roundest addresses that boxes begin at.
    private static final long BOX_ALIGNMENT = 1024;
    private static final long[] ROW_BLOCKS = {64, 32, 16};
    private static final long[] KEY_BLOCKS = {64, 32, 16};

    private final NestAnalysis analysis;
    private final MachineOp.Chip machine;
    private final List<String> common;
    /// Where lanes hold the sums of the instruction that is tried.
    private Optional<RowLanes> held = Optional.empty();

    /// @param common the common axes in the order of the grid
    OnlineScheduler(NestAnalysis analysis, MachineOp.Chip machine, List<String> common) {
        this.analysis = analysis;
        this.machine = machine;
        this.common = common;
    }

    /// A schedule, if the nest is one of those.
    Optional<Schedule> choose() {
        return OnlineRows.match(analysis).flatMap(this::choose);
    }

    /// How many keys a block of threads should take where there are too few rows to keep the machine busy; 0 if one block should
    /// take all of them. Extents that are not known are taken to be small: a division that was not needed costs little.
    long part() {
        var rows = OnlineRows.match(analysis).orElseThrow();
        var schedule = choose(rows).orElseThrow();
        long row = analysis.constantExtent(rows.row()).orElse(Long.MAX_VALUE);
        if (row > FEW_ROWS) {
            return 0;
        }
        double threads = schedule.threads();
        for (var axis : common) {
            threads *= axis.equals(rows.row()) ? 1 : analysis.constantExtent(axis).orElse(1);
        }
        long keys = analysis.constantExtent(rows.key()).orElse(LONG_ROW);
        double wanted = 2 * MANY / threads;
        if (wanted < 2 || keys < 2 * SHORTEST_PART) {
            return 0;
        }
        long length = Math.max(SHORTEST_PART, Math.ceilDiv((long) Math.ceil(keys / wanted), KEY_BLOCKS[0]) * KEY_BLOCKS[0]);
        return 2 * length > keys ? 0 : length;
    }

    private Optional<Schedule> choose(OnlineRows rows) {
        long deep = analysis.constantExtent(rows.deep()).orElse(0);
        long column = analysis.constantExtent(rows.column()).orElse(0);
        if (deep < 1 || column < 1 || deep > WIDEST || column > WIDEST) {
            return Optional.empty();
        }
        var intrinsic = instruction(rows);
        held = intrinsic.flatMap(used -> matches(analysis, used, rows)).flatMap(both -> lanes(both, rows))
                .filter(own -> machine.warp() * own.rows().size() == own.height() * own.team());
        return best(rows, column, intrinsic).or(() -> {
            held = Optional.empty();
            return best(rows, column, Optional.empty());
        });
    }

    private Optional<Schedule> best(OnlineRows rows, long column, Optional<MachineOp.Intrinsic> intrinsic) {
        Schedule best = null;
        double most = 0;
        for (long rowBlock : ROW_BLOCKS) {
            for (long keyBlock : KEY_BLOCKS) {
                double score = score(rows, rowBlock, keyBlock);
                if (score > most && fits(rows, rowBlock, keyBlock, intrinsic.isPresent())) {
                    most = score;
                    best = schedule(rows, rowBlock, keyBlock, column, intrinsic);
                }
            }
        }
        return Optional.ofNullable(best);
    }

    /// The instruction that does both products.
    private Optional<MachineOp.Intrinsic> instruction(OnlineRows rows) {
        long rowsOfWarp = machine.warp() * ROWS / TEAM;
        for (var op : machine.intrinsics().ops()) {
            if (op instanceof MachineOp.Intrinsic intrinsic && FragmentScheduler.isAllowed(machine, intrinsic)) {
                var matches = matches(analysis, intrinsic, rows);
                if (matches.isPresent()
                        && rowsOfWarp > 0
                        && ROW_BLOCKS[ROW_BLOCKS.length - 1] % rowsOfWarp == 0
                        && rowsOfWarp % matches.get().getFirst().extent(rows.row()) == 0) {
                    return Optional.of(intrinsic);
                }
            }
        }
        return Optional.empty();
    }

    /// How lanes hold the sums of both products, if they can go on with them where they are.
    static Optional<RowLanes> lanes(List<Match> both, OnlineRows rows) {
        var weight = both.getLast().operands().entrySet().stream()
                .filter(entry -> entry.getValue() == rows.weight())
                .map(Map.Entry::getKey)
                .findFirst();
        return weight.flatMap(parameter -> RowLanes.of(both.getFirst(), both.getLast(), parameter))
                .filter(RowLanes::isEven);
    }

    /// The instruction as the product that makes the scores, and as the one with the weights.
    static Optional<List<Match>> matches(NestAnalysis analysis, MachineOp.Intrinsic intrinsic, OnlineRows rows) {
        if (intrinsic.spreads().size() != intrinsic.body().params().size() + 1) {
            return Optional.empty();
        }
        var scores = Tensorize.match(
                        intrinsic, analysis, rows.scores(), List.of(rows.row(), rows.key()), rows.deep())
                .filter(match -> covers(match, rows.left(), rows.row(), rows.deep()))
                .filter(match -> covers(match, rows.right(), rows.deep(), rows.key()));
        var product = Tensorize.match(
                        intrinsic, analysis, rows.product(), List.of(rows.row(), rows.column()), rows.key())
                .filter(match -> covers(match, rows.weight(), rows.row(), rows.key()))
                .filter(match -> covers(match, rows.factor(), rows.key(), rows.column()));
        return scores.isPresent() && product.isPresent()
                ? Optional.of(List.of(scores.get(), product.get()))
                : Optional.empty();
    }

    /// Whether a value takes the place of a parameter that lies along two axes in this order.
    private static boolean covers(Match match, Value value, String first, String second) {
        return match.addend().isPresent()
                && match.operands().size() == 2
                && match.operands().entrySet().stream()
                        .anyMatch(entry -> entry.getValue() == value
                                && match.order(entry.getKey()).equals(List.of(first, second)));
    }

    private boolean fits(OnlineRows rows, long rowBlock, long keyBlock, boolean fragments) {
        long threads = rowBlock / ROWS * TEAM;
        long deep = padded(analysis.estimate(rows.deep()));
        long column = padded(analysis.estimate(rows.column()));
        long bytes = turnable(rowBlock, deep, rows.left())
                + turnable(keyBlock, deep, rows.right())
                + turnable(keyBlock, column, rows.factor())
                + bytes(rowBlock, keyBlock, rows.weight())
                + exchanged(rows, threads);
        if (held.isPresent()) {
            bytes -= bytes(rowBlock, keyBlock, rows.weight());
        } else if (fragments) {
            var sums = rows.product().results().getFirst();
            bytes += bytes(rowBlock, keyBlock, rows.scores().results().getFirst())
                    + bytes(rowBlock, column, sums)
                    + Math.max(BOX_ALIGNMENT, bytes(rowBlock, sums));
        }
        long points = ROWS * keyBlock / TEAM;
        // A thread's part of the sums, of what all keys are multiplied with, and of the scores and the weights.
        long registers = fragments
                ? ROWS * column / TEAM + ROWS * deep / TEAM / 2 + points * 5 / 2
                : ROWS * Math.ceilDiv(column, TEAM) + points;
        return threads <= machine.blockLimit()
                && bytes <= machine.sharedBytes()
                && registers * 19 / 10 <= machine.vectorRegisters();
    }

    private static long padded(long extent) {
        return Math.ceilDiv(extent, 16) * 16;
    }

    private static long bytes(long elements, Value value) {
        return elements * Math.max(8, value.type().elementType().bits()) / 8;
    }

    /// The bytes of a box, whose rows lie a vector apart, with what is lost where boxes begin at round addresses.
    private long bytes(long rows, long columns, Value value) {
        return Math.ceilDiv(bytes(rows * columns, value) + rows * machine.vectorBytes(), BOX_ALIGNMENT) * BOX_ALIGNMENT;
    }

    /// The same if either axis may be the one along which neighbours lie.
    private long turnable(long rows, long columns, Value value) {
        return Math.max(bytes(rows, columns, value), bytes(columns, rows, value));
    }

    /// What the threads of a team hand each other by way of shared memory, if they are not all in one warp.
    private long exchanged(OnlineRows rows, long threads) {
        if (machine.warp() >= TEAM) {
            return 0;
        }
        return Stream.of(List.of(rows.maximum()), rows.rescaled(), rows.plain())
                .flatMap(List::stream)
                .flatMap(reduction -> reduction.results().stream())
                .mapToLong(result -> bytes(threads * ROWS, result))
                .sum();
    }

    private double score(OnlineRows rows, long rowBlock, long keyBlock) {
        double extent = analysis.estimate(rows.row());
        double blocks = Math.ceil(extent / rowBlock);
        double used = extent / (blocks * rowBlock);
        for (var axis : common) {
            blocks *= axis.equals(rows.row()) ? 1 : analysis.estimate(axis);
        }
        double keys = analysis.estimate(rows.key());
        double usedKeys = keys / (Math.ceil(keys / keyBlock) * keyBlock);
        double busy = Math.min(1, blocks * (rowBlock / ROWS * TEAM) / MANY);
        return used * usedKeys * Math.sqrt(busy) * rowBlock / (rowBlock + 16) * keyBlock / (keyBlock + 8);
    }

    private Schedule schedule(
            OnlineRows rows, long rowBlock, long keyBlock, long column, Optional<MachineOp.Intrinsic> intrinsic) {
        var splits = new ArrayList<Split>();
        for (var axis : common) {
            if (!axis.equals(rows.row())) {
                splits.add(Split.scalar(axis));
            }
        }
        long team = held.map(own -> (long) own.team()).orElse(TEAM);
        long own = held.map(lanes -> (long) lanes.rows().size()).orElse(ROWS);
        splits.add(new Split(rows.row(), rowBlock, own, 1, rowBlock / own));
        var stage = new Split(rows.column(), 0, Math.ceilDiv(column, team), 1, team);
        var reductions = new ArrayList<List<Split>>();
        for (var reduction : analysis.reductions()) {
            reductions.add(List.of(
                    reduction == rows.scores()
                            ? Split.scalar(rows.deep())
                            : new Split(rows.key(), keyBlock, keyBlock / team, 1, team)));
        }
        long warps = rowBlock / own * team / Math.max(1, machine.warp());
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            stages.add(analysis.storeAxes(i).contains(rows.column()) ? List.of(stage) : List.of());
        }
        return new Schedule(
                splits,
                stages,
                reductions,
                List.of(),
                List.of(),
                Optional.of(new Block(
                        team, true, Form.ONLINE, intrinsic.map(used -> new Warps(used.name(), warps, 1)))));
    }
}
