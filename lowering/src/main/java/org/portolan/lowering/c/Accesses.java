package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.portolan.ir.Combine;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// Reads and writes of memory, with masks, and with none after a failure.
final class Accesses {
    private final Builder builder;
    private final Code code;
    private final Values values;
    private final Parts parts;
    private final Arithmetic arithmetic;
    private final Addressing addressing;
    private final Memory memory;
    private final Atomics atomics;
    private final Failures failures;

    Accesses(
            Builder builder,
            Values values,
            Parts parts,
            Arithmetic arithmetic,
            Addressing addressing,
            Memory memory,
            Failures failures) {
        this.builder = builder;
        this.code = builder.code;
        this.values = values;
        this.parts = parts;
        this.arithmetic = arithmetic;
        this.addressing = addressing;
        this.memory = memory;
        this.failures = failures;
        atomics = new Atomics(builder);
    }

    void load(
            Value buffer, List<Value> indices, Optional<Value> mask, Optional<Value> other, Value result) {
        var place = values.place(buffer);
        Values.requireLanes(result);
        values.bind(result, (first, width) -> memory.load(
                place,
                element(place, indices, first),
                width,
                guarded(mask, first, width),
                other.map(value -> Parts.at(values.parts(value), first))));
    }

    void store(Value value, Value buffer, List<Value> indices, Optional<Value> mask) {
        var place = values.place(buffer);
        Values.requireLanes(value);
        parts.each(value.type().laneCount(), (first, width) -> {
            var own = Parts.at(values.parts(value), first);
            memory.store(
                    place, element(place, indices, first), builder.splat(own, width), guarded(mask, first, width));
            return own;
        });
    }

    /// The number of a part's first element, or those of its lanes.
    private Term element(Place place, List<Value> indices, int first) {
        boolean vector = indices.stream().anyMatch(index -> index.type().laneCount() > 1);
        var own = indices.stream().map(index -> Parts.at(values.parts(index), first)).toList();
        var element = addressing.element(place, own);
        return vector ? element : builder.add(element, Term.index(first));
    }

    /// The mask of a part; after a failure nothing is accessed.
    private Optional<Term> guarded(Optional<Value> mask, int first, int width) {
        var own = mask.map(value -> Parts.at(values.parts(value), first));
        if (failures.alive().isEmpty()) {
            return own;
        }
        if (own.isEmpty()) {
            return failures.alive();
        }
        var on = own.get();
        return Optional.of(on.type().isVector()
                ? builder.choose(failures.alive().get(), on, builder.truth(on.type(), false))
                : builder.and(failures.alive().get(), on));
    }

    void atomic(Value value, Value buffer, List<Value> indices, Combine combine, Value result) {
        var place = values.place(buffer);
        var kind = result.type().elementType();
        var before = new ArrayList<Term>();
        for (int lane = 0; lane < value.type().laneCount(); lane++) {
            int number = lane;
            boolean vector = indices.stream().anyMatch(index -> index.type().laneCount() > 1);
            var own = indices.stream()
                    .map(index -> vector && index.type().laneCount() > 1
                            ? parts.lane(values.parts(index), number)
                            : values.scalar(index))
                    .toList();
            var element = addressing.element(place, own);
            var at = vector ? element : builder.add(element, Term.index(lane));
            var type = CType.of(kind);
            var old = builder.variable("before", builder.zero(type));
            failures.alive().ifPresent(term -> code.open("if (" + term + ")"));
            builder.assign(old, atomics.element(
                    place, at, parts.lane(values.parts(value), lane), combine, kind, (own1, left, right) ->
                            arithmetic.combine(own1, combine, left, right, kind)));
            failures.alive().ifPresent(_ -> code.close());
            before.add(old);
        }
        values.bind(result, (first, width) -> builder.build(
                CType.of(kind).withLanes(width), before.subList(first, first + width)));
    }

    private Term count(long count) {
        var index = new Term(CType.INDEX, code.fresh("i"), OptionalLong.empty(), true);
        code.open("for (" + builder.words.type(CType.INDEX) + " " + index + " = 0; " + index + " < " + count + "; " + index
                + "++)");
        return index;
    }

    private Term loadElement(Value buffer, Term index) {
        var place = values.place(buffer);
        var element = addressing.element(place, List.of(index));
        return builder.let("element", memory.load(place, element, 1, failures.alive(), Optional.empty()));
    }

    private void storeElement(Value buffer, Term index, Term value) {
        var place = values.place(buffer);
        memory.store(place, addressing.element(place, List.of(index)), value, failures.alive());
    }

    void fetch(TileOp.Fetch fetch) {
        var index = count(fetch.count());
        var at = builder.add(element(values.place(fetch.from()), fetch.indices(), 0), index);
        var value = memory.load(
                values.place(fetch.from()),
                at,
                1,
                inside(index, fetch.first(), fetch.limit()),
                fetch.other().map(values::scalar));
        boolean bytes = value.type().base() == CType.Base.TRUTH && fetch.to().type().elementType() == ElementType.U8;
        var held = builder.let("element", bytes ? builder.convert(value, CType.Base.U8) : value);
        storeElement(fetch.to(), index, held);
        code.close();
    }

    void put(TileOp.Put put) {
        var index = count(put.count());
        var value = loadElement(put.from(), index);
        boolean bytes = put.to().type().elementType() == ElementType.BOOL && value.type().base() == CType.Base.U8;
        var held = bytes ? builder.compare("!=", value, builder.integer(value.type(), 0)) : value;
        var at = builder.add(element(values.place(put.to()), put.indices(), 0), index);
        memory.store(values.place(put.to()), at, held, inside(index, put.first(), put.limit()));
        code.close();
    }

    private Optional<Term> inside(Term index, Optional<Value> first, Optional<Value> limit) {
        var bounds = new ArrayList<Term>();
        failures.alive().ifPresent(bounds::add);
        first.ifPresent(value -> bounds.add(builder.compare(">=", index, values.scalar(value))));
        limit.ifPresent(value -> bounds.add(builder.compare("<", index, values.scalar(value))));
        return bounds.stream().reduce(builder::and);
    }

    /// @param body writes the operations for one element
    void map(TileOp.Map map, Bodies body) {
        var index = count(map.count());
        for (int i = 0; i < map.from().size(); i++) {
            var from = map.from().get(i);
            var element = from.type() instanceof Type.Buffer ? loadElement(from, index) : values.scalar(from);
            values.set(map.body().params().get(i), List.of(element));
        }
        var value = body.emit(map.body()).getFirst().getFirst();
        storeElement(map.to(), index, value);
        code.close();
    }
}
