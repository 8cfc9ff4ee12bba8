package org.portolan.lowering.nest;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.Value;
import org.portolan.ir.analysis.DimBounds;
import org.portolan.ir.analysis.FunctionSymbols;
import org.portolan.runtime.type.Dim;

/// A nest that takes others in: the state of one kernel while {@link Fuse} works. It stands where its last operation
/// stood, so all that it reads was computed before.
final class OpenNest {
    private final FunctionSymbols symbols;
    private final int position;
    private final Map<String, Dim> axes = new LinkedHashMap<>();
    private final Set<String> origin = new LinkedHashSet<>();
    private final List<Value> into;
    private final List<Value> results;
    private List<Op> ops;
    private NestOp.Yield end;
    private DimBounds bounds;
    private NestFacts facts;
    private Set<Value> sources;
    private final Set<Op> undecided = Collections.newSetFromMap(new IdentityHashMap<>());

    OpenNest(NestOp.Compute nest, int position, FunctionSymbols symbols) {
        this.symbols = symbols;
        this.position = position;
        nest.axes().forEach(axis -> axes.put(axis.name(), axis.extent()));
        origin.addAll(nest.origin());
        into = nest.into();
        results = new ArrayList<>(nest.results());
        var all = nest.body().ops();
        ops = List.copyOf(all.subList(0, all.size() - 1));
        end = (NestOp.Yield) nest.body().terminator();
    }

    FunctionSymbols symbols() {
        return symbols;
    }

    int position() {
        return position;
    }

    Map<String, Dim> axes() {
        return axes;
    }

    List<Op> ops() {
        return ops;
    }

    NestOp.Yield end() {
        return end;
    }

    List<Value> results() {
        return results;
    }

    boolean updates() {
        return !into.isEmpty();
    }

    boolean updates(Value tensor) {
        return into.contains(tensor);
    }

    /// Comparisons and guards that the bounds of the axes did not decide: they need not be asked again.
    Set<Op> undecided() {
        return undecided;
    }

    DimBounds bounds() {
        if (bounds == null) {
            bounds = symbols.bounds().withAxes(axisList());
        }
        return bounds;
    }

    NestFacts facts() {
        if (facts == null) {
            facts = new NestFacts(this);
        }
        return facts;
    }

    /// An axis of that name, or of one like it.
    String addAxis(String wish, Dim extent) {
        var names = new AxisNames(symbols.names());
        names.take(axes.keySet());
        var name = names.fresh(wish);
        axes.put(name, extent);
        bounds = null;
        changed();
        return name;
    }

    /// The same axes in another order, or others.
    void setAxes(Map<String, Dim> other) {
        var copy = new LinkedHashMap<>(other);
        axes.clear();
        axes.putAll(copy);
        bounds = null;
        changed();
    }

    void setBody(List<Op> newOps, NestOp.Yield newEnd) {
        ops = newOps;
        end = newEnd;
        changed();
    }

    void addResult(Value result, Value element, List<Dim> to) {
        var values = new ArrayList<>(end.values());
        values.add(element);
        var places = new ArrayList<>(end.to());
        places.add(to);
        end = new NestOp.Yield(values, end.indices(), places);
        results.add(result);
        changed();
    }

    void addOrigin(List<String> names) {
        origin.addAll(names);
    }

    private void changed() {
        facts = null;
        sources = null;
    }

    /// The tensors that are read, in order of their first read.
    Set<Value> sources() {
        if (sources == null) {
            var found = new LinkedHashSet<Value>();
            collect(ops, found);
            sources = Collections.unmodifiableSet(found);
        }
        return sources;
    }

    private static void collect(List<Op> ops, Set<Value> sources) {
        for (var op : ops) {
            if (op instanceof NestOp.Read read) {
                sources.add(read.source());
            } else if (op instanceof ArithOp) {
                continue;
            }
            Scalars.bodies(op).forEach(body -> collect(body.ops(), sources));
        }
    }

    private List<Axis> axisList() {
        return list(axes);
    }

    static List<Axis> list(Map<String, Dim> axes) {
        var list = new ArrayList<Axis>();
        axes.forEach((name, extent) -> list.add(new Axis(name, extent)));
        return list;
    }

    NestOp.Compute close() {
        var all = new ArrayList<>(ops);
        all.add(end);
        return new NestOp.Compute(
                List.copyOf(sources()), into, axisList(), List.copyOf(origin), new Body(List.of(), all), results);
    }
}
