package org.portolan.cuda.emulator.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.portolan.cuda.emulator.run.Branch;
import org.portolan.cuda.emulator.run.Control;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.LaunchBounds;
import org.portolan.cuda.emulator.run.Program;
import org.portolan.cuda.emulator.run.SharedVariable;
import org.portolan.cuda.emulator.run.Space;
import org.portolan.cuda.emulator.run.Switch;
import org.portolan.cuda.emulator.run.WarpgroupMultiply;
import org.portolan.cuda.emulator.text.PtxModule;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxRefused;
import org.portolan.cuda.emulator.text.PtxStatement;
import org.portolan.cuda.emulator.text.PtxTypes;
import org.portolan.cuda.emulator.text.PtxVariable;

/// Makes a program of one kernel.
public final class KernelDecoder {
    private static final int MOST_GRANULE = 4;
    private static final int MOST_DEPTH = 16;
    private static final int MOST_LOCAL_BYTES = 512 << 10;
    private static final long MOST_BYTES = 1L << 24;
    private static final int MOST_PARAMETER_BYTES = 32_764;
    private static final int MOST_ALIGNMENT = 1024;
    private static final String END = "the end of the function";

    private final PtxModule module;
    private final PtxModule.Function kernel;
    private final Names names = new Names();
    private final List<Instruction> code = new ArrayList<>();
    /// Of each instruction, the slots of 32-bit registers that it names.
    private final List<int[]> named = new ArrayList<>();
    private final List<Jump> jumps = new ArrayList<>();
    private final Map<String, Integer> labels = new HashMap<>();
    private final Map<String, List<String>> targets = new HashMap<>();
    private final List<SharedVariable> shared = new ArrayList<>();
    private int sharedEnd;
    private int localEnd;
    private int granule = MOST_GRANULE;
    private int globalGranule = MOST_GRANULE;
    private boolean fenced;
    private boolean asynchronous;
    private boolean clocked;
    private boolean products;
    private String lastLabel = "";
    /// Stands before the labels of a function that was put into its caller; empty in the kernel itself.
    private String prefix = "";
    private int calls;
    private int depth;

    /// A branch whose targets are not known yet.
    ///
    /// @param register slot of the choice; -1: there is none, and one target
    private record Jump(int index, PtxStatement.Step step, int register, List<String> labels) {}

    private KernelDecoder(PtxModule module, PtxModule.Function kernel) {
        this.module = module;
        this.kernel = kernel;
    }

    /// Decodes a kernel.
    ///
    /// @param globals addresses of the module's variables in global and constant memory
    /// @throws PtxRefused if something in it is not supported
    public static Program decode(PtxModule module, PtxModule.Function kernel, Map<String, Long> globals) {
        var decoder = new KernelDecoder(module, kernel);
        globals.forEach((name, address) -> decoder.names.declareVariable(name, Space.GLOBAL, address));
        return decoder.program();
    }

    private Program program() {
        int parameters = 0;
        for (var parameter : kernel.parameters()) {
            int alignment = parameter.alignmentOrNatural();
            // What a pointer points to may have a greater alignment than the pointer: only arrays tell their own.
            int own = parameter.count() == 1 ? parameter.elementBytes() : alignment;
            parameters = (parameters + own - 1) / own * own;
            names.declareVariable(parameter.name(), Space.PARAM, parameters);
            parameters += (int) Math.min(parameter.bytes(), MOST_PARAMETER_BYTES);
            if (parameters > MOST_PARAMETER_BYTES) {
                throw new PtxRefused(
                        parameter.line(),
                        "more than " + MOST_PARAMETER_BYTES + " bytes of parameters are not supported");
            }
        }
        module.variables().stream()
                .filter(variable -> variable.space().equals("shared") && variable.count() >= 0)
                .forEach(this::declare);
        module.variables().stream()
                .filter(variable -> variable.space().equals("shared") && variable.count() < 0)
                .forEach(this::declareDynamic);
        names.enter();
        statements(kernel.body());
        names.leave();
        append(Control.exit(), new PtxStatement.Step("", false, "exit", List.of(), List.of(), kernel.line()));
        link();
        watchProducts();
        return new Program(
                kernel.name(),
                module.lines(),
                code.toArray(Instruction[]::new),
                names.words(),
                names.longs(),
                names.predicates(),
                names.constants(),
                names.specials(),
                shared,
                granule,
                globalGranule,
                fenced,
                asynchronous,
                clocked,
                products,
                localEnd,
                parameters,
                bounds());
    }

    private LaunchBounds bounds() {
        var registers = kernel.bound("maxnreg");
        return new LaunchBounds(
                kernel.bound("reqntid"),
                kernel.bound("maxntid"),
                registers.isEmpty() ? 0 : registers.getFirst());
    }

    private void statements(List<PtxStatement> statements) {
        for (var statement : statements) {
            switch (statement) {
                case PtxStatement.Label label -> {
                    labels.put(prefix + label.name(), code.size());
                    lastLabel = prefix + label.name();
                }
                case PtxStatement.Registers registers ->
                    names.declareRegisters(registers.type(), registers.name(), registers.count());
                case PtxStatement.Local local -> declare(local.variable());
                case PtxStatement.Targets list -> targets.put(
                        lastLabel,
                        list.labels().stream().map(name -> prefix + name).toList());
                case PtxStatement.Scope scope -> {
                    names.enter();
                    statements(scope.body());
                    names.leave();
                }
                case PtxStatement.Step step -> step(step);
            }
        }
    }

    private void declare(PtxVariable variable) {
        int alignment = variable.alignmentOrNatural();
        if (variable.bytes() > MOST_BYTES || alignment > MOST_ALIGNMENT) {
            throw new PtxRefused(variable.line(), variable.name() + " has " + variable.bytes() + " bytes aligned to "
                    + alignment + "; up to " + MOST_BYTES + " aligned to " + MOST_ALIGNMENT + " are supported");
        }
        int bytes = (int) variable.bytes();
        switch (variable.space()) {
            case "shared" -> {
                // Variables keep to whole gaps, so that each of them has the banks that it would have at its own place.
                int offset = (sharedEnd + SharedVariable.GAP - 1) / SharedVariable.GAP * SharedVariable.GAP;
                shared.add(new SharedVariable(variable.name(), offset, bytes, alignment, false));
                names.declareVariable(variable.name(), Space.SHARED, offset);
                sharedEnd = offset + bytes + SharedVariable.GAP;
            }
            // Arguments and results of calls.
            case "local", "param" -> {
                int offset = (localEnd + alignment - 1) / alignment * alignment;
                names.declareVariable(variable.name(), Space.LOCAL, offset);
                localEnd = (offset + bytes + Long.BYTES * 2 - 1) & -Long.BYTES * 2;
                if (localEnd > MOST_LOCAL_BYTES) {
                    throw new PtxRefused(variable.line(), "a thread has " + localEnd + " bytes of local memory; up to "
                            + MOST_LOCAL_BYTES + " are supported");
                }
            }
            default -> throw new PtxRefused(variable.line(), "a ." + variable.space()
                    + " variable in a body is not supported, only .shared, .local and .param are");
        }
    }

    private void declareDynamic(PtxVariable variable) {
        int offset = (sharedEnd + SharedVariable.GAP - 1) / SharedVariable.GAP * SharedVariable.GAP;
        if (shared.stream().noneMatch(SharedVariable::dynamic)) {
            shared.add(new SharedVariable(variable.name(), offset, 0, variable.alignmentOrNatural(), true));
        }
        names.declareVariable(variable.name(), Space.SHARED, offset);
    }

    private void step(PtxStatement.Step step) {
        noteMemory(step);
        var operation = new Operation(step, names);
        if (step.name().equals("bra")) {
            jump(step, -1, List.of(prefix + label(operation, 0)));
        } else if (step.name().equals("brx")) {
            jump(step, operation.word(0, "b32"), List.of(prefix + label(operation, 1)));
        } else if (step.name().equals("call")) {
            call(operation);
        } else if (step.name().equals("ret") && depth > 0) {
            jump(step, -1, List.of(prefix + END));
        } else {
            append(InstructionDecoder.decode(operation), step);
        }
    }

    /// Puts the function into its caller; arguments and results lie in the caller's local memory.
    private void call(Operation operation) {
        var operands = operation.step().operands();
        boolean result = operands.getFirst() instanceof PtxOperand.Group;
        var name = label(operation, result ? 1 : 0);
        var function = module.function(name)
                .orElseThrow(() -> operation.refuse("function '" + name + "' has no body in this file"));
        if (depth == MOST_DEPTH || !operation.step().guard().isEmpty()) {
            throw operation.refuse("calls that are guarded, or more than " + MOST_DEPTH + " deep, are not supported");
        }
        var outer = prefix;
        var addresses = new HashMap<String, Long>();
        if (result) {
            bind(operation, function.returns(), operands.getFirst(), addresses);
        }
        if (operands.size() > (result ? 2 : 1)) {
            bind(operation, function.parameters(), operands.getLast(), addresses);
        }
        names.enter();
        addresses.forEach((formal, address) -> names.declareVariable(formal, Space.LOCAL, address));
        prefix = "call " + calls++ + " ";
        depth++;
        statements(function.body());
        labels.put(prefix + END, code.size());
        depth--;
        prefix = outer;
        names.leave();
    }

    private void bind(
            Operation operation, List<PtxVariable> formal, PtxOperand actual, Map<String, Long> addresses) {
        if (!(actual instanceof PtxOperand.Group(var parts)) || parts.size() != formal.size()) {
            throw operation.refuse("the arguments do not fit the function's " + formal.size());
        }
        for (int index = 0; index < parts.size(); index++) {
            if (!(parts.get(index) instanceof PtxOperand.Name name)) {
                throw operation.refuse("arguments must be .param variables");
            }
            addresses.put(
                    formal.get(index).name(),
                    names.variable(name.name())
                            .filter(variable -> variable.space() == Space.LOCAL)
                            .orElseThrow(() -> operation.refuse("arguments must be .param variables"))
                            .address());
        }
    }

    private static String label(Operation operation, int index) {
        if (operation.operand(index) instanceof PtxOperand.Name name) {
            return name.name();
        }
        throw operation.refuse("a label is expected");
    }

    private void jump(PtxStatement.Step step, int register, List<String> where) {
        jumps.add(new Jump(code.size(), step, register, where));
        append(Control.nothing(), step);
    }

    private void append(Instruction instruction, PtxStatement.Step step) {
        named.add(names.takeUsed());
        instruction.place(step.line(), guard(step), step.negated(), Kinds.of(step));
        code.add(instruction);
    }

    private int guard(PtxStatement.Step step) {
        if (step.guard().isEmpty()) {
            return -1;
        }
        return names.register(step.guard(), step.line())
                .filter(register -> register.kind() == Register.Kind.PREDICATE)
                .orElseThrow(() -> new PtxRefused(step.line(), "the guard " + step.guard() + " is no predicate"))
                .slot();
    }

    /// Notes how finely memory is accessed, and by what means it is ordered.
    private void noteMemory(PtxStatement.Step step) {
        boolean memory =
                switch (step.name()) {
                    case "ld", "ldu", "st", "atom", "red" -> true;
                    default -> false;
                };
        if (memory && !step.has("param") && !step.has("local") && !step.has("const")) {
            int bits = step.modifiers().stream().mapToInt(PtxTypes::bits).max().orElse(Byte.SIZE);
            int bytes = Math.max(1, bits / Byte.SIZE);
            granule = step.has("global") ? granule : Math.min(granule, bytes);
            boolean global = step.modifiers().stream().noneMatch(modifier -> modifier.startsWith("shared"));
            globalGranule = global ? Math.min(globalGranule, bytes) : globalGranule;
        }
        switch (step.name()) {
            case "stmatrix" -> granule = Math.min(granule, Short.BYTES);
            case "cp" -> {
                asynchronous |= !step.has("bulk");
                clocked |= step.has("bulk") || step.has("mbarrier");
            }
            case "mbarrier" -> clocked = true;
            case "wgmma" -> {
                clocked = true;
                products = true;
            }
            case "membar" -> fenced |= !step.has("cta");
            case "fence" -> fenced |= step.has("gpu") || step.has("sys");
            case "bar", "barrier" -> clocked |= !step.has("warp") && step.operands().size() > 1;
            default -> {}
        }
    }

    /// Ordinary instructions that use registers of products are watched while these are under way.
    private void watchProducts() {
        var used = new HashSet<Integer>();
        for (var instruction : code) {
            if (instruction instanceof WarpgroupMultiply product) {
                product.registers().forEach(used::add);
            }
        }
        for (int index = 0; index < code.size() && products; index++) {
            if (!(code.get(index) instanceof WarpgroupMultiply)) {
                code.get(index).watch(Arrays.stream(named.get(index)).filter(used::contains).toArray());
            }
        }
    }

    /// Gives branches their targets, and the places where lanes meet again.
    private void link() {
        var successors = new ArrayList<int[]>();
        for (int index = 0; index < code.size(); index++) {
            boolean ends = Kinds.leaves(code.get(index)) && !code.get(index).guarded();
            successors.add(ends ? new int[0] : new int[] {index + 1});
        }
        for (var jump : jumps) {
            var where = jump.register() < 0
                    ? jump.labels()
                    : targets.getOrDefault(jump.labels().getFirst(), List.of());
            int[] to = where.stream().mapToInt(name -> place(jump, name)).toArray();
            boolean always = jump.step().guard().isEmpty();
            int[] all = Arrays.copyOf(to, to.length + (always ? 0 : 1));
            if (!always) {
                all[to.length] = jump.index() + 1;
            }
            successors.set(jump.index(), all);
        }
        var flow = new ControlFlow(successors);
        for (var jump : jumps) {
            int[] to = successors.get(jump.index());
            int meeting = flow.meeting(jump.index());
            boolean always = jump.step().guard().isEmpty();
            var branch = jump.register() < 0
                    ? new Branch(to[0], meeting)
                    : new Switch(jump.register(), always ? to : Arrays.copyOf(to, to.length - 1), meeting);
            branch.place(
                    jump.step().line(), guardOf(jump), jump.step().negated(), Kinds.of(jump.step()));
            code.set(jump.index(), branch);
        }
    }

    private int guardOf(Jump jump) {
        return jump.step().guard().isEmpty() ? -1 : code.get(jump.index()).guardSlot();
    }

    private int place(Jump jump, String label) {
        var place = labels.get(label);
        if (place == null) {
            throw new PtxRefused(jump.step().line(), "there is no label " + label);
        }
        return place;
    }
}
