package org.portolan.ascend.codegen;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Combine;
import org.portolan.ir.Type.Space;
import org.portolan.lowering.c.CType;
import org.portolan.lowering.c.CType.Base;
import org.portolan.lowering.c.EmitException;
import org.portolan.lowering.c.NearWords;
import org.portolan.lowering.c.Words;

/// The words of Ascend C, which is C++ 17 without its library: those of scalar code on an AI core. Vectors live in memory,
/// see {@link AscendNear}.
///
/// @param prelude what stands above the kernels
record AscendWords(String prelude) implements Words {
    private static final Set<String> RESERVED = Set.copyOf(List.of(("alignas alignof and asm auto bool break case catch char class "
                    + "const constexpr continue decltype default delete do double else enum explicit export extern false float "
                    + "for friend goto if inline int long mutable namespace new noexcept not nullptr operator or private "
                    + "protected public register return short signed sizeof static struct switch template this throw true try "
                    + "typedef typeid typename union unsigned using virtual void volatile wchar_t while xor half bfloat16_t "
                    + "int8_t uint8_t int16_t uint16_t int32_t uint32_t int64_t uint64_t fetch rows put Gather Packed fill copy order at bits as "
                    + "least most report error stage pipe tiling tiling_memory error_memory stage_buffer point end Add Sub "
                    + "Mul Div Max Min And Or Not Abs Sqrt Muls Adds Cast Compare Select Duplicate AscendC kernel_operator "
                    + "Double doubles wide NULL EOF linux unix main")
            .split(" ")));

    @Override
    public String prelude(boolean doubles) {
        return doubles ? prelude + "\n" + AscendMachines.resource("codegen/double.h") : prelude;
    }

    @Override
    public Set<String> reserved() {
        return RESERVED;
    }

    @Override
    public List<Integer> widths() {
        return List.of(1);
    }

    @Override
    public Optional<NearWords> near() {
        return Optional.of(new AscendNear(this));
    }

    // ------------------------------------------------------------------------------------------------------- functions

    @Override
    public String kernelHead(String name, List<Parameter> buffers, List<String> symbols, long block) {
        var head = new StringBuilder();
        if (!symbols.isEmpty()) {
            head.append("struct ").append(name).append("_tiling {\n");
            symbols.forEach(symbol -> head.append("    int64_t ").append(symbol).append(";\n"));
            head.append("};\n\n");
        }
        head.append("extern \"C\" __global__ __aicore__ void ").append(name).append('(');
        buffers.forEach(buffer -> head.append("GM_ADDR ").append(buffer.name()).append("_memory, "));
        return head + "GM_ADDR error_memory, GM_ADDR tiling_memory) {";
    }

    @Override
    public String helperHead(CType result) {
        return "__aicore__ static inline " + type(result);
    }

    @Override
    public String place(Parameter buffer) {
        return "";
    }

    @Override
    public String globalNumber(boolean blocks) {
        throw new EmitException("an AI core is no thread");
    }

    @Override
    public String threadNumber() {
        throw new EmitException("an AI core has no threads");
    }

    @Override
    public String barrier() {
        throw new EmitException("an AI core has no threads that could wait for each other");
    }

    @Override
    public String recordError(long code, int failure) {
        return "if (error == 0) error = " + (code << 32 | failure) + "ll;";
    }

    // ---------------------------------------------------------------------------------------------------------- memory

    @Override
    public String pointer(CType element, Space space, boolean constant, boolean shared) {
        return space == Space.GLOBAL ? "const auto" : (constant ? "const " : "") + type(element) + " *";
    }

    @Override
    public String array(CType element, String name, long elements, Space space, boolean shared) {
        return type(element) + " " + name + "[" + elements + "];";
    }

    @Override
    public String load(CType vector, String pointer) {
        throw vectors();
    }

    @Override
    public String store(CType vector, String value, String pointer) {
        throw vectors();
    }

    private static EmitException vectors() {
        return new EmitException("an AI core has no vectors in variables");
    }

    @Override
    public String prefetch(String pointer) {
        return "";
    }

    /// A point of the grid owns what it updates.
    @Override
    public Optional<String> atomic(
            Combine combine, CType element, String pointer, String value, Space space, boolean shared) {
        return Optional.empty();
    }

    @Override
    public String compareAndSwap(
            CType element, String pointer, String expected, String wanted, Space space, boolean shared) {
        throw new EmitException("an AI core has no exchange; a point of the grid owns what it updates");
    }

    // ------------------------------------------------------------------------------------------------------ arithmetic

    @Override
    public String type(CType type) {
        if (type.isVector()) {
            throw vectors();
        }
        return switch (type.base()) {
            case I8 -> "int8_t";
            case U8 -> "uint8_t";
            case I16 -> "int16_t";
            case U16 -> "uint16_t";
            case I32 -> "int32_t";
            case U32 -> "uint32_t";
            case I64 -> "int64_t";
            case U64 -> "uint64_t";
            case F32 -> "float";
            case F64 -> "Double";
            case TRUTH -> "bool";
        };
    }

    @Override
    public String integer(CType type, long value) {
        return switch (type.base()) {
            case U64 -> Long.toUnsignedString(value) + "ull";
            case I64 -> value == Long.MIN_VALUE ? "(-9223372036854775807ll - 1)" : signed(value, "ll");
            case U32 -> (value & 0xffff_ffffL) + "u";
            case I32 -> value == Integer.MIN_VALUE ? "(-2147483647 - 1)" : signed((int) value, "");
            case I16 -> signed((short) value, "");
            case I8 -> signed((byte) value, "");
            case U16 -> Long.toString(value & 0xffff);
            case U8 -> Long.toString(value & 0xff);
            case TRUTH, F32, F64 -> throw new IllegalArgumentException(type + " is no integer");
        };
    }

    private static String signed(long value, String suffix) {
        return value < 0 ? "(" + value + suffix + ")" : value + suffix;
    }

    @Override
    public String floating(CType type, double value) {
        if (type.base() == Base.F64) {
            return "wide::of(0x" + Long.toHexString(Double.doubleToRawLongBits(value)) + "ull)";
        }
        boolean plain = value == Math.rint(value) && Math.abs(value) < 1e7 && !(value == 0 && 1 / value < 0);
        var text = plain ? String.format(Locale.ROOT, "%.1f", value) : Double.toHexString(value);
        return (value < 0 || 1 / value < 0 ? "(" + text : text) + "f" + (value < 0 || 1 / value < 0 ? ")" : "");
    }

    @Override
    public String splat(CType vector, String scalar) {
        throw vectors();
    }

    @Override
    public String build(CType vector, List<String> lanes) {
        throw vectors();
    }

    @Override
    public String lane(CType vector, String value, int lane) {
        throw vectors();
    }

    @Override
    public String convert(CType from, CType to, String value) {
        if (to.base() == Base.F64 && !from.isFloat()) {
            return "Double(" + (from.base().isSigned() ? "int64_t(" : "uint64_t(") + value + "))";
        }
        return type(to) + "(" + value + ")";
    }

    @Override
    public String bits(CType from, CType to, String value) {
        if (to.base() == Base.F64) {
            return "wide::of(" + value + ")";
        }
        boolean integers = !from.isFloat() && !to.isFloat();
        return integers ? convert(from, to, value) : "as<" + type(to) + ">(" + type(from) + "(" + value + "))";
    }

    @Override
    public String compare(String operator, CType operands, String left, String right) {
        return "(" + left + " " + operator + " " + right + ")";
    }

    /// The types on both sides are made alike: an element of memory is not yet a number.
    @Override
    public String choose(CType condition, CType result, String truth, String yes, String no) {
        return "(" + truth + " ? " + type(result) + "(" + yes + ") : " + type(result) + "(" + no + "))";
    }

    @Override
    public String not(CType truth, String value) {
        return "(!" + value + ")";
    }

    @Override
    public String number(CType truth, CType to, String value) {
        return type(to) + (to.base() == Base.F64 ? "(uint64_t(" + value + "))" : "(" + value + ")");
    }

    @Override
    public String any(CType truth, String value) {
        return value;
    }

    @Override
    public String all(CType truth, String value) {
        return value;
    }

    @Override
    public boolean hasDouble() {
        return true;
    }

    @Override
    public String function(Function function, CType type, List<String> arguments) {
        var word = type(type);
        if (type.base() == Base.F64) {
            return wide(function) + "(" + String.join(", ", arguments) + ")";
        }
        return switch (function) {
            case FMA -> "__builtin_fmaf(" + String.join(", ", arguments) + ")";
            case FLOOR -> "__builtin_floorf(" + arguments.getFirst() + ")";
            case CEIL -> "__builtin_ceilf(" + arguments.getFirst() + ")";
            case ROUND -> "__builtin_rintf(" + arguments.getFirst() + ")";
            case TRUNC -> "__builtin_truncf(" + arguments.getFirst() + ")";
            case SQRT -> "__builtin_sqrtf(" + arguments.getFirst() + ")";
            case ABS -> "__builtin_fabsf(" + arguments.getFirst() + ")";
            case COPYSIGN -> "__builtin_copysignf(" + String.join(", ", arguments) + ")";
            case MIN -> "smaller<" + word + ">(" + String.join(", ", arguments) + ")";
            case MAX -> "larger<" + word + ">(" + String.join(", ", arguments) + ")";
            case LEADING_ZEROS -> word + "(" + (type.base() == Base.U64 ? "leadingZeros64(" : "leadingZeros32(")
                    + arguments.getFirst() + ")" + (type.bits() < 32 ? " - " + (32 - type.bits()) : "") + ")";
        };
    }

    private static String wide(Function function) {
        return "wide::"
                + switch (function) {
                    case FMA -> "fused";
                    case FLOOR -> "floor";
                    case CEIL -> "ceil";
                    case ROUND -> "rint";
                    case TRUNC -> "trunc";
                    case SQRT -> "root";
                    case ABS -> "abs";
                    case COPYSIGN -> "copysign";
                    case MIN, MAX, LEADING_ZEROS -> throw new IllegalArgumentException(function + " is one of integers");
                };
    }

    @Override
    public String call(String spelling, List<String> arguments) {
        return spelling + "(" + String.join(", ", arguments) + ")";
    }
}
