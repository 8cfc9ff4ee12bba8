package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// The operations on near memory, queues and units of a kernel for a machine whose vectors live in memory; everything else
/// is scalar code as anywhere.
final class NearWriter {
    private final Builder builder;
    private final Code code;
    private final NearWords words;
    private final Values values;
    private final DimWriter dims;
    private final Addressing addressing;
    private final TileOp.Kernel kernel;
    private final Map<Value, NearWords.Piece> pieces = new IdentityHashMap<>();
    private final Map<Value, Words.Parameter> buffers = new IdentityHashMap<>();
    private final Map<Value, String> queues = new IdentityHashMap<>();
    private final Map<Value, NearWords.Piece> acquired = new IdentityHashMap<>();
    private final Map<Value, NearWords.Piece> consumed = new IdentityHashMap<>();
    private final Set<Value> incoming = new HashSet<>();
    private final Map<Value, NearWords.Matrix> matrices = new IdentityHashMap<>();
    private final Map<String, String> intrinsics;
    private final boolean hasQueues;

    NearWriter(Builder builder, DimWriter dims, NearWords words, Values values, TileOp.Kernel kernel, Map<String, String> intrinsics) {
        this.builder = builder;
        this.code = builder.code;
        this.words = words;
        this.values = values;
        this.dims = dims;
        this.kernel = kernel;
        this.intrinsics = intrinsics;
        addressing = new Addressing(builder, dims);
        hasQueues = scan(kernel.body(), new IdentityHashMap<>());
    }

    /// Whether a kernel is one for the matrix unit.
    static boolean isOfMatrices(Body body) {
        return body.ops().stream()
                .anyMatch(op -> op instanceof TileOp.Call
                        || OpSchema.bodies(op).stream().anyMatch(NearWriter::isOfMatrices));
    }

    private boolean scan(Body body, Map<Value, Value> slots) {
        boolean found = false;
        for (var op : body.ops()) {
            if (op instanceof TileOp.Acquire(Value ring, Value slot)) {
                slots.put(slot, ring);
            } else if (op instanceof TileOp.Fetch fetch && slots.containsKey(fetch.to())) {
                incoming.add(slots.get(fetch.to()));
            } else if (op instanceof TileOp.Rows rows && slots.containsKey(rows.to())) {
                incoming.add(slots.get(rows.to()));
            }
            found |= op instanceof TileOp.Ring;
            for (var inner : OpSchema.bodies(op)) {
                found |= scan(inner, slots);
            }
        }
        return found;
    }

    void bind(Value parameter, Words.Parameter buffer) {
        buffers.put(parameter, buffer);
        var element = parameter.buffer().element();
        if (CType.isPacked(element) && buffer.written()) {
            var name = code.fresh(buffer.name() + "_packed");
            code.line(words.packed(buffer, name, element.bits(), extent(Dim.product(parameter.buffer().storage()))));
            values.bind(parameter, new Place(parameter.buffer(), name, Term.index(0), false, false));
            return;
        }
        values.bind(parameter, new Place(parameter.buffer(), words.elements(buffer), Term.index(0), false, !buffer.written()));
    }

    private void bind(Value value, NearWords.Piece piece) {
        pieces.put(value, piece);
        values.bind(value, new Place(value.buffer(), words.elements(piece), Term.index(0), false, false));
    }

    private NearWords.Piece piece(Value value) {
        var hint = value.hint().isEmpty() ? "near" : value.hint();
        var type = value.buffer();
        return new NearWords.Piece(code.fresh(hint), type.element(), Dim.product(type.dims()).constant().orElseThrow());
    }

    private void lines(List<String> lines) {
        lines.forEach(code::line);
    }

    /// Writes an operation if it is one of these.
    boolean emit(TileOp op) {
        switch (op) {
            case TileOp.Alloc(Value result) when result.buffer().rank() == 1 -> {
                var piece = piece(result);
                lines(words.allocate(piece));
                bind(result, piece);
            }
            case TileOp.View(Value buffer, var offsets, Value result) when pieces.containsKey(buffer) -> {
                var part = piece(result);
                code.line(words.view(pieces.get(buffer), part, values.scalar(offsets.getFirst()).bare()));
                bind(result, part);
            }
            case TileOp.View(Value buffer, var offsets, Value result)
                    when buffers.containsKey(buffer) && result.buffer().rank() == 2 && result.buffer().layout().isPresent() -> {
                var type = result.buffer();
                matrices.put(result, new NearWords.Matrix(
                        buffers.get(buffer),
                        place(buffer, offsets),
                        extent(type.physical().getLast()),
                        extent(type.dims().getFirst()),
                        extent(type.dims().getLast())));
            }
            case TileOp.Call(var arguments, String name, var results) -> {
                var spelling = intrinsics.get(name);
                if (spelling == null || !results.isEmpty()) {
                    throw new EmitException("the matrix unit has no intrinsic " + name + " without results; it has "
                            + intrinsics.keySet());
                }
                code.line(words.call(spelling, arguments.stream().map(this::matrix).toList()));
            }
            case TileOp.Ring(long depth, _, Value ring) -> {
                var name = code.fresh(ring.hint().isEmpty() ? "queue" : ring.hint());
                var slot = ((Type.Ring) ring.type()).slot();
                queues.put(ring, name);
                lines(words.queue(
                        name,
                        new NearWords.Piece("", slot.element(), Dim.product(slot.dims()).constant().orElseThrow()),
                        depth,
                        incoming.contains(ring)));
            }
            case TileOp.Acquire(Value ring, Value slot) -> {
                var piece = piece(slot);
                acquired.put(ring, piece);
                code.line(words.acquire(queues.get(ring), piece));
                bind(slot, piece);
            }
            case TileOp.Publish(Value ring) -> code.line(words.publish(queues.get(ring), acquired.get(ring)));
            case TileOp.Consume(Value ring, Value slot) -> {
                var piece = piece(slot);
                consumed.put(ring, piece);
                code.line(words.consume(queues.get(ring), piece));
                bind(slot, piece);
            }
            case TileOp.Release(Value ring) -> code.line(words.release(queues.get(ring), consumed.get(ring)));
            case TileOp.Map map -> map(map);
            case TileOp.Fetch fetch -> lines(words.fetch(
                    buffers.get(fetch.from()),
                    place(fetch.from(), fetch.indices()),
                    text(fetch.first()),
                    text(fetch.limit()),
                    text(fetch.other()),
                    pieces.get(fetch.to()),
                    fetch.count()));
            case TileOp.Rows rows -> lines(words.rows(
                    buffers.get(rows.from()),
                    place(rows.from(), rows.indices()),
                    new NearWords.Steps(
                            values.scalar(rows.step()).bare(), values.scalar(rows.width()).bare(), rows.count(), rows.spread()),
                    text(rows.first()),
                    text(rows.limit()),
                    text(rows.other()),
                    pieces.get(rows.to())));
            case TileOp.Take(Value from, Value places, Value to, long count) ->
                code.line(words.take(pieces.get(to), pieces.get(from), pieces.get(places), count));
            case TileOp.Put put -> lines(words.put(
                    pieces.get(put.from()),
                    buffers.get(put.to()),
                    place(put.to(), put.indices()),
                    text(put.first()),
                    text(put.limit()),
                    put.count()));
            case TileOp.Order(var before, var after) -> code.line(words.order(before, after));
            case TileOp _ -> {
                return false;
            }
        }
        return true;
    }

    private String extent(Dim dim) {
        return dims.invariant(dim).bare();
    }

    /// A matrix that is a part of a buffer, or a whole buffer that is laid out as rows of its last axis.
    private NearWords.Matrix matrix(Value value) {
        var part = matrices.get(value);
        if (part != null) {
            return part;
        }
        var type = value.buffer();
        return new NearWords.Matrix(
                buffers.get(value),
                "0",
                extent(type.dims().getFirst()),
                extent(type.dims().getLast()),
                extent(type.dims().getFirst()));
    }

    private Optional<String> text(Optional<Value> value) {
        return value.map(own -> values.scalar(own).bare());
    }

    private String place(Value buffer, List<Value> indices) {
        var own = indices.stream().map(values::scalar).toList();
        return addressing.element(values.place(buffer), own).bare();
    }

    private void map(TileOp.Map map) {
        var operands = new ArrayList<NearWords.Operand>();
        for (var from : map.from()) {
            var piece = Optional.ofNullable(pieces.get(from));
            operands.add(new NearWords.Operand(
                    piece,
                    piece.isPresent() ? "" : values.scalar(from).bare(),
                    from.type().elementType()));
        }
        var op = map.body().ops().getFirst() instanceof ArithOp arith ? Optional.of(arith) : Optional.<ArithOp>empty();
        lines(words.map(pieces.get(map.to()), operands, op, map.count()));
    }

    /// Leaves the kernel early where no queue holds anything.
    void afterFailure() {
        if (!hasQueues) {
            lines(words.end(false));
            code.line("return;");
        }
    }

    /// This core's points, one after the other; gives the index along each axis of the grid.
    List<Term> openGrid() {
        var points = dims.invariant(Dim.product(kernel.grid()));
        var point = Term.of(CType.INDEX, "point").asNonNegative();
        var type = builder.words.type(CType.INDEX);
        code.line("const " + type + " end = " + words.endPoint(points.text()) + ";");
        code.open("for (" + type + " point = " + words.firstPoint(points.text()) + "; point < end; point++)");
        return CEmitter.indices(kernel, builder, dims, point);
    }
}
