package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.lowering.tile.Schedule.Block;
import org.portolan.lowering.tile.Schedule.Form;
import org.portolan.lowering.tile.Schedule.Split;

/// Schedules for nests that reduce long axes to few points: a team of threads for each point divides the axis and what
/// its results are stored along.
final class TeamScheduler {
    /// Threads of a block, where nothing asks for more.
    private static final long BLOCK = 128;
    /// Sums of fewer products than these are not worth a schedule for memory alone.
    private static final long STREAM = 256;
    /// Vectors longer than this have threads enough as it is.
    private static final double STREAMED_POINTS = 65536;
    /// What memory hands over at once.
    private static final long ROW_BYTES = 128;
    /// Elements of a row that one thread keeps in registers.
    private static final long RESIDENT = 32;
    /// Threads that keep a machine busy.
    private static final long MANY = 8192;
    /// Neighbours in memory that fill what is fetched at once.
    private static final long ADJACENT = 16;
    /// Points that one thread computes together because they read the same.
    private static final long MOST_SHARING = 8;
    /// Chains of accumulators that need not wait for each other.
    private static final long CHAINS = 4;

    private final NestAnalysis analysis;
    private final MachineOp.Chip machine;
    private final List<String> common;
    private final List<Reduction> divided;

    /// @param common the common axes in the order of the grid
    TeamScheduler(NestAnalysis analysis, MachineOp.Chip machine, List<String> common) {
        this.analysis = analysis;
        this.machine = machine;
        this.common = common;
        this.divided = analysis.reductions().stream()
                .filter(reduction -> common.containsAll(analysis.free(reduction.results().getFirst())))
                .filter(reduction -> !reduction.over().isEmpty())
                .toList();
    }

    /// A schedule, if the nest is better off with teams than with a thread for each point.
    Optional<Schedule> choose() {
        if (divided.isEmpty() || machine.blockLimit() < 2) {
            return Optional.empty();
        }
        var rows = divided.stream().map(this::dividedAxis).toList();
        long length = rows.stream().mapToLong(analysis::estimate).max().orElseThrow();
        if (length < Rows.SHORT) {
            return Optional.empty();
        }
        boolean along = divided.stream().allMatch(this::walksAlong);
        double points = points();
        boolean streams = streams(length);
        if (!along && points >= MANY && !streams) {
            return Optional.empty();
        }
        return Optional.of(along ? neighbours(length, points) : streams ? streaming(length) : apart(length, points));
    }

    private double points() {
        return common.stream().mapToDouble(analysis::estimate).reduce(1, (a, b) -> a * b);
    }

    /// The axis of a reduction that a team divides: the one along which most reads are adjacent, or else the longest.
    private String dividedAxis(Reduction reduction) {
        String best = reduction.over().getLast();
        for (var axis : reduction.over()) {
            long more = adjacent(axis) - adjacent(best);
            if (more > 0 || more == 0 && analysis.estimate(axis) > analysis.estimate(best)) {
                best = axis;
            }
        }
        return best;
    }

    private long adjacent(String axis) {
        return analysis.reads().stream().filter(read -> isAdjacent(read, axis)).count();
    }

    private static boolean isAdjacent(NestOp.Read read, String axis) {
        return read.indices().isEmpty()
                && MemoryEmitter.isAdjacent(read.at(), NestToTile.rowMajor(read.source()), axis);
    }

    /// Whether most of what a reduction reads is adjacent along its axis and not along that of the threads beside.
    private boolean walksAlong(Reduction reduction) {
        var axis = dividedAxis(reduction);
        double along = 0;
        double across = 0;
        for (var read : analysis.reads()) {
            if (analysis.free(read.result()).contains(axis)) {
                along += isAdjacent(read, axis) ? size(read) : 0;
                across += !common.isEmpty() && isAdjacent(read, common.getLast()) ? size(read) : 0;
            }
        }
        return along > 0 && along >= across || common.isEmpty();
    }

    /// The elements that a read touches in all.
    private double size(NestOp.Read read) {
        return analysis.free(read.result()).stream()
                .mapToDouble(analysis::estimate)
                .reduce(1, (a, b) -> a * b);
    }

    /// Whether a matrix is gone through once for few vectors, so that all that counts is how it comes from memory.
    private boolean streams(long length) {
        double points = common.stream()
                .filter(axis -> axis.equals(common.getLast())
                        || analysis.constantExtent(axis).orElse(MOST_SHARING + 1) > MOST_SHARING)
                .mapToDouble(analysis::estimate)
                .reduce(1, (left, right) -> left * right);
        return divided.size() == 1
                && analysis.reductions().size() == 1
                && !common.isEmpty()
                && length >= STREAM
                && points < STREAMED_POINTS
                && analysis.reads().stream().anyMatch(read -> size(read) >= length * points);
    }

    /// Neighbouring threads take the pieces of what memory hands over at once, a team goes down the rows.
    private Schedule streaming(long length) {
        var axis = common.getLast();
        long limit = Math.min(2 * BLOCK, Long.highestOneBit(machine.blockLimit()));
        long lanes = Wide.lanes(analysis, axis, List.of(), machine.vectorBytes());
        long bytes = analysis.reads().stream()
                .max(Comparator.comparingDouble(this::size))
                .map(read -> Math.max(1L, read.result().type().elementType().bits() / 8))
                .orElse(1L);
        long teams = Math.min(limit / 2, powerOfTwo(Math.max(1, ROW_BYTES / (bytes * lanes))));
        teams = Math.min(teams, powerOfTwo(Math.ceilDiv(analysis.estimate(axis), lanes)));
        long team = Math.max(2, Math.min(limit / teams, powerOfTwo(length / 8)));
        while (team > 2 && bytes(team * teams * lanes * MOST_SHARING) > machine.sharedBytes()) {
            team /= 2;
        }
        return schedule(team, teams, lanes, false, Optional.empty());
    }

    /// The threads of a team are neighbours: they read neighbouring elements of a row.
    private Schedule neighbours(long length, double points) {
        long warp = Math.max(1, machine.warp());
        long limit = Long.highestOneBit(machine.blockLimit());
        long lanes = divided.stream()
                .mapToLong(reduction -> lanes(reduction, dividedAxis(reduction)))
                .min()
                .orElse(1);
        long team = length <= RESIDENT * warp
                ? Math.min(warp, powerOfTwo(Math.ceilDiv(length, lanes)))
                : Math.min(limit, Math.max(2 * warp, powerOfTwo(length / (RESIDENT / 2))));
        team = Math.min(limit, team);
        while (points * team < MANY && team * 2 <= limit && length >= team * 8) {
            team *= 2;
        }
        team = Math.max(2, team);
        long teams = Math.max(1, Math.min(BLOCK / team, limit / team));
        return schedule(team, common.isEmpty() ? 1 : teams, 1, true, row(team));
    }

    /// How many elements of its axis a thread takes as a vector.
    private long lanes(Reduction reduction, String axis) {
        return Wide.lanes(analysis, axis, reduction.values(), List.of(), machine.vectorBytes());
    }

    /// The threads of neighbouring points are neighbours, and a team is spread over the block.
    private Schedule apart(long length, double points) {
        long limit = Long.highestOneBit(machine.blockLimit());
        long teams = Math.min(Math.max(ADJACENT, machine.warp()), Math.max(1, limit / 2));
        if (!common.isEmpty()) {
            teams = Math.min(teams, powerOfTwo(analysis.estimate(common.getLast())));
        }
        long lanes = common.isEmpty() || points < 2 * MANY
                ? 1
                : Wide.lanes(analysis, common.getLast(), List.of(), machine.vectorBytes());
        teams = Math.min(teams, powerOfTwo(Math.ceilDiv(common.isEmpty() ? 1 : analysis.estimate(common.getLast()), lanes)));
        long team = 2;
        while (points / lanes * team < MANY && team * teams * 2 <= Math.min(limit, 4 * BLOCK) && length >= team * 8) {
            team *= 2;
        }
        while (lanes > 1 && bytes(team * teams * lanes) > machine.sharedBytes()) {
            lanes /= 2;
        }
        return schedule(team, teams, lanes, false, Optional.empty());
    }

    /// What the accumulators of so many points take in memory.
    private long bytes(long points) {
        long bytes = 0;
        for (var reduction : divided) {
            for (var result : reduction.results()) {
                bytes += points * Math.max(8, result.type().elementType().bits()) / 8;
            }
        }
        return bytes;
    }

    /// The axis of few points whose values share what is read most: a thread computes all of them.
    private Optional<String> sharing(long threads) {
        var largest = analysis.reads().stream().max(Comparator.comparingDouble(this::size));
        return common.stream()
                .filter(axis -> !axis.equals(common.getLast()))
                .filter(axis -> analysis.constantExtent(axis).orElse(MOST_SHARING + 1) <= MOST_SHARING
                        && analysis.constantExtent(axis).orElse(0) > 1)
                .filter(axis -> largest.isPresent()
                        && !analysis.free(largest.get().result()).contains(axis))
                .filter(axis -> bytes(threads * analysis.estimate(axis)) <= machine.sharedBytes())
                .findFirst();
    }

    /// The one axis that all reductions and results of the nest go along, if a team can keep it in registers.
    private Optional<String> row(long team) {
        var axes = new ArrayList<String>();
        analysis.reductions().forEach(reduction -> axes.addAll(reduction.over()));
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            axes.addAll(inner(i));
        }
        var axis = axes.getFirst();
        boolean one = axes.stream().allMatch(axis::equals) && divided.size() == analysis.reductions().size();
        var extent = analysis.constantExtent(axis);
        return one && axes.size() > 1
                        && extent.isPresent()
                        && extent.getAsLong() > 0
                        && Math.ceilDiv(extent.getAsLong(), team) <= RESIDENT
                ? Optional.of(axis)
                : Optional.empty();
    }

    private List<String> inner(int result) {
        return analysis.storeAxes(result).stream().filter(axis -> !common.contains(axis)).toList();
    }

    /// @param row the axis of a row that stays in registers
    private Schedule schedule(long team, long teams, long lanes, boolean neighbours, Optional<String> row) {
        var splits = new ArrayList<Split>();
        var shared = sharing(team * teams * lanes);
        for (var axis : common) {
            long extent = analysis.estimate(axis);
            splits.add(
                    axis.equals(common.getLast())
                            ? new Split(axis, teams * lanes, 1, lanes, teams)
                            : shared.equals(Optional.of(axis)) ? new Split(axis, extent, extent, 1) : Split.scalar(axis));
        }
        long rowLanes = row.map(this::rowLanes).orElse(1L);
        var stages = new ArrayList<List<Split>>();
        for (int i = 0; i < analysis.nest().results().size(); i++) {
            var along = storedAlong(i);
            long wide = row.isPresent() ? rowLanes : along == null ? 1 : storeLanes(i, along);
            stages.add(loops(inner(i), along, team, wide, row.isPresent()));
        }
        var reductions = new ArrayList<List<Split>>();
        for (var reduction : analysis.reductions()) {
            if (!divided.contains(reduction)) {
                reductions.add(reduction.over().stream().map(Split::scalar).toList());
                continue;
            }
            var axis = dividedAxis(reduction);
            long wide = row.isPresent() ? rowLanes : neighbours ? lanes(reduction, axis) : 1;
            reductions.add(loops(reduction.over(), axis, team, wide, row.isPresent()));
        }
        var form = row.isPresent() ? Form.RESIDENT : Form.REPEATED;
        return new Schedule(
                splits, stages, reductions, List.of(), List.of(), Optional.of(new Block(team, neighbours, form)));
    }

    private long rowLanes(String axis) {
        long lanes = Wide.lanes(analysis, axis, List.of(), machine.vectorBytes());
        for (var reduction : analysis.reductions()) {
            lanes = Math.min(lanes, lanes(reduction, axis));
        }
        return lanes;
    }

    /// How many elements of a result a thread stores as a vector.
    private long storeLanes(int result, String axis) {
        return analysis.reductions().stream()
                        .anyMatch(reduction -> analysis.free(reduction.results().getFirst()).contains(axis))
                ? 1
                : Wide.lanes(analysis, axis, List.of(), machine.vectorBytes());
    }

    /// The inner axis of a result that a team divides: the one along which it is adjacent, or else the last.
    private String storedAlong(int result) {
        var buffer = NestToTile.rowMajor(analysis.nest().results().get(result));
        var inner = inner(result);
        return inner.stream()
                .filter(axis -> MemoryEmitter.isAdjacent(analysis.terminator().to().get(result), buffer, axis))
                .findFirst()
                .orElse(inner.isEmpty() ? null : inner.getLast());
    }

    private List<Split> loops(List<String> axes, String divided, long team, long lanes, boolean resident) {
        var loops = new ArrayList<Split>();
        for (var axis : axes) {
            if (!axis.equals(divided)) {
                loops.add(Split.scalar(axis));
            }
        }
        if (divided != null) {
            long each = Math.ceilDiv(analysis.estimate(divided), team * lanes);
            loops.add(new Split(divided, 0, resident ? each : Math.max(1, Math.min(CHAINS, each)), lanes, team));
        }
        return loops;
    }

    private static long powerOfTwo(long number) {
        return number <= 1 ? 1 : Long.highestOneBit(number - 1) * 2;
    }
}
