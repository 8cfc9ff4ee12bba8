package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// Matrices spread over the lanes of a warp: in each lane a vector of the elements that it holds. The machine's own
/// instructions are spelled as the machine spells them:
///
/// - `wgmma.mma_async. ..`: {@link WarpgroupProducts};
/// - `mma.sync. .. .d.a.b.c`: the types of the result and the operands stand at the end;
/// - `ldmatrix. ..`: matrices from a shared buffer, each lane giving the address of a row; turned (`.trans`) where neighbours in
///   memory are not those of a lane's register;
/// - `ld. ..`: from a buffer, each lane what it holds; axes that the buffer lacks are repeated.
final class Fragments {
    private static final Pattern PRODUCT = Pattern.compile("mma\\.sync\\..*\\.(\\w+)\\.(\\w+)\\.(\\w+)\\.(\\w+)");

    private final FunctionBuilder builder;
    private final Addressing addressing;
    private final Memory memory;
    private final ThreadBlock team;
    private final Map<String, String> spellings;
    private final boolean awaits;

    /// @param awaits whether products that are under way are waited for explicitly
    Fragments(
            FunctionBuilder builder,
            Addressing addressing,
            Memory memory,
            ThreadBlock team,
            Map<String, String> spellings,
            boolean awaits) {
        this.awaits = awaits;
        this.builder = builder;
        this.addressing = addressing;
        this.memory = memory;
        this.team = team;
        this.spellings = spellings;
    }

    static boolean isFragment(Value value) {
        return value.type() instanceof Type.Fragment;
    }

    private ThreadBlock team() {
        if (team == null) {
            throw new EmitException("fragments are spread over the lanes of a warp, and this target has none");
        }
        return team;
    }

    Operand load(BufferPlace place, List<Operand> indices, Type.Fragment type) {
        var spread = Spread.of(type);
        var vector = Words.of(type);
        var result = Operand.poison(vector);
        for (int register = 0; register < spread.registers(); register++) {
            var element = memory.load(
                    place, at(spread, register, indices, type), vector.lane(), Optional.empty(), Optional.empty());
            result = builder.insert(result, element, register);
        }
        return result;
    }

    void store(Operand value, BufferPlace place, List<Operand> indices, Type.Fragment type) {
        var spread = Spread.of(type);
        for (int register = 0; register < spread.registers(); register++) {
            memory.store(
                    place, at(spread, register, indices, type), builder.extract(value, register), Optional.empty());
        }
    }

    /// The indices of the element in a register; the fragment's axes are the buffer's last.
    private List<Operand> at(Spread spread, int register, List<Operand> indices, Type.Fragment type) {
        var result = new ArrayList<Operand>();
        int first = indices.size() - type.dims().size();
        for (int axis = 0; axis < indices.size(); axis++) {
            result.add(axis < first
                    ? indices.get(axis)
                    : builder.add(indices.get(axis), spread.index(builder, register, axis - first, team().lane(spread.lanes()))));
        }
        return result;
    }

    /// Whether an intrinsic is one of those.
    boolean spells(String intrinsic) {
        var spelling = spellings.getOrDefault(intrinsic, "");
        return WarpgroupProducts.spells(spelling) || spelling.startsWith("mma.sync.") || spelling.startsWith("ldmatrix.") || spelling.startsWith("ld.");
    }

    private WarpgroupProducts products() {
        return new WarpgroupProducts(builder, addressing, this, awaits);
    }

    /// Waits for products that are under way.
    List<Operand> await(List<Operand> values, long later) {
        return products().await(values, later);
    }

    /// @param arguments values and buffers
    Operand call(String intrinsic, List<Value> arguments, Scope scope, Value result) {
        var spelling = spellings.get(intrinsic);
        if (!(result.type() instanceof Type.Fragment type)) {
            throw new EmitException("the intrinsic " + intrinsic + " gives a fragment, found " + result);
        }
        if (WarpgroupProducts.spells(spelling)) {
            return products().call(spelling, arguments, scope, Words.of(type));
        }
        if (spelling.startsWith("mma.sync.")) {
            return product(spelling, arguments.stream().map(scope::operand).toList(), Words.of(type));
        }
        if (arguments.size() != 1 || !(arguments.getFirst().type() instanceof Type.Buffer)) {
            throw new EmitException("the intrinsic " + intrinsic + " takes one buffer, found " + arguments);
        }
        var place = scope.buffer(arguments.getFirst());
        return spelling.startsWith("ldmatrix.") ? matrices(spelling, place, type) : lastAxes(place, type);
    }

    private Operand lastAxes(BufferPlace place, Type.Fragment type) {
        var spread = Spread.of(type);
        var vector = Words.of(type);
        var result = Operand.poison(vector);
        int missing = type.dims().size() - place.type().rank();
        for (int register = 0; register < spread.registers(); register++) {
            var indices = new ArrayList<Operand>();
            for (int axis = missing; axis < type.dims().size(); axis++) {
                indices.add(spread.index(builder, register, axis, team().lane(spread.lanes())));
            }
            var element = memory.load(place, indices, vector.lane(), Optional.empty(), Optional.empty());
            result = builder.insert(result, element, register);
        }
        return result;
    }

    private Operand matrices(String spelling, BufferPlace place, Type.Fragment type) {
        var spread = Spread.of(type);
        int perRegister = 32 / type.element().bits();
        boolean turned = place.fastest() != spread.axisOfRegister();
        if (turned && perRegister != 2) {
            throw new EmitException("only matrices of 16-bit elements are turned while they are fetched, found " + type);
        }
        var indices = new ArrayList<Operand>();
        for (int axis = 0; axis < type.dims().size(); axis++) {
            indices.add(spread.rowOfMatrix(builder, axis, turned, perRegister, team().lane()));
        }
        var address = sharedAddress(addressing.address(place, indices));
        int words = spread.registers() / perRegister;
        var outputs = list(0, words);
        var plain = spelling.replace(".trans", "");
        var text = (turned ? plain.replace(".shared", ".trans.shared") : plain) + " {" + outputs + "}, [$" + words + "];";
        var results = assembly(text, "=r,".repeat(words) + "r,~{memory}", "sideeffect ", LlvmType.INT, words, address);
        return builder.convert("bitcast", joined(results, LlvmType.INT), Words.of(type));
    }

    /// Shared memory has 32-bit addresses of its own.
    Operand sharedAddress(Operand pointer) {
        var shared = builder.assign(
                "shared", LlvmType.scalar("ptr addrspace(3)"), "addrspacecast " + pointer + " to ptr addrspace(3)");
        return builder.assign("address", LlvmType.INT, "ptrtoint " + shared + " to i32");
    }

    private Operand product(String spelling, List<Operand> operands, LlvmType resultType) {
        var kinds = PRODUCT.matcher(spelling);
        if (!kinds.matches() || operands.size() != 3) {
            throw new EmitException("a product takes two matrices and a sum, found '" + spelling + "' of " + operands.size());
        }
        var parts = new ArrayList<Operand>();
        var constraints = new StringBuilder();
        var groups = new ArrayList<String>();
        var outputType = register(kinds.group(1));
        int count = resultType.bits() * (int) resultType.lanes() / outputType.bits();
        constraints.append(("=" + letter(outputType) + ",").repeat(count));
        groups.add("{" + list(0, count) + "}");
        int next = count;
        for (int i = 0; i < 3; i++) {
            var type = register(kinds.group(i + 2));
            var operand = operands.get(i);
            int words = operand.type().bits() * (int) operand.type().lanes() / type.bits();
            boolean narrows = kinds.group(i + 2).equals("tf32");
            var split = narrows ? operand : builder.convert("bitcast", operand, type.withLanes(words));
            for (int word = 0; word < words; word++) {
                var part = builder.extract(split, word);
                parts.add(narrows ? builder.call("llvm.nvvm.f2tf32.rna", LlvmType.INT, part) : part);
                constraints.append(letter(type)).append(',');
            }
            groups.add("{" + list(next, words) + "}");
            next += words;
        }
        constraints.setLength(constraints.length() - 1);
        var results = assembly(
                spelling + " " + String.join(", ", groups) + ";",
                constraints.toString(),
                "",
                outputType,
                count,
                parts.toArray(Operand[]::new));
        return builder.convert("bitcast", joined(results, outputType), resultType);
    }

    /// What kind of register holds a type of the instruction's.
    private static LlvmType register(String kind) {
        return switch (kind) {
            case "f32" -> LlvmType.scalar("float");
            case "f64" -> LlvmType.scalar("double");
            default -> LlvmType.INT;
        };
    }

    private static String letter(LlvmType type) {
        return switch (type.element()) {
            case "float" -> "f";
            case "double" -> "d";
            default -> "r";
        };
    }

    static String list(int first, int count) {
        var text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(i == 0 ? "" : ", ").append('$').append(first + i);
        }
        return text.toString();
    }

    List<Operand> assembly(
            String text, String constraints, String effect, LlvmType type, int count, Operand... inputs) {
        var struct = "{ " + String.join(", ", Collections.nCopies(count, type.toString())) + " }";
        var returned = count == 1 ? type.toString() : struct;
        // What the lanes of a warp do together must not be moved to where only some of them are.
        var call = builder.assign(
                "matrix",
                LlvmType.scalar(returned),
                "call " + returned + " asm " + effect + "\"" + text + "\", \"" + constraints + "\"("
                        + FunctionBuilder.list(inputs) + ") " + builder.module.together());
        if (count == 1) {
            return List.of(new Operand(type, call.text()));
        }
        var results = new ArrayList<Operand>();
        for (int i = 0; i < count; i++) {
            results.add(builder.assign("part", type, "extractvalue " + call + ", " + i));
        }
        return results;
    }

    Operand joined(List<Operand> parts, LlvmType type) {
        var result = Operand.poison(type.withLanes(parts.size()));
        for (int i = 0; i < parts.size(); i++) {
            result = builder.insert(result, parts.get(i), i);
        }
        return result;
    }
}
