package org.portolan.runtime;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.plan.Step;
import org.portolan.runtime.plan.SymbolBound;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Checks that a plan is sound: every number names something, and every symbol is bound before it is used.
final class PlanChecker {
    private final Plan plan;
    private final Set<String> declared = new HashSet<>();
    private final Set<String> fromInputs = new HashSet<>();
    private final int devices;

    private PlanChecker(Plan plan, int devices) {
        this.plan = plan;
        this.devices = devices;
    }

    /// @return the symbols that inputs bind
    /// @throws PortolanException.BadProgramFile if the plan is not sound
    static Set<String> check(Plan plan, int devices) {
        var checker = new PlanChecker(plan, devices);
        checker.check();
        return checker.fromInputs;
    }

    private void check() {
        for (SymbolBound symbol : plan.symbols()) {
            require(declared.add(symbol.name()), "symbol " + symbol.name() + " is declared twice");
        }
        for (Port input : plan.inputs()) {
            input.dims().forEach(dim -> dim.symbolName().ifPresent(fromInputs::add));
        }
        var names = new HashSet<String>();
        for (int number = 0; number < plan.inputs().size(); number++) {
            var input = plan.inputs().get(number);
            require(names.add(input.name()), "two inputs are named '" + input.name() + "'");
            requireStored(input.type(), "input '" + input.name() + "'");
            require(slot(input.slot()).equals(new Slot.Input(number)),
                    "input '" + input.name() + "' and slot " + input.slot() + " do not name each other");
            input.dims().forEach(dim -> requireBound(dim, fromInputs, "input '" + input.name() + "'"));
        }
        names.clear();
        for (Port output : plan.outputs()) {
            require(names.add(output.name()), "two outputs are named '" + output.name() + "'");
            requireStored(output.type(), "output '" + output.name() + "'");
            slot(output.slot());
        }
        plan.slots().forEach(this::checkSlot);
        requireBound(plan.arenaBytes(), fromInputs, "the arena");
        var bound = new HashSet<>(fromInputs);
        steps(plan.steps(), bound);
        for (Port output : plan.outputs()) {
            output.dims().forEach(dim -> requireBound(dim, bound, "output '" + output.name() + "'"));
        }
    }

    private void checkSlot(Slot slot) {
        switch (slot) {
            case Slot.Input(int port) -> require(port >= 0 && port < plan.inputs().size(), "there is no input " + port);
            case Slot.Output(int port) ->
                require(port >= 0 && port < plan.outputs().size(), "there is no output " + port);
            case Slot.Weight(var entry, long offset, long bytes) ->
                require(offset >= 0 && bytes >= 0 && offset % Plan.ALIGNMENT == 0,
                        "a weight of " + entry + " stands at " + offset + " with " + bytes + " bytes");
            case Slot.Temporary(var offset, var bytes) -> {
                requireBound(offset, fromInputs, "a temporary");
                requireBound(bytes, fromInputs, "a temporary");
            }
            case Slot.Late(var bytes) -> requireDeclared(bytes.symbols(), "a late slot");
        }
    }

    private void steps(List<Step> steps, Set<String> bound) {
        steps.forEach(step -> step(step, bound));
    }

    private void step(Step step, Set<String> bound) {
        switch (step) {
            case Step.Launch launch -> {
                var what = "the launch of '" + launch.origin() + "'";
                require(launch.kernel() >= 0 && launch.kernel() < plan.kernels().size(),
                        what + " names kernel " + launch.kernel());
                require(launch.device() >= 0 && launch.device() < devices, what + " names device " + launch.device());
                for (int index : launch.writes().orElse(List.of())) {
                    require(index < launch.slots().size(), what + " writes its argument " + index);
                    writable(launch.slots().get(index));
                }
                launch.slots().forEach(number -> {
                    if (slot(number) instanceof Slot.Late(var bytes)) {
                        requireBound(bytes, bound, what);
                    } else if (slot(number) instanceof Slot.Output(int port)) {
                        plan.outputs().get(port).dims().forEach(dim -> requireBound(dim, bound, what));
                    }
                });
                launch.extents().forEach(dim -> requireBound(dim, bound, what));
                launch.grid().forEach(dim -> requireBound(dim, bound, what));
                requireBound(launch.cost(), bound, what);
            }
            case Step.Copy(int from, var fromOffset, int to, var toOffset, var bytes) -> {
                copied(from, to);
                for (var dim : List.of(fromOffset, toOffset, bytes)) {
                    requireBound(dim, bound, "a copy");
                }
            }
            case Step.ReadSymbols(int slot, var type, var symbols) -> {
                slot(slot);
                require(type.isInteger() || type == ElementType.BOOL, "symbols are read as " + type.text());
                requireDeclared(symbols, "a step");
                bound.addAll(symbols);
            }
            case Step.WriteDims(int slot, var type, var values) -> {
                writable(slot);
                requireStored(type, "a step");
                values.forEach(dim -> requireBound(dim, bound, "a step that writes sizes"));
            }
            case Step.Check(var left, _, var right, _) -> {
                requireBound(left, bound, "a check");
                requireBound(right, bound, "a check");
            }
            case Step.If(int condition, var thenSteps, var elseSteps) -> {
                slot(condition);
                var other = new HashSet<>(bound);
                steps(thenSteps, bound);
                steps(elseSteps, other);
                bound.retainAll(other);
            }
            case Step.Loop(var limit, int condition, var iteration, var trips, var carried, var body) -> {
                limit.ifPresent(dim -> requireBound(dim, bound, "a loop"));
                if (condition != Step.Loop.NO_CONDITION) {
                    slot(condition);
                }
                requireDeclared(List.of(iteration, trips), "a loop");
                var inside = new HashSet<>(bound);
                inside.add(iteration);
                steps(body, inside);
                for (var carry : carried) {
                    copied(carry.from(), carry.to());
                    requireBound(carry.bytes(), inside, "a loop");
                }
                bound.add(trips);
            }
        }
    }

    private void copied(int from, int to) {
        slot(from);
        writable(to);
    }

    private void writable(int number) {
        require(!(slot(number) instanceof Slot.Weight), "a step writes to the weight in slot " + number);
    }

    private Slot slot(int number) {
        require(number >= 0 && number < plan.slots().size(), "there is no slot " + number);
        return plan.slots().get(number);
    }

    private void requireBound(Dim dim, Set<String> bound, String user) {
        requireDeclared(dim.symbols(), user);
        for (var symbol : dim.symbols()) {
            require(bound.contains(symbol), user + " needs symbol " + symbol + " before it is bound");
        }
    }

    private void requireDeclared(Collection<String> symbols, String user) {
        for (var symbol : symbols) {
            require(declared.contains(symbol), user + " names a symbol " + symbol + " that is not declared");
        }
    }

    private static void requireStored(ElementType type, String user) {
        require(type != ElementType.STRING && type != ElementType.INDEX,
                user + " has elements of type " + type.text() + ", which no device holds");
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new PortolanException.BadProgramFile(
                    "the plan is not sound: " + message + "; compile the model again");
        }
    }
}
