package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Body;
import org.portolan.ir.Combine;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.TileOp.Bind;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.c.LocalMemory.RingPlace;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The operations of a kernel's body.
final class TileWriter {
    private final Builder builder;
    private final Code code;
    private final DimWriter dims;
    private final Parts parts;
    private final Arithmetic arithmetic;
    private final Addressing addressing;
    private final Memory memory;
    private final LocalMemory local;
    private final Lanes lanes;
    private final Atomics atomics;
    private final ThreadLoops threads;
    private final Map<String, String> intrinsics;
    private List<Term> points;
    private final Map<Value, List<Term>> terms = new IdentityHashMap<>();
    private final Map<Value, Place> places = new IdentityHashMap<>();
    private final Map<Value, RingPlace> rings = new IdentityHashMap<>();
    /// Whether this thread has not failed; there where others wait for it at a barrier, so that it cannot just end.
    private Optional<Term> alive = Optional.empty();
    private final boolean waits;
    private boolean isInside;
    /// Present where vectors live in memory.
    private Optional<NearWriter> near = Optional.empty();
    private int gridLoops;
    private int failures;

    /// @param points the index of this thread, or block, along each axis of the grid
    /// @param waits whether the kernel has barriers
    TileWriter(
            Builder builder,
            DimWriter dims,
            ThreadLoops threads,
            Code beginning,
            Map<String, String> intrinsics,
            List<Term> points,
            boolean waits) {
        this.builder = builder;
        this.code = builder.code;
        this.dims = dims;
        this.threads = threads;
        this.intrinsics = intrinsics;
        this.points = points;
        this.waits = waits;
        parts = new Parts(builder);
        arithmetic = new Arithmetic(builder);
        addressing = new Addressing(builder, dims);
        memory = new Memory(builder);
        local = new LocalMemory(builder, dims, addressing, memory, beginning, threads.block());
        lanes = new Lanes(builder, parts, arithmetic);
        atomics = new Atomics(builder);
    }

    long sharedBytes() {
        return local.sharedBytes();
    }

    void setNear(NearWriter writer) {
        near = Optional.of(writer);
    }

    void bind(Value parameter, Place place) {
        places.put(parameter, place);
    }

    /// Writes a body's operations and gives what it yields.
    List<List<Term>> emit(Body body) {
        List<List<Term>> yielded = List.of();
        for (var op : body.ops()) {
            if (op instanceof TileOp.Yield(List<Value> values)) {
                yielded = values.stream().map(this::parts).toList();
            } else {
                emit(op);
            }
        }
        return yielded;
    }

    private void emit(Op op) {
        switch (op) {
            case ArithOp arith -> arith(arith);
            case TileOp tile -> emit(tile);
            case GraphOp _, NestOp _, PlanOp _, MachineOp _ ->
                throw new EmitException("a kernel holds operations of the dialects tile and arith, found " + op);
        }
    }

    private void arith(ArithOp op) {
        var operands = OpSchema.operands(op).stream().map(this::parts).toList();
        bind(op.result(), (first, width) -> arithmetic.emit(
                op, width, operands.stream().map(operand -> Parts.at(operand, first)).toList()));
    }

    private void emit(TileOp op) {
        if (near.isPresent() && near.get().emit(op)) {
            return;
        }
        switch (op) {
            case TileOp.Kernel kernel ->
                throw new EmitException("the kernel " + kernel.name() + " stands inside another kernel");
            case TileOp.For loop -> loop(loop);
            case TileOp.While loop -> repeat(loop);
            case TileOp.If choice -> choose(choice);
            case TileOp.Yield _ -> throw new EmitException("a yield stands at the end of a body");
            case TileOp.Alloc(Value result) -> places.put(result, local.allocate(result));
            case TileOp.View(Value buffer, List<Value> offsets, Value result) -> places.put(
                    result, addressing.view(place(buffer), scalars(offsets), result.buffer(), result.hint()));
            case TileOp.Load(
                    Value buffer, List<Value> indices, Optional<Value> mask, Optional<Value> other, Value result) ->
                load(buffer, indices, mask, other, result);
            case TileOp.Store(Value value, Value buffer, List<Value> indices, Optional<Value> mask) ->
                store(value, buffer, indices, mask);
            case TileOp.Copy copy ->
                local.copy(place(copy.from()), place(copy.to()), scalars(copy.offsets()), copy, alive);
            case TileOp.Ring(_, Value result) -> rings.put(result, local.ring(result));
            case TileOp.Acquire(Value ring, Value result) ->
                places.put(result, local.acquire(ring(ring), result.hint()));
            case TileOp.Publish(Value ring) -> local.publish(ring(ring));
            case TileOp.Consume(Value ring, Value result) ->
                places.put(result, local.consume(ring(ring), result.hint()));
            case TileOp.Release(Value ring) -> local.release(ring(ring));
            case TileOp.Barrier(Bind scope) -> barrier(scope);
            case TileOp.Exchange(Value value, long distance, Value result) ->
                bindAll(result, List.of(Exchanges.exchange(builder, scalar(value), distance)));
            case TileOp.Broadcast(Value value, Value result) -> {
                var scalar = scalar(value);
                bind(result, (_, width) -> builder.splat(scalar, width));
            }
            case TileOp.Lanes(Value result) -> {
                var base = CType.of(result.type().elementType()).base();
                bind(result, (first, width) -> builder.ascending(new CType(base, width), first));
            }
            case TileOp.Extract(Value vector, long lane, Value result) ->
                bind(result, (_, _) -> parts.lane(parts(vector), lane));
            case TileOp.Shuffle(List<Value> vectors, List<Long> from, Value result) -> bindAll(
                    result,
                    lanes.shuffle(
                            vectors.stream().map(this::parts).toList(),
                            from,
                            CType.of(result.type().elementType()).base()));
            case TileOp.Reduce(Value vector, Combine combine, Value result) -> bindAll(
                    result, List.of(lanes.reduce(parts(vector), combine, result.type().elementType())));
            case TileOp.Mask(Value lower, Value upper, Value result) -> bindAll(
                    result, lanes.mask(scalar(lower), scalar(upper), result.type().laneCount()));
            case TileOp.Atomic(Value value, Value buffer, List<Value> indices, Combine combine, Value result) ->
                atomic(value, buffer, indices, combine, result);
            case TileOp.Map map -> map(map);
            case TileOp.Fetch fetch -> fetch(fetch);
            case TileOp.Put put -> put(put);
            case TileOp.Rows _, TileOp.Take _ ->
                throw new EmitException(OpSchema.of(op).name() + " is for machines whose vectors live in memory");
            // Without units that run on their own everything happens in the order in which it stands.
            case TileOp.Order _ -> {}
            case TileOp.Prefetch(Value buffer, List<Value> indices) -> {
                var place = place(buffer);
                var statement = builder.words.prefetch(
                        Addressing.at(place.pointer(), addressing.element(place, scalars(indices))));
                if (!statement.isEmpty()) {
                    code.line(statement);
                }
            }
            case TileOp.Call(List<Value> arguments, String name, List<Value> results) -> call(arguments, name, results);
            case TileOp.Expression(List<Value> operands, Dim expression, Value result) ->
                bind(result, (first, width) -> builder.splat(
                        dims.write(
                                expression,
                                operands.stream()
                                        .map(operand -> Parts.at(parts(operand), first))
                                        .toList()),
                        width));
            case TileOp.Assume _ -> {}
            case TileOp.Fail(Value condition, long failure) -> fail(lanes.any(parts(condition)), failure);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- memory

    private void load(
            Value buffer, List<Value> indices, Optional<Value> mask, Optional<Value> other, Value result) {
        var place = place(buffer);
        requireLanes(result);
        bind(result, (first, width) -> memory.load(
                place,
                element(place, indices, first),
                width,
                guarded(mask, first, width),
                other.map(value -> Parts.at(parts(value), first))));
    }

    private void store(Value value, Value buffer, List<Value> indices, Optional<Value> mask) {
        var place = place(buffer);
        requireLanes(value);
        parts.each(value.type().laneCount(), (first, width) -> {
            var own = Parts.at(parts(value), first);
            memory.store(
                    place, element(place, indices, first), builder.splat(own, width), guarded(mask, first, width));
            return own;
        });
    }

    private static void requireLanes(Value value) {
        if (value.type() instanceof Type.Fragment) {
            throw new EmitException("this language has no fragments, found " + value);
        }
    }

    /// The number of a part's first element, or those of its lanes.
    private Term element(Place place, List<Value> indices, int first) {
        boolean vector = indices.stream().anyMatch(index -> index.type().laneCount() > 1);
        var own = indices.stream().map(index -> Parts.at(parts(index), first)).toList();
        var element = addressing.element(place, own);
        return vector ? element : builder.add(element, Term.index(first));
    }

    /// The mask of a part; after a failure nothing is accessed.
    private Optional<Term> guarded(Optional<Value> mask, int first, int width) {
        var own = mask.map(value -> Parts.at(parts(value), first));
        if (alive.isEmpty()) {
            return own;
        }
        if (own.isEmpty()) {
            return alive;
        }
        var on = own.get();
        return Optional.of(on.type().isVector()
                ? builder.choose(alive.get(), on, builder.truth(on.type(), false))
                : builder.and(alive.get(), on));
    }

    private void atomic(Value value, Value buffer, List<Value> indices, Combine combine, Value result) {
        var place = place(buffer);
        var kind = result.type().elementType();
        var before = new ArrayList<Term>();
        for (int lane = 0; lane < value.type().laneCount(); lane++) {
            int number = lane;
            boolean vector = indices.stream().anyMatch(index -> index.type().laneCount() > 1);
            var own = indices.stream()
                    .map(index -> vector && index.type().laneCount() > 1
                            ? parts.lane(parts(index), number)
                            : scalar(index))
                    .toList();
            var element = addressing.element(place, own);
            var at = vector ? element : builder.add(element, Term.index(lane));
            var type = CType.of(kind);
            var old = builder.variable("before", builder.zero(type));
            alive.ifPresent(term -> code.open("if (" + term + ")"));
            builder.assign(old, atomics.element(
                    place, at, parts.lane(parts(value), lane), combine, kind, (own1, left, right) ->
                            arithmetic.combine(own1, combine, left, right, kind)));
            alive.ifPresent(_ -> code.close());
            before.add(old);
        }
        bind(result, (first, width) -> builder.build(
                CType.of(kind).withLanes(width), before.subList(first, first + width)));
    }

    // --------------------------------------------------------------------------------------------------- control flow

    private void loop(TileOp.For loop) {
        var lower = scalar(loop.lower());
        var upper = scalar(loop.upper());
        var step = scalar(loop.step());
        switch (loop.bind()) {
            case GRID -> grid(loop, lower, step);
            case UNROLL -> unroll(loop, lower, upper, step);
            case SERIAL -> serial(loop, lower, upper, step);
            case BLOCK, WARP, LANE -> parallel(loop, lower, step);
        }
    }

    private void grid(TileOp.For loop, Term lower, Term step) {
        if (!loop.initial().isEmpty()) {
            throw new EmitException("a loop over the grid carries nothing: its rounds run in any order");
        }
        boolean outermost = near.isPresent() && gridLoops == 0;
        if (outermost) {
            points = near.get().openGrid();
        }
        if (gridLoops == points.size()) {
            throw new EmitException("the kernel has more nested grid loops than extents of its grid, " + points.size());
        }
        var index = builder.add(lower, builder.multiply(points.get(gridLoops++), step));
        body(loop, builder.let(hint(loop), index), List.of());
        gridLoops--;
        if (outermost) {
            code.close();
        }
    }

    /// Each round is a thread, or several for the loops inside.
    private void parallel(TileOp.For loop, Term lower, Term step) {
        if (!loop.initial().isEmpty()) {
            throw new EmitException("a loop over threads carries nothing from one to the next");
        }
        long trips = threads.trips(loop);
        long stride = threads.stride(loop);
        var thread = Term.of(CType.INDEX, "thread").asNonNegative();
        Term round = stride == 1 ? thread : builder.binary("/", thread, Term.index(stride)).asNonNegative();
        boolean all = trips * stride == threads.block();
        if (trips * stride < threads.block() && threads.block() % (trips * stride) == 0 && isInside) {
            round = builder.binary("%", round, Term.index(trips)).asNonNegative();
            all = true;
        }
        boolean outer = isInside;
        isInside = true;
        code.open(all ? "" : "if (thread < " + trips * stride + ")");
        body(loop, builder.let(hint(loop), builder.add(lower, builder.multiply(round, step))), List.of());
        code.close();
        isInside = outer;
    }

    private static String hint(TileOp.For loop) {
        var hint = loop.body().params().getFirst().hint();
        return hint.isEmpty() ? "i" : hint;
    }

    private void serial(TileOp.For loop, Term lower, Term upper, Term step) {
        var carried = variables(loop.initial(), loop.body().params().subList(1, loop.body().params().size()));
        var index = new Term(
                CType.INDEX,
                code.fresh(hint(loop)),
                OptionalLong.empty(),
                lower.isNonNegative() && step.isNonNegative());
        code.open("for (" + builder.words.type(CType.INDEX) + " " + index + " = " + lower.bare() + "; " + index + " < "
                + upper + "; " + index + (step.isLiteral(1) ? "++" : " += " + step.bare()) + ")");
        assign(carried, body(loop, index, carried));
        code.close();
        bindAll(loop.results(), carried);
    }

    private void unroll(TileOp.For loop, Term lower, Term upper, Term step) {
        if (lower.literal().isEmpty() || upper.literal().isEmpty() || step.literal().isEmpty()) {
            throw new EmitException("an unrolled loop runs between numbers, found " + lower + " to " + upper
                    + " in steps of " + step);
        }
        var carried = loop.initial().stream().map(this::parts).toList();
        for (long index = lower.literal().getAsLong();
                index < upper.literal().getAsLong();
                index += step.literal().getAsLong()) {
            carried = body(loop, Term.index(index), carried);
        }
        bindAll(loop.results(), carried);
    }

    private List<List<Term>> body(TileOp.For loop, Term index, List<List<Term>> carried) {
        var params = loop.body().params();
        terms.put(params.getFirst(), List.of(index));
        bindAll(params.subList(1, params.size()), carried);
        return emit(loop.body());
    }

    private void repeat(TileOp.While loop) {
        var carried = variables(loop.initial(), loop.body().params());
        code.open("for (;;)");
        bindAll(loop.condition().params(), carried);
        var goesOn = emit(loop.condition()).getFirst().getFirst();
        code.line("if (" + builder.not(goesOn).bare() + ") break;");
        bindAll(loop.body().params(), carried);
        assign(carried, emit(loop.body()));
        code.close();
        bindAll(loop.results(), carried);
    }

    private void choose(TileOp.If choice) {
        var results = new ArrayList<List<Term>>();
        for (var result : choice.results()) {
            var base = CType.of(result.type().elementType()).base();
            results.add(parts.each(result.type().laneCount(), (_, width) ->
                    builder.declare(result.hint().isEmpty() ? "chosen" : result.hint(), new CType(base, width))));
        }
        code.open("if (" + scalar(choice.condition()).bare() + ")");
        assign(results, emit(choice.yes()));
        if (!choice.no().ops().isEmpty()) {
            code.otherwise();
            assign(results, emit(choice.no()));
        }
        code.close();
        bindAll(choice.results(), results);
    }

    /// A variable for each carried value.
    private List<List<Term>> variables(List<Value> initial, List<Value> names) {
        var variables = new ArrayList<List<Term>>();
        for (int i = 0; i < initial.size(); i++) {
            var hint = names.get(i).hint().isEmpty() ? "carried" : names.get(i).hint();
            variables.add(parts(initial.get(i)).stream()
                    .map(part -> builder.variable(hint, part))
                    .toList());
        }
        return variables;
    }

    /// Gives all variables their next values at once: a value that another assignment would overwrite is kept first.
    private void assign(List<List<Term>> variables, List<List<Term>> next) {
        var names = new HashSet<String>();
        variables.forEach(variable -> variable.forEach(part -> names.add(part.text())));
        var held = new ArrayList<List<Term>>();
        for (int i = 0; i < variables.size(); i++) {
            var own = new ArrayList<Term>();
            for (int part = 0; part < variables.get(i).size(); part++) {
                var value = next.get(i).get(part);
                boolean stays = value.text().equals(variables.get(i).get(part).text());
                if (!stays && names.contains(value.text().split("\\.", 2)[0])) {
                    var copy = code.fresh("held");
                    code.line("const " + builder.type(value.type()) + " " + copy + " = " + value + ";");
                    value = Term.of(value.type(), copy);
                }
                own.add(value);
            }
            held.add(own);
        }
        for (int i = 0; i < variables.size(); i++) {
            for (int part = 0; part < variables.get(i).size(); part++) {
                builder.assign(variables.get(i).get(part), held.get(i).get(part));
            }
        }
    }

    private void barrier(Bind scope) {
        if (threads.block() > 0 && (scope == Bind.BLOCK || scope == Bind.WARP)) {
            code.line(builder.words.barrier());
        }
    }

    /// The first failure of a run is kept; this thread then ends, or accesses nothing any more where others wait for it.
    private void fail(Term condition, long failure) {
        failures++;
        var head = alive.map(term -> builder.and(term, condition)).orElse(condition);
        code.open("if (" + head.bare() + ")");
        code.line(builder.words.recordError(failure, failures));
        if (waits) {
            code.line("alive = false;");
        } else if (near.isPresent()) {
            near.get().afterFailure();
        } else {
            code.line("return;");
        }
        code.close();
        if (waits) {
            alive = Optional.of(Term.of(CType.TRUTH, "alive"));
        }
    }

    private void call(List<Value> arguments, String name, List<Value> results) {
        var spelling = intrinsics.get(name);
        if (spelling == null || results.size() != 1) {
            throw new EmitException(spelling == null
                    ? "the machine has no intrinsic " + name + "; it has " + intrinsics.keySet()
                    : "an intrinsic that is a function has one result, and " + name + " has " + results.size());
        }
        var result = results.getFirst();
        requireLanes(result);
        var type = CType.of(result.type().elementType()).withLanes(Math.toIntExact(result.type().laneCount()));
        if (parts.of(type.lanes()).size() != 1) {
            throw new EmitException("this language has no vector for the result of " + name + ", " + result);
        }
        var texts = arguments.stream().map(argument -> scalar(argument).bare()).toList();
        bindAll(result, List.of(Term.of(type, builder.words.call(spelling, texts))));
    }

    // ------------------------------------------------------------------------------------------------ vectors in memory

    private Term count(long count) {
        var index = new Term(CType.INDEX, code.fresh("i"), OptionalLong.empty(), true);
        code.open("for (" + builder.words.type(CType.INDEX) + " " + index + " = 0; " + index + " < " + count + "; " + index
                + "++)");
        return index;
    }

    private void map(TileOp.Map map) {
        var index = count(map.count());
        for (int i = 0; i < map.from().size(); i++) {
            var from = map.from().get(i);
            var element = from.type() instanceof Type.Buffer
                    ? builder.let("element", memory.load(
                            place(from), addressing.element(place(from), List.of(index)), 1, alive, Optional.empty()))
                    : scalar(from);
            terms.put(map.body().params().get(i), List.of(element));
        }
        var value = emit(map.body()).getFirst().getFirst();
        memory.store(place(map.to()), addressing.element(place(map.to()), List.of(index)), value, alive);
        code.close();
    }

    private void fetch(TileOp.Fetch fetch) {
        var index = count(fetch.count());
        var at = builder.add(element(place(fetch.from()), fetch.indices(), 0), index);
        var value = memory.load(
                place(fetch.from()), at, 1, inside(index, fetch.first(), fetch.limit()), fetch.other().map(this::scalar));
        boolean bytes = value.type().base() == CType.Base.TRUTH && fetch.to().type().elementType() == ElementType.U8;
        var held = builder.let("element", bytes ? builder.convert(value, CType.Base.U8) : value);
        memory.store(place(fetch.to()), addressing.element(place(fetch.to()), List.of(index)), held, alive);
        code.close();
    }

    private void put(TileOp.Put put) {
        var index = count(put.count());
        var value = builder.let("element", memory.load(
                place(put.from()), addressing.element(place(put.from()), List.of(index)), 1, alive, Optional.empty()));
        boolean bytes = put.to().type().elementType() == ElementType.BOOL && value.type().base() == CType.Base.U8;
        var held = bytes ? builder.compare("!=", value, builder.integer(value.type(), 0)) : value;
        var at = builder.add(element(place(put.to()), put.indices(), 0), index);
        memory.store(place(put.to()), at, held, inside(index, put.first(), put.limit()));
        code.close();
    }

    private Optional<Term> inside(Term index, Optional<Value> first, Optional<Value> limit) {
        var bounds = new ArrayList<Term>();
        alive.ifPresent(bounds::add);
        first.ifPresent(value -> bounds.add(builder.compare(">=", index, scalar(value))));
        limit.ifPresent(value -> bounds.add(builder.compare("<", index, scalar(value))));
        return bounds.stream().reduce(builder::and);
    }

    // ---------------------------------------------------------------------------------------------------------- values

    private interface Part {
        Term of(int first, int width);
    }

    /// Computes a value part by part into variables.
    private void bind(Value value, Part part) {
        var hint = value.hint().isEmpty() ? "v" : value.hint();
        terms.put(value, parts.each(
                value.type().laneCount(), (first, width) -> builder.let(hint, part.of(first, width))));
    }

    private void bindAll(Value value, List<Term> all) {
        var hint = value.hint().isEmpty() ? "v" : value.hint();
        terms.put(value, all.stream().map(part -> builder.let(hint, part)).toList());
    }

    private void bindAll(List<Value> values, List<List<Term>> all) {
        for (int i = 0; i < values.size(); i++) {
            terms.put(values.get(i), all.get(i));
        }
    }

    private List<Term> parts(Value value) {
        return known(terms.get(value), value);
    }

    /// The only part of a value.
    Term scalar(Value value) {
        var all = parts(value);
        if (all.size() != 1) {
            throw new EmitException(value + " has more lanes than this language's vectors");
        }
        return all.getFirst();
    }

    private List<Term> scalars(List<Value> values) {
        return values.stream().map(this::scalar).toList();
    }

    Place place(Value buffer) {
        return known(places.get(buffer), buffer);
    }

    private RingPlace ring(Value ring) {
        return known(rings.get(ring), ring);
    }

    private static <T> T known(T found, Value value) {
        if (found == null) {
            throw new EmitException(value + " is used before it is defined");
        }
        return found;
    }
}
