package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.tile.BoxEmitter.Box;
import org.portolan.lowering.tile.BoxEmitter.Side;
import org.portolan.lowering.tile.Schedule.Warps;
import org.portolan.lowering.tile.Tensorize.Match;
import org.portolan.runtime.type.Dim;

/// The two products of a nest whose rows are gone along once, on fragments: each warp has some rows, and all keys and columns of
/// them. Scores and sums go by way of shared memory to the threads that go on with them.
class RowProducts {
    final OnlineEmitter emitter;
    private final MachineOp.Chip machine;
    final OnlineRows rows;
    private final Match scores;
    final Match product;
    private final Warps warps;
    private final long deepSize;
    private final long columnSize;
    private long rowSize;
    private final List<List<Value>> left = new ArrayList<>();
    private Box scoreBox;
    private Value shrinkBuffer;

    RowProducts(
            OnlineEmitter emitter,
            MachineOp.Chip machine,
            OnlineRows rows,
            List<Match> matches,
            Warps warps,
            long deepSize,
            long columnSize) {
        this.emitter = emitter;
        this.machine = machine;
        this.rows = rows;
        this.scores = matches.getFirst();
        this.product = matches.getLast();
        this.warps = warps;
        this.deepSize = deepSize;
        this.columnSize = columnSize;
    }

    private long height() {
        return scores.extent(rows.row());
    }

    /// Fragments of a warp below each other.
    private long fragmentRows() {
        return rowSize / warps.rows() / height();
    }

    /// Loads what all blocks of keys are multiplied with.
    void begin(Scope scope, Box box, long rowSize) {
        load(scope, box, rowSize);
        shrinkBuffer = emitter.sharedBuffer(rows.product().results().getFirst(), shrinkType());
    }

    final void load(Scope scope, Box box, long rowSize) {
        this.rowSize = rowSize;
        var parameter = parameter(scores, rows.left());
        long step = scores.extent(rows.deep());
        for (long row = 0; row < fragmentRows(); row++) {
            var fragments = new ArrayList<Value>();
            for (long deep = 0; deep < deepSize; deep += step) {
                fragments.add(operand(
                        scope, scores, parameter, box, corner(scope, row), emitter.number(scope, Dim.of(deep))));
            }
            left.add(fragments);
        }
    }

    /// One number for each row, which stands in every column.
    private Type.Buffer shrinkType() {
        var names = List.of("row", "column");
        return new Type.Buffer(
                sum(product).element(),
                List.of(Dim.of(rowSize), sum(product).dims().getLast()),
                Type.Space.SHARED,
                Optional.of(new IndexMap(names, List.of(Dim.symbol("row")))),
                Dim.list(rowSize));
    }

    static Type.Fragment sum(Match match) {
        return FragmentEmitter.fragment(match, match.addend().orElseThrow());
    }

    static Value parameter(Match match, Value operand) {
        return match.operands().entrySet().stream()
                .filter(entry -> entry.getValue() == operand)
                .findFirst()
                .orElseThrow()
                .getKey();
    }

    /// Where the rows of a fragment of this warp begin.
    private Value corner(Scope scope, long row) {
        return emitter.expression(
                scope,
                Dim.symbol("$0").times(fragmentRows() * height()).plus(row * height()),
                emitter.warpNumber);
    }

    /// A fragment of a box that begins at a place along the box's axes.
    private Value operand(Scope scope, Match match, Value parameter, Box box, Value first, Value second) {
        var deep = match == scores ? rows.deep() : rows.key();
        return emitter.loaded(scope, match, parameter, deep, box.buffer(), List.of(first, second));
    }

    /// Takes the sums of a warp that stand below each other, from a column on.
    interface Taking {
        void take(long column, List<Value> sums);
    }

    /// The scores of a block of keys, where all threads find them.
    void scores(Scope scope, Box right, Side row, Side key) {
        scoreBox = emitter.box(rows.scores().results().getFirst(), row, key, false);
        scores(scope, right, key, (column, sums) -> {
            for (int i = 0; i < sums.size(); i++) {
                scope.ops.add(new TileOp.Store(
                        sums.get(i),
                        scoreBox.buffer(),
                        List.of(corner(scope, i), emitter.number(scope, Dim.of(column))),
                        Optional.empty()));
            }
        });
        scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        emitter.hold(scoreBox);
    }

    final void scores(Scope scope, Box right, Side key, Taking taking) {
        var parameter = parameter(scores, rows.right());
        long width = scores.extent(rows.key());
        long step = scores.extent(rows.deep());
        var zero = zero(scope, scores);
        for (long column = 0; column < key.size(); column += width) {
            var current = new ArrayList<Value>();
            left.forEach(_ -> current.add(zero));
            for (long deep = 0; deep < deepSize; deep += step) {
                var other = operand(
                        scope,
                        scores,
                        parameter,
                        right,
                        emitter.number(scope, Dim.of(deep)),
                        emitter.number(scope, Dim.of(column)));
                for (int i = 0; i < left.size(); i++) {
                    var own = left.get(i).get(Math.toIntExact(deep / step));
                    current.set(i, multiply(scope, scores, rows.left(), own, other, current.get(i)));
                }
            }
            taking.take(column, current);
        }
    }

    void dropScores() {
        emitter.drop(List.of(scoreBox));
    }

    private Value zero(Scope scope, Match match) {
        var type = sum(match);
        var zero = Value.of(type, "none");
        scope.ops.add(new TileOp.Broadcast(emitter.constant(scope, type.element(), 0), zero));
        return zero;
    }

    private Value multiply(Scope scope, Match match, Value first, Value own, Value other, Value sum) {
        var arguments = new ArrayList<Value>();
        for (var parameter : match.intrinsic().body().params()) {
            boolean addend = match.addend().equals(Optional.of(parameter));
            arguments.add(addend ? sum : match.operands().get(parameter) == first ? own : other);
        }
        var result = Value.of(sum.type(), sum.hint());
        scope.ops.add(new TileOp.Call(arguments, match.intrinsic().name(), List.of(result)));
        return result;
    }

    /// The sums of the product before the first block.
    List<Value> zeros(Scope scope) {
        var zero = zero(scope, product);
        var all = new ArrayList<Value>();
        for (long i = 0; i < fragmentRows() * columnSize / product.extent(rows.column()); i++) {
            all.add(zero);
        }
        return all;
    }

    /// Tells the warps by how much their sums become smaller; a thread's rows lie apart.
    void share(Scope scope, List<Value> shrinks, Value once) {
        var place = LoopEmitter.coordinates(scope, Set.of(rows.row()));
        for (int i = 0; i < shrinks.size(); i++) {
            var row = emitter.expression(
                    scope,
                    Dim.symbol("$0").minus(Dim.symbol("$1")),
                    emitter.axisBase(scope, rows.row(), place.get(i).getOrDefault(rows.row(), 0)),
                    emitter.blockStarts.get(rows.row()));
            scope.ops.add(new TileOp.Store(
                    emitter.cast(scope, shrinks.get(i), sum(product).element()),
                    shrinkBuffer,
                    List.of(row, emitter.number(scope, Dim.ZERO)),
                    Optional.of(once)));
        }
    }

    /// Adds the products of a block of keys to the sums.
    List<Value> add(Scope scope, List<Value> sums, Box weights, Box factor, long keys) {
        var current = new ArrayList<Value>();
        long width = product.extent(rows.column());
        long columns = columnSize / width;
        for (long row = 0; row < fragmentRows(); row++) {
            var shrink = Value.of(sum(product), "shrink");
            scope.ops.add(new TileOp.Load(
                    shrinkBuffer,
                    List.of(corner(scope, row), emitter.number(scope, Dim.ZERO)),
                    Optional.empty(),
                    Optional.empty(),
                    shrink));
            for (long column = 0; column < columns; column++) {
                var sum = sums.get(Math.toIntExact(row * columns + column));
                var scaled = sum.copy();
                scope.ops.add(new ArithOp.Mul(sum, shrink, scaled));
                current.add(scaled);
            }
        }
        var own = parameter(product, rows.weight());
        return products(
                scope,
                current,
                factor,
                keys,
                (row, key) -> operand(
                        scope, product, own, weights, corner(scope, row), emitter.number(scope, Dim.of(key))));
    }

    /// Gives a fragment of weights.
    interface Weights {
        Value fragment(long row, long key);
    }

    /// Adds products to sums that have been corrected.
    final List<Value> products(Scope scope, List<Value> sums, Box factor, long keys, Weights weights) {
        var current = new ArrayList<>(sums);
        long width = product.extent(rows.column());
        long columns = columnSize / width;
        var other = parameter(product, rows.factor());
        long step = product.extent(rows.key());
        for (long key = 0; key < keys; key += step) {
            var at = emitter.number(scope, Dim.of(key));
            var weight = new ArrayList<Value>();
            for (long row = 0; row < fragmentRows(); row++) {
                weight.add(weights.fragment(row, key));
            }
            for (long column = 0; column < columns; column++) {
                var by = operand(scope, product, other, factor, at, emitter.number(scope, Dim.of(column * width)));
                for (int row = 0; row < fragmentRows(); row++) {
                    int index = Math.toIntExact(row * columns + column);
                    current.set(index, multiply(scope, product, rows.weight(), weight.get(row), by, current.get(index)));
                }
            }
        }
        return current;
    }

    /// The sums, where all threads find them.
    void finish(Scope scope, List<Value> sums, Side row) {
        var zero = emitter.number(scope, Dim.ZERO);
        var box = emitter.box(
                rows.product().results().getFirst(), row, new Side(rows.column(), zero, columnSize), false);
        long width = product.extent(rows.column());
        long columns = columnSize / width;
        for (long i = 0; i < fragmentRows(); i++) {
            for (long column = 0; column < columns; column++) {
                scope.ops.add(new TileOp.Store(
                        sums.get(Math.toIntExact(i * columns + column)),
                        box.buffer(),
                        List.of(corner(scope, i), emitter.number(scope, Dim.of(column * width))),
                        Optional.empty()));
            }
        }
        scope.ops.add(new TileOp.Barrier(TileOp.Bind.BLOCK));
        emitter.hold(box);
    }
}
