package org.portolan.llvm.emit;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.portolan.ir.Op;

/// One function under construction. Instructions are appended to the current block; each gives the operand that names
/// its result.
final class FunctionBuilder {
    final ModuleText module;
    private final StringBuilder entry = new StringBuilder();
    private final StringBuilder body = new StringBuilder();
    private final Map<String, Integer> names = new HashMap<>();
    private final Set<String> nonNegative = new HashSet<>();
    private final Map<String, Sum> sums = new HashMap<>();
    private StringBuilder current = body;
    private String block = "start";
    private String wished = "";
    private final SourceLines source;
    private String place;

    /// An index as another one plus a number, so that addresses can keep the number apart.
    record Sum(Operand base, long addend) {}

    /// @param source where instructions come from
    /// @param taken names that the function's own parameters have
    FunctionBuilder(ModuleText module, SourceLines source, String... taken) {
        this.module = module;
        this.source = source;
        place = source.first();
        names.put("entry", 1);
        names.put("start", 1);
        for (var name : taken) {
            names.put(name, 1);
        }
    }

    /// Runs what writes into the entry block, in front of everything in the body.
    <T> T inEntry(Supplier<T> writing) {
        var before = current;
        var placeBefore = place;
        current = entry;
        place = source.first();
        try {
            return writing.get();
        } finally {
            current = before;
            place = placeBefore;
        }
    }

    /// Says of the instructions that are written meanwhile that they come from an operation.
    void from(Op op, Runnable writing) {
        var before = place;
        place = source.of(op, before);
        writing.run();
        place = before;
    }

    /// The instructions of the entry block, then the body; the body starts in the block `start`.
    String text() {
        return "entry:\n" + entry + "  br label %start" + source.first() + "\nstart:\n" + body;
    }

    // ------------------------------------------------------------------------------------------------ names and blocks

    /// A name that nothing else has, close to what is wanted.
    String fresh(String hint) {
        var clean = hint.isEmpty() ? "v" : hint.replaceAll("[^A-Za-z0-9_]", "_");
        if (Character.isDigit(clean.charAt(0))) {
            clean = "v" + clean;
        }
        int count = names.merge(clean, 1, Integer::sum);
        return count == 1 ? clean : clean + "." + count;
    }

    String block() {
        return block;
    }

    void startBlock(String label) {
        current.append(label).append(":\n");
        block = label;
    }

    /// The place where the next instruction goes, for {@link #insert}.
    int mark() {
        return current.length();
    }

    /// Puts text at a place that was marked before.
    void insert(int mark, String text) {
        current.insert(mark, text);
    }

    void line(String text) {
        current.append("  ").append(text).append(place).append('\n');
    }

    void branch(String label) {
        line("br label %" + label);
    }

    void branch(Operand condition, String yes, String no) {
        line("br " + condition + ", label %" + yes + ", label %" + no);
    }

    // ---------------------------------------------------------------------------------------------------- instructions

    /// Names the instructions that are written meanwhile after a value of the IR.
    <T> T named(String hint, Supplier<T> writing) {
        var before = wished;
        wished = hint;
        try {
            return writing.get();
        } finally {
            wished = before;
        }
    }

    Operand assign(String hint, LlvmType type, String instruction) {
        var name = "%" + fresh(wished.isEmpty() ? hint : wished);
        line(name + " = " + instruction);
        return new Operand(type, name);
    }

    /// An instruction over two operands of one type, such as `add` or `fmul`.
    Operand binary(String opcode, Operand left, Operand right) {
        return assign(opcode.split(" ")[0], left.type(), opcode + " " + left + ", " + right.text());
    }

    Operand negate(Operand value) {
        return value.type().isFloat()
                ? assign("neg", value.type(), "fneg " + value)
                : binary("sub", Operand.integer(value.type(), 0), value);
    }

    /// A comparison; the predicate's own kind says whether of floats or of integers.
    Operand compare(String predicate, Operand left, Operand right) {
        var opcode = left.type().isFloat() ? "fcmp " : "icmp ";
        return assign(predicate, left.type().of("i1"), opcode + predicate + " " + left + ", " + right.text());
    }

    Operand select(Operand condition, Operand yes, Operand no) {
        return assign("select", yes.type(), "select " + condition + ", " + yes + ", " + no);
    }

    /// `trunc`, `sext`, `fpext`, `bitcast` and their like.
    Operand convert(String opcode, Operand value, LlvmType type) {
        return value.type().equals(type) ? value : assign(opcode, type, opcode + " " + value + " to " + type);
    }

    Operand phi(String hint, LlvmType type, Operand first, String firstBlock, Operand second, String secondBlock) {
        return assign(
                hint,
                type,
                "phi " + type + " [ " + first.text() + ", %" + firstBlock + " ], [ " + second.text() + ", %"
                        + secondBlock + " ]");
    }

    /// Calls an intrinsic and declares it.
    Operand call(String function, LlvmType result, Operand... arguments) {
        declare(function, result, arguments);
        return assign(shortName(function), result, "call " + result + " @" + function + "(" + list(arguments) + ")");
    }

    void callVoid(String function, Operand... arguments) {
        declare(function, LlvmType.scalar("void"), arguments);
        line("call void @" + function + "(" + list(arguments) + ")");
    }

    /// An intrinsic over lanes whose name ends with the type of its operands, as `llvm.fma`.
    Operand intrinsic(String name, Operand... arguments) {
        var type = arguments[0].type();
        return call("llvm." + name + "." + type.suffix(), type, arguments);
    }

    private void declare(String function, LlvmType result, Operand... arguments) {
        module.declare(result + " @" + function
                + Arrays.stream(arguments)
                        .map(argument -> argument.type().toString())
                        .collect(Collectors.joining(", ", "(", ")")));
    }

    private static String shortName(String function) {
        var parts = function.split("\\.");
        return parts[Math.min(1, parts.length - 1)];
    }

    static String list(Operand... arguments) {
        return Arrays.stream(arguments).map(Operand::toString).collect(Collectors.joining(", "));
    }

    /// Appends metadata to the instruction just written.
    void annotate(String metadata) {
        current.insert(current.length() - 1, metadata);
    }

    // ----------------------------------------------------------------------------------------------------------- lanes

    /// A scalar in every lane; a vector stays.
    Operand splat(Operand value, long lanes) {
        var type = value.type();
        if (type.isVector() || lanes == 0) {
            return value;
        }
        var vector = type.withLanes(lanes);
        var literal = value.literal();
        if (literal.isPresent()) {
            return Operand.integer(vector, literal.getAsLong());
        }
        char first = value.text().charAt(0);
        if (first != '%') {
            return new Operand(vector, "splat (" + value + ")");
        }
        var inserted = assign(
                "first", vector, "insertelement " + vector + " poison, " + value + ", i64 0");
        return assign(
                "splat",
                vector,
                "shufflevector " + inserted + ", " + vector + " poison, <" + lanes + " x i32> zeroinitializer");
    }

    Operand extract(Operand vector, long lane) {
        return assign("lane", vector.type().lane(), "extractelement " + vector + ", i64 " + lane);
    }

    Operand insert(Operand vector, Operand value, long lane) {
        return assign("vector", vector.type(), "insertelement " + vector + ", " + value + ", i64 " + lane);
    }

    // --------------------------------------------------------------------------------------------------------- indices

    /// Remembers that an index is at least 0, so that divisions of it are plain.
    void markNonNegative(Operand index) {
        nonNegative.add(index.text());
    }

    boolean isNonNegative(Operand index) {
        var literal = index.literal();
        return literal.isPresent() ? literal.getAsLong() >= 0 : nonNegative.contains(index.text());
    }

    /// The index without the number that was added to it, and that number.
    Sum parts(Operand index) {
        var literal = index.literal();
        return literal.isPresent()
                ? new Sum(Operand.index(0), literal.getAsLong())
                : sums.getOrDefault(index.text(), new Sum(index, 0));
    }

    /// The sum of two indices, scalars or vectors. Indices that reach memory do not overflow.
    Operand add(Operand left, Operand right) {
        if (left.literal().isPresent() && right.literal().isPresent()) {
            return Operand.index(left.literal().getAsLong() + right.literal().getAsLong());
        }
        if (left.isLiteral(0) || right.isLiteral(0)) {
            return left.isLiteral(0) ? right : left;
        }
        long lanes = Math.max(left.type().lanes(), right.type().lanes());
        var result = binary("add nsw", splat(left, lanes), splat(right, lanes));
        if (isNonNegative(left) && isNonNegative(right)) {
            markNonNegative(result);
        }
        return result;
    }

    /// Remembers that an index was computed as a sum with a number.
    void rememberSum(Operand result, Operand left, Operand right) {
        var literal = right.literal().isPresent() ? right : left;
        var other = literal == right ? left : right;
        if (literal.literal().isPresent() && result.type().equals(LlvmType.LONG)) {
            var inner = parts(other);
            sums.put(result.text(), new Sum(inner.base(), inner.addend() + literal.literal().getAsLong()));
        }
    }

    Operand multiply(Operand left, Operand right) {
        if (left.literal().isPresent() && right.literal().isPresent()) {
            return Operand.index(left.literal().getAsLong() * right.literal().getAsLong());
        }
        if (left.isLiteral(0) || right.isLiteral(0)) {
            return Operand.index(0);
        }
        if (left.isLiteral(1) || right.isLiteral(1)) {
            return left.isLiteral(1) ? right : left;
        }
        long lanes = Math.max(left.type().lanes(), right.type().lanes());
        var result = binary("mul nsw", splat(left, lanes), splat(right, lanes));
        if (isNonNegative(left) && isNonNegative(right)) {
            markNonNegative(result);
        }
        return result;
    }
}
