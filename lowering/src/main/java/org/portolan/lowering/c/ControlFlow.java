package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.portolan.ir.TileOp;
import org.portolan.ir.Value;

/// Loops and choices.
final class ControlFlow {
    private final Builder builder;
    private final Code code;
    private final Values values;
    private final Parts parts;
    private final ThreadLoops threads;
    private final Optional<NearWriter> near;
    private final Bodies bodies;
    private List<Term> points;
    private boolean isInside;
    private int gridLoops;

    /// @param near present where vectors live in memory
    /// @param points the index of this thread, or block, along each axis of the grid
    ControlFlow(
            Builder builder,
            Values values,
            Parts parts,
            ThreadLoops threads,
            Optional<NearWriter> near,
            List<Term> points,
            Bodies bodies) {
        this.builder = builder;
        this.code = builder.code;
        this.values = values;
        this.parts = parts;
        this.threads = threads;
        this.near = near;
        this.points = points;
        this.bodies = bodies;
    }

    void loop(TileOp.For loop) {
        var lower = values.scalar(loop.lower());
        var upper = values.scalar(loop.upper());
        var step = values.scalar(loop.step());
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
        values.bindAll(loop.results(), carried);
    }

    private void unroll(TileOp.For loop, Term lower, Term upper, Term step) {
        if (lower.literal().isEmpty() || upper.literal().isEmpty() || step.literal().isEmpty()) {
            throw new EmitException("an unrolled loop runs between numbers, found " + lower + " to " + upper
                    + " in steps of " + step);
        }
        var carried = loop.initial().stream().map(values::parts).toList();
        for (long index = lower.literal().getAsLong();
                index < upper.literal().getAsLong();
                index += step.literal().getAsLong()) {
            carried = body(loop, Term.index(index), carried);
        }
        values.bindAll(loop.results(), carried);
    }

    private List<List<Term>> body(TileOp.For loop, Term index, List<List<Term>> carried) {
        var params = loop.body().params();
        values.set(params.getFirst(), List.of(index));
        values.bindAll(params.subList(1, params.size()), carried);
        return bodies.emit(loop.body());
    }

    void repeat(TileOp.While loop) {
        var carried = variables(loop.initial(), loop.body().params());
        code.open("for (;;)");
        values.bindAll(loop.condition().params(), carried);
        var goesOn = bodies.emit(loop.condition()).getFirst().getFirst();
        code.line("if (" + builder.not(goesOn).bare() + ") break;");
        values.bindAll(loop.body().params(), carried);
        assign(carried, bodies.emit(loop.body()));
        code.close();
        values.bindAll(loop.results(), carried);
    }

    void choose(TileOp.If choice) {
        var results = new ArrayList<List<Term>>();
        for (var result : choice.results()) {
            var base = CType.of(result.type().elementType()).base();
            results.add(parts.each(result.type().laneCount(), (_, width) ->
                    builder.declare(result.hint().isEmpty() ? "chosen" : result.hint(), new CType(base, width))));
        }
        code.open("if (" + values.scalar(choice.condition()).bare() + ")");
        assign(results, bodies.emit(choice.yes()));
        if (!choice.no().ops().isEmpty()) {
            code.otherwise();
            assign(results, bodies.emit(choice.no()));
        }
        code.close();
        values.bindAll(choice.results(), results);
    }

    /// A variable for each carried value.
    private List<List<Term>> variables(List<Value> initial, List<Value> names) {
        var variables = new ArrayList<List<Term>>();
        for (int i = 0; i < initial.size(); i++) {
            var hint = names.get(i).hint().isEmpty() ? "carried" : names.get(i).hint();
            variables.add(values.parts(initial.get(i)).stream()
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
}
