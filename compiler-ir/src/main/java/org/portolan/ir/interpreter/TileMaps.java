package org.portolan.ir.interpreter;

import java.util.HashMap;
import org.portolan.ir.ArithOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;
import org.portolan.ir.interpreter.TileProgram.Node;

/// Arithmetic on vectors in memory, and the copies that bring them there and back.
final class TileMaps {
    private TileMaps() {}

    static void map(TileOp.Map map, Node node, TileThread thread) {
        int count = Math.toIntExact(map.count());
        var block = node.bodies().getFirst();
        var values = new HashMap<Integer, Elements>();
        for (int i = 0; i < map.from().size(); i++) {
            values.put(block.params()[i], operand(thread.values[node.operands()[1 + i]], count, thread));
        }
        for (var inner : block.nodes()) {
            var op = (ArithOp) inner.op();
            var operands = new ArithInterpreter.Lanes[inner.operands().length];
            for (int i = 0; i < operands.length; i++) {
                operands[i] = new ArithInterpreter.Lanes(values.get(inner.operands()[i]), 0);
            }
            var result = Elements.allocate(op.result().type().elementType(), count);
            ArithInterpreter.apply(op, operands, result, 0, count);
            values.put(inner.results()[0], result);
        }
        var result = values.get(block.yields()[0]);
        var to = thread.buffer(node.operands()[0]);
        for (int i = 0; i < count; i++) {
            int place = to.checkedPlace(new long[] {i});
            to.memory.checkStore(place, thread);
            result.copyTo(i, to.memory.elements, to.memory.write(place), 1);
        }
    }

    /// The elements of a buffer, or a scalar as often.
    private static Elements operand(Object value, int count, TileThread thread) {
        if (value instanceof TileBuffer buffer) {
            var elements = Elements.allocate(buffer.memory.elements.type(), count);
            for (int i = 0; i < count; i++) {
                int place = buffer.checkedPlace(new long[] {i});
                buffer.memory.checkLoad(place, thread);
                buffer.memory.elements.copyTo(buffer.memory.read(place), elements, i, 1);
            }
            return elements;
        }
        var scalar = (Elements) value;
        var elements = Elements.allocate(scalar.type(), count);
        elements.fill(0, count, scalar, 0);
        return elements;
    }

    static void fetch(TileOp.Fetch fetch, Node node, TileThread thread) {
        int count = Math.toIntExact(fetch.count());
        var from = thread.buffer(node.operands()[0]);
        var to = thread.buffer(node.operands()[node.operands().length - 1]);
        int next = 1 + fetch.indices().size();
        long first = fetch.first().isPresent() ? thread.scalar(node.operands()[next++]) : 0;
        long limit = fetch.limit().isPresent() ? thread.scalar(node.operands()[next++]) : count;
        var other = fetch.other().isPresent()
                ? (Elements) thread.values[node.operands()[next]]
                : Elements.allocate(to.memory.elements.type(), 1);
        long place = place(from, fetch.indices().size(), node, 1, thread);
        for (int i = 0; i < count; i++) {
            int own = to.memory.write(to.checkedPlace(new long[] {i}));
            if (i >= first && i < limit) {
                int source = from.checked(place + i);
                from.memory.checkLoad(source, thread);
                copy(from.memory.elements, from.memory.read(source), to.memory.elements, own);
            } else {
                other.copyTo(0, to.memory.elements, own, 1);
            }
        }
    }

    static void rows(TileOp.Rows rows, Node node, TileThread thread) {
        int count = Math.toIntExact(rows.count());
        var from = thread.buffer(node.operands()[0]);
        var to = thread.buffer(node.operands()[node.operands().length - 1]);
        int next = 1 + rows.indices().size();
        long step = thread.scalar(node.operands()[next++]);
        long width = thread.scalar(node.operands()[next++]);
        long first = rows.first().isPresent() ? thread.scalar(node.operands()[next++]) : 0;
        long limit = rows.limit().isPresent() ? thread.scalar(node.operands()[next++]) : count;
        var other = rows.other().isPresent()
                ? (Elements) thread.values[node.operands()[next]]
                : Elements.allocate(to.memory.elements.type(), 1);
        long place = place(from, rows.indices().size(), node, 1, thread);
        for (int i = 0; i < count; i++) {
            boolean inside = i >= first && i < limit;
            for (int j = 0; j < (inside ? Math.min(width, rows.spread()) : rows.spread()); j++) {
                int own = to.memory.write(to.checkedPlace(new long[] {i * rows.spread() + j}));
                if (inside) {
                    int source = from.checked(place + i * step + j);
                    from.memory.checkLoad(source, thread);
                    copy(from.memory.elements, from.memory.read(source), to.memory.elements, own);
                } else {
                    other.copyTo(0, to.memory.elements, own, 1);
                }
            }
        }
    }

    static void take(TileOp.Take take, Node node, TileThread thread) {
        var from = thread.buffer(node.operands()[0]);
        var places = thread.buffer(node.operands()[1]);
        var to = thread.buffer(node.operands()[2]);
        long bytes = take.from().type().elementType().bits() / 8;
        for (int i = 0; i < take.count(); i++) {
            int own = places.checkedPlace(new long[] {i * Math.max(1, bytes / 4)});
            places.memory.checkLoad(own, thread);
            long place = Integer.toUnsignedLong((int) places.memory.elements.getLong(places.memory.read(own)));
            int source = from.checkedPlace(new long[] {place / bytes});
            from.memory.checkLoad(source, thread);
            copy(
                    from.memory.elements,
                    from.memory.read(source),
                    to.memory.elements,
                    to.memory.write(to.checkedPlace(new long[] {i})));
        }
    }

    static void put(TileOp.Put put, Node node, TileThread thread) {
        var from = thread.buffer(node.operands()[0]);
        var to = thread.buffer(node.operands()[1]);
        int next = 2 + put.indices().size();
        long first = put.first().isPresent() ? thread.scalar(node.operands()[next++]) : 0;
        long limit = put.limit().isPresent() ? thread.scalar(node.operands()[next]) : put.count();
        long place = place(to, put.indices().size(), node, 2, thread);
        for (int i = 0; i < put.count(); i++) {
            if (i >= first && i < limit) {
                int own = from.memory.read(from.checkedPlace(new long[] {i}));
                int target = to.checked(place + i);
                to.memory.checkStore(target, thread);
                copy(from.memory.elements, own, to.memory.elements, to.memory.write(target));
            }
        }
    }

    private static long place(TileBuffer buffer, int rank, Node node, int from, TileThread thread) {
        var index = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            index[axis] = thread.scalar(node.operands()[from + axis]);
        }
        return buffer.place(index);
    }

    /// Truth values and the bytes that they are in memory have the same numbers.
    private static void copy(Elements from, int source, Elements to, int target) {
        if (from.type() == to.type()) {
            from.copyTo(source, to, target, 1);
        } else {
            to.setLong(target, from.getLong(source));
        }
    }
}
