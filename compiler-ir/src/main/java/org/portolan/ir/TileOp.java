package org.portolan.ir;

import java.util.List;
import java.util.Optional;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Where and how: loops bound to what a machine has, memory spaces, vectors, fragments, copies and barriers.
public sealed interface TileOp extends Op {

    /// Code that a device launches. The parameters are buffers in global memory; {@code symbols} are the extents that
    /// the launch passes, in order. {@code grid} gives the trip counts of the loops bound to the grid, outermost first;
    /// those loops stand around everything else that has an effect. {@code origin} names the model's nodes.
    record Kernel(
            String name,
            List<String> symbols,
            List<Dim> grid,
            List<String> origin,
            Body body)
            implements TileOp {
        public Kernel {
            symbols = List.copyOf(symbols);
            grid = List.copyOf(grid);
            origin = List.copyOf(origin);
            body.params().forEach(Value::buffer);
        }
    }

    /// Counts an index, the body's first parameter, from {@code lower} below {@code upper} in steps; the other
    /// parameters are carried: they start as {@code initial}, the body yields the next, and the last are the results.
    record For(
            Value lower, Value upper, Value step, List<Value> initial, Bind bind, Body body, @Out List<Value> results)
            implements TileOp {
        public For {
            initial = List.copyOf(initial);
            results = List.copyOf(results);
            Rules.isIndex(lower, "tile.for");
            Rules.isIndex(upper, "tile.for");
            Rules.isIndex(step, "tile.for");
            Rules.check(
                    body.params().size() == initial.size() + 1 && results.size() == initial.size(),
                    "tile.for: the body takes the index and the carried values, which are the results");
            for (int i = 0; i < results.size(); i++) {
                Rules.sameType(initial.get(i), results.get(i), "tile.for");
                Rules.sameType(initial.get(i), body.params().get(i + 1), "tile.for");
            }
        }
    }

    /// What a loop runs over.
    enum Bind {
        SERIAL,
        /// Written out when code is emitted; the bounds are numbers.
        UNROLL,
        GRID,
        BLOCK,
        WARP,
        LANE
    }

    /// Repeats: the condition body takes the carried values and yields a truth value; while it holds, the other body
    /// takes them and yields the next.
    record While(List<Value> initial, Body condition, Body body, @Out List<Value> results) implements TileOp {
        public While {
            initial = List.copyOf(initial);
            results = List.copyOf(results);
            Rules.check(
                    condition.params().size() == initial.size()
                            && body.params().size() == initial.size()
                            && results.size() == initial.size(),
                    "tile.while: both bodies take the carried values, which are the results");
        }
    }

    /// One of two bodies; both yield the results. A body without results may be empty.
    record If(Value condition, Body yes, Body no, @Out List<Value> results) implements TileOp {
        public If {
            results = List.copyOf(results);
            Rules.check(condition.type().equals(Type.BOOL), "tile.if needs a scalar truth value, found " + condition);
        }
    }

    /// Ends the bodies of {@link For}, {@link While} and {@link If}.
    record Yield(List<Value> values) implements TileOp, Terminator {
        public Yield {
            values = List.copyOf(values);
        }
    }

    /// A buffer that lives as long as the body around it. Its storage extents are numbers; its content is undefined.
    record Alloc(@Out Value result) implements TileOp {
        public Alloc {
            result.buffer();
        }
    }

    /// The part of a buffer that starts at the offsets, of the same or a lower rank (the last axes then); its extents stand
    /// in the type. A layout in the type says where the elements lie from the first one on, and must be true; without
    /// one, the elements lie where the buffer has them.
    record View(Value buffer, List<Value> offsets, @Out Value result) implements TileOp, Op.Pure {
        public View {
            offsets = List.copyOf(offsets);
            Rules.check(
                    offsets.size() == buffer.buffer().rank(), "tile.view needs one offset for each axis of " + buffer);
            Rules.sameElement(buffer, result, "tile.view");
        }
    }

    /// A scalar, or a vector of elements that are adjacent in memory (in the buffer's layout), the first at the indices.
    /// If any index is a vector, each lane has its own element (a gather); scalar indices then hold for every lane. The
    /// mask is {@code bool} for a scalar. Lanes that are off are not accessed and give {@code other}, or 0. A vector of
    /// booleans is a mask, one byte each in memory. A fragment is the block of the buffer's last axes that starts at the
    /// indices.
    record Load(Value buffer, List<Value> indices, Optional<Value> mask, Optional<Value> other, @Out Value result)
            implements TileOp {
        public Load {
            indices = List.copyOf(indices);
            access(buffer, indices, mask, result, "tile.load");
            other.ifPresent(value -> Rules.sameType(value, result, "tile.load"));
        }
    }

    /// The counterpart of {@link Load}.
    record Store(Value value, Value buffer, List<Value> indices, Optional<Value> mask) implements TileOp {
        public Store {
            indices = List.copyOf(indices);
            access(buffer, indices, mask, value, "tile.store");
        }
    }

    /// Fills {@code to} from {@code from} starting at the offsets; outside {@code from} with zeros. Axis {@code i} of
    /// {@code to} goes along axis {@code axes[i]} of {@code from}; without {@code axes} those are its last ones in order.
    /// Asynchronous copies are complete when their ring slot is consumed. A copy to memory that the threads of a block share
    /// is one operation of all of them: each comes to it with the same operands, and they divide it.
    ///
    /// {@code inside} says that nothing of it lies outside {@code from}.
    record Copy(Value from, Value to, List<Value> offsets, boolean async, List<Long> axes, boolean inside)
            implements TileOp {
        public Copy {
            offsets = List.copyOf(offsets);
            axes = List.copyOf(axes);
            int rank = from.buffer().rank();
            Rules.check(
                    axes.isEmpty()
                            || axes.size() == to.buffer().rank()
                                    && axes.stream().distinct().count() == axes.size()
                                    && axes.stream().allMatch(axis -> axis >= 0 && axis < rank),
                    "tile.copy goes along different axes of " + from + " for each axis of " + to + ", found " + axes);
            Rules.check(offsets.size() == from.buffer().rank(), "tile.copy needs one offset for each axis of " + from);
            Rules.sameElement(from, to, "tile.copy");
        }

        public Copy(Value from, Value to, List<Value> offsets, boolean async) {
            this(from, to, offsets, async, List.of(), false);
        }

        /// The axis of {@code from} along which an axis of {@code to} goes.
        public int source(int axis) {
            return axes.isEmpty()
                    ? from.buffer().rank() - to.buffer().rank() + axis
                    : Math.toIntExact(axes.get(axis));
        }
    }

    /// A queue of buffers between a filling and a reading side.
    ///
    /// Where it {@code signals}, the machine's copy engine fills its slots, each by one copy of a box of a parameter of the kernel,
    /// which is described once for each launch; and every slot says by itself how far it is, so that no barrier stands between
    /// those who fill it and those who read it: acquiring waits until all threads of the block have released what was there
    /// before, consuming until the copy is complete. What the parameter lacks is 0. Its elements lie row by row, the address and
    /// all distances between rows are multiples of 16 bytes, and the neighbours of a row are neighbours in the slot.
    record Ring(long depth, boolean signals, @Out Value result) implements TileOp {
        public Ring {
            Rules.check(
                    result.type() instanceof Type.Ring ring && ring.depth() == depth,
                    "tile.ring gives a ring of its depth, found " + result);
        }

        public Ring(long depth, Value result) {
            this(depth, false, result);
        }
    }

    /// The next slot to fill.
    record Acquire(Value ring, @Out Value result) implements TileOp {
        public Acquire {
            slot(ring, result, "tile.acquire");
        }
    }

    /// Hands the acquired slot to the reading side.
    record Publish(Value ring) implements TileOp {}

    /// The next slot to read; waits for it.
    record Consume(Value ring, @Out Value result) implements TileOp {
        public Consume {
            slot(ring, result, "tile.consume");
        }
    }

    /// Hands the consumed slot back to the filling side.
    record Release(Value ring) implements TileOp {}

    /// Waits until all of a scope have come here and their writes are seen.
    record Barrier(Bind scope) implements TileOp {}

    /// The scalar that another thread has: the one whose number in the innermost loop over threads differs in the bit of
    /// {@code distance}, a power of two. Every thread whose number differs in lower bits takes part, and so does its
    /// partner; those that exchange belong to one warp. Combining what a thread has with what it gets at distances 1, 2, 4
    /// .. gives all of them the same number, in an order that no machine changes. Memory is not put in order.
    record Exchange(Value value, long distance, @Out Value result) implements TileOp {
        public Exchange {
            Rules.check(value.type() instanceof Type.Scalar, "tile.exchange gives a scalar, found " + value);
            Rules.sameType(value, result, "tile.exchange");
            Rules.check(
                    Long.bitCount(distance) == 1 && distance > 0,
                    "tile.exchange has a power of two as distance, found " + distance);
        }
    }

    /// What this lane of a warp holds of a fragment in one of its registers.
    record Part(Value fragment, long register, @Out Value result) implements TileOp, Op.Pure {
        public Part {
            Rules.sameElement(fragment, result, "tile.part");
            Rules.check(
                    fragment.type() instanceof Type.Fragment && result.type() instanceof Type.Scalar && register >= 0,
                    "tile.part takes a scalar of a fragment, found " + fragment + " and " + result);
        }
    }

    /// A fragment of what the lanes of a warp hold: in each of them part {@code i} is register {@code i}.
    record Assemble(List<Value> parts, @Out Value result) implements TileOp {
        public Assemble {
            parts = List.copyOf(parts);
            Rules.check(
                    result.type() instanceof Type.Fragment fragment
                            && parts.stream().allMatch(part -> part.type().equals(Type.scalar(fragment.element()))),
                    "tile.assemble makes a fragment of scalars of its element type, found " + result);
        }
    }

    /// The scalar in every lane, or every element of a fragment.
    record Broadcast(Value value, @Out Value result) implements TileOp, Op.Pure {
        public Broadcast {
            Rules.sameElement(value, result, "tile.broadcast");
        }
    }

    /// The lane's index in every lane: 0, 1, 2 and so on.
    record Lanes(@Out Value result) implements TileOp, Op.Pure {
        public Lanes {
            Rules.check(result.type() instanceof Type.Vector, "tile.lanes gives a vector, found " + result);
            Rules.isInteger(result, "tile.lanes");
        }
    }

    /// One lane of a vector or mask.
    record Extract(Value vector, long lane, @Out Value result) implements TileOp, Op.Pure {
        public Extract {
            Rules.sameElement(vector, result, "tile.extract");
            Rules.check(
                    lane >= 0 && lane < vector.type().laneCount(), "tile.extract: " + vector + " has no lane " + lane);
        }
    }

    /// Lane {@code i} of the result is lane {@code from[i]} of the vectors laid end to end.
    record Shuffle(List<Value> vectors, List<Long> from, @Out Value result) implements TileOp, Op.Pure {
        public Shuffle {
            vectors = List.copyOf(vectors);
            from = List.copyOf(from);
            Rules.check(from.size() == result.type().laneCount(), "tile.shuffle gives one lane for each entry of from");
        }
    }

    /// Combines all lanes into a scalar, halves pairwise: lane {@code i} with lane {@code i + n / 2}, and so on.
    record Reduce(Value vector, Combine combine, @Out Value result) implements TileOp, Op.Pure {
        public Reduce {
            Rules.sameElement(vector, result, "tile.reduce");
        }
    }

    /// Lane {@code i} is on where {@code lower + i < upper}.
    record Mask(Value lower, Value upper, @Out Value result) implements TileOp, Op.Pure {
        public Mask {
            Rules.isIndex(lower, "tile.mask");
            Rules.isIndex(upper, "tile.mask");
            Rules.check(result.type() instanceof Type.Mask, "tile.mask gives a mask, found " + result);
        }
    }

    /// Combines an element in memory with a value in one step; gives what was there.
    record Atomic(Value value, Value buffer, List<Value> indices, Combine combine, @Out Value result)
            implements TileOp {
        public Atomic {
            indices = List.copyOf(indices);
            access(buffer, indices, Optional.empty(), value, "tile.atomic");
            Rules.sameType(value, result, "tile.atomic");
        }
    }

    /// Arithmetic where vectors live in memory: element {@code i} of {@code to}, for every {@code i} below {@code
    /// count}, becomes what the body yields for element {@code i} of each buffer in {@code from}; a scalar in it is the
    /// same for all. The body is one operation on scalars, or none (a copy, or a scalar everywhere). {@code to} may be one
    /// of {@code from}. Booleans in near memory are whatever the machine compares into.
    record Map(Value to, List<Value> from, long count, Body body) implements TileOp {
        public Map {
            from = List.copyOf(from);
            Rules.check(to.buffer().rank() == 1, "tile.map fills a buffer of one axis, found " + to);
            Rules.check(body.params().size() == from.size(), "tile.map: the body takes an element of each operand");
            for (int i = 0; i < from.size(); i++) {
                Rules.sameElement(from.get(i), body.params().get(i), "tile.map");
            }
            Rules.check(
                    body.ops().size() <= 2
                            && body.ops().stream().allMatch(op -> op instanceof ArithOp || op instanceof Yield),
                    "tile.map: the body is one operation of arith at most, and a yield");
        }
    }

    /// Fills the first {@code count} elements of a near buffer: element {@code i} from the element {@code i} places
    /// after the indices (in the buffer's layout) where {@code first <= i < limit}, else with {@code other}, or 0.
    /// What lies outside of these bounds is not accessed. Truth values arrive as bytes.
    record Fetch(
            Value from,
            List<Value> indices,
            Optional<Value> first,
            Optional<Value> limit,
            Optional<Value> other,
            Value to,
            long count)
            implements TileOp {
        public Fetch {
            indices = List.copyOf(indices);
            Rules.check(indices.size() == from.buffer().rank(), "tile.fetch needs one index for each axis of " + from);
            bytesOf(from, to, "tile.fetch");
        }
    }

    /// The counterpart of {@link Fetch}: stores element {@code i} of a near buffer where {@code first <= i < limit};
    /// nothing else is touched.
    record Put(Value from, Value to, List<Value> indices, Optional<Value> first, Optional<Value> limit, long count)
            implements TileOp {
        public Put {
            indices = List.copyOf(indices);
            Rules.check(indices.size() == to.buffer().rank(), "tile.put needs one index for each axis of " + to);
            bytesOf(to, from, "tile.put");
        }
    }

    /// Copies pieces that lie apart: piece {@code i}, where {@code first <= i < limit}, are the {@code width} elements that begin
    /// {@code i * step} places after the indices. It goes to a near buffer from element {@code i * spread} on. What else is in
    /// the buffer's first {@code count * spread} elements is undefined, where a piece is outside of the bounds {@code other}, or 0.
    record Rows(
            Value from,
            List<Value> indices,
            Value step,
            Value width,
            Optional<Value> first,
            Optional<Value> limit,
            Optional<Value> other,
            Value to,
            long count,
            long spread)
            implements TileOp {
        public Rows {
            indices = List.copyOf(indices);
            Rules.check(indices.size() == from.buffer().rank(), "tile.rows needs one index for each axis of " + from);
            Rules.isIndex(step, "tile.rows");
            Rules.isIndex(width, "tile.rows");
            Rules.check(spread > 0, "tile.rows: pieces begin at least an element apart, found " + spread);
            bytesOf(from, to, "tile.rows");
        }
    }

    /// Element {@code i} of a near buffer, for every {@code i} below {@code count}, becomes the element of another one that lies
    /// as many bytes after its first as {@code places} says there, a near buffer of {@code u32}. An element of 64 bits moves in two
    /// halves, each with a place of its own: there {@code places} has two for each element.
    record Take(Value from, Value places, Value to, long count) implements TileOp {
        public Take {
            Rules.check(
                    places.type() instanceof Type.Buffer buffer && buffer.element() == ElementType.U32 && buffer.rank() == 1,
                    "tile.take: the places are a buffer of u32 of one axis, found " + places);
            Rules.sameElement(from, to, "tile.take");
            Rules.check(from.type().elementType().bits() >= 8, "tile.take: elements are whole bytes, found " + from);
        }
    }

    /// The parts of a core that run on their own, each through its operations in order.
    enum Unit {
        SCALAR,
        VECTOR,
        MATRIX,
        /// Copies from global to near memory.
        COPY_IN,
        /// Copies from near to global memory.
        COPY_OUT
    }

    /// What one unit does from here on comes after what another, or itself, has done before. Where vectors live in
    /// memory these stand wherever a dependence needs them.
    record Order(Unit before, Unit after) implements TileOp {}

    /// Asks for the cache line of an element; no effect but on time.
    record Prefetch(Value buffer, List<Value> indices) implements TileOp {
        public Prefetch {
            indices = List.copyOf(indices);
            Rules.check(
                    indices.size() == buffer.buffer().rank(), "tile.prefetch needs one index for each axis of " + buffer);
        }
    }

    /// Runs an intrinsic of the machine.
    record Call(List<Value> arguments, String intrinsic, @Out List<Value> results) implements TileOp {
        public Call {
            arguments = List.copyOf(arguments);
            results = List.copyOf(results);
        }
    }

    /// Waits for products that read shared memory by themselves: all that this warp has begun, but the last {@code later} calls,
    /// are complete. Until then what they read stays as it is, and their sums are used by nothing but the next product. The
    /// results are the values once they are complete, which is known where {@code later} is 0. In a kernel without this
    /// operation a product is complete before anything else is done.
    record Await(List<Value> values, long later, @Out List<Value> results) implements TileOp {
        public Await {
            values = List.copyOf(values);
            results = List.copyOf(results);
            Rules.check(values.size() == results.size(), "tile.await gives one result for each value");
            for (int i = 0; i < values.size(); i++) {
                Rules.sameType(values.get(i), results.get(i), "tile.await");
            }
            Rules.check(
                    later == 0 || later > 0 && values.isEmpty(),
                    "tile.await: values are complete when nothing is left, found later = " + later);
        }
    }

    /// The value of an expression over the kernel's symbols and {@code $0}, {@code $1} .. for the operands: an index, or
    /// lane by lane a vector of them.
    @Mnemonic("dim")
    record Expression(List<Value> operands, Dim expression, @Out Value result)
            implements TileOp, Op.Pure {
        public Expression {
            operands = List.copyOf(operands);
            Rules.check(
                    result.type().elementType() == ElementType.INDEX,
                    "tile.dim gives an index, found " + result);
        }
    }

    /// Promises that the condition holds.
    record Assume(Value condition) implements TileOp {
        public Assume {
            Rules.isBoolean(condition, "tile.assume");
        }
    }

    /// Where the condition (or any lane of it) holds, the run fails with the code; the first failure of a run wins.
    record Fail(Value condition, long code) implements TileOp {
        public Fail {
            Rules.isBoolean(condition, "tile.fail");
        }
    }

    private static void access(
            Value buffer, List<Value> indices, Optional<Value> mask, Value value, String what) {
        Rules.check(indices.size() == buffer.buffer().rank(), what + " needs one index for each axis of " + buffer);
        Rules.sameElement(buffer, value, what);
        mask.ifPresent(lanes -> Rules.check(
                lanes.type().laneCount() == value.type().laneCount(), what + ": " + lanes + " does not fit " + value));
    }

    private static void bytesOf(Value far, Value near, String what) {
        Rules.check(near.buffer().rank() == 1, what + " needs a near buffer of one axis, found " + near);
        boolean bytes = far.type().elementType() == ElementType.BOOL && near.type().elementType() == ElementType.U8;
        if (!bytes) {
            Rules.sameElement(far, near, what);
        }
    }

    private static void slot(Value ring, Value result, String what) {
        Rules.check(
                ring.type() instanceof Type.Ring type && type.slot().equals(result.type()),
                what + " gives a slot of its ring, found " + ring + " and " + result);
    }
}
