package org.portolan.opencl.codegen;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.portolan.ir.Combine;
import org.portolan.ir.Type.Space;
import org.portolan.lowering.c.CType;
import org.portolan.lowering.c.CType.Base;
import org.portolan.lowering.c.EmitException;
import org.portolan.lowering.c.Words;

/// The words of OpenCL C 1.2. A buffer is a memory object and the number of bytes from its start, since the place of a
/// value in an arena is seldom where a memory object may begin. Truth values of vectors are vectors of {@code int}.
///
/// @param vectorBytes of the machine's vectors; OpenCL C has longer ones, which compilers take apart badly
/// @param hasDouble whether the device has {@code cl_khr_fp64}
/// @param hasLongAtomics whether it has {@code cl_khr_int64_base_atomics}
/// @param warp threads of a sub-group that exchange what they have; 1 where they cannot
record OpenClWords(long vectorBytes, boolean hasDouble, boolean hasLongAtomics, long warp) implements Words {
    /// Which extension exchanges, and which one says how large a sub-group is, differs between vendors.
    private static final String SUB_GROUPS =
            """
            #if defined(cl_khr_subgroup_shuffle)
            #pragma OPENCL EXTENSION cl_khr_subgroup_shuffle : enable
            #define exchange(value, distance) sub_group_shuffle_xor(value, (uint)(distance))
            #elif defined(cl_intel_subgroups)
            #pragma OPENCL EXTENSION cl_intel_subgroups : enable
            #define exchange(value, distance) intel_sub_group_shuffle_xor(value, (uint)(distance))
            #endif
            #if defined(cl_intel_required_subgroup_size)
            #pragma OPENCL EXTENSION cl_intel_required_subgroup_size : enable
            #define SUB_GROUP __attribute__((intel_reqd_sub_group_size(WARP)))
            #elif defined(cl_qcom_reqd_sub_group_size)
            #pragma OPENCL EXTENSION cl_qcom_reqd_sub_group_size : enable
            #define SUB_GROUP __attribute__((qcom_reqd_sub_group_size("PART")))
            #else
            #define SUB_GROUP
            #endif
            """;

    private static final Set<String> RESERVED = Set.copyOf(List.of(("auto break case char const continue default do double "
                    + "else enum extern float for goto if inline int long register restrict return short signed sizeof static "
                    + "struct switch typedef union unsigned void volatile while bool true false half uchar ushort uint ulong "
                    + "size_t kernel global local constant private image1d_t image2d_t image3d_t event_t sampler_t pipe fma "
                    + "floor ceil rint trunc sqrt fabs copysign min max clz any all select barrier get_global_id get_local_id "
                    + "get_group_id vload2 vload4 vload8 vload16 vstore2 vstore4 vstore8 vstore16 prefetch as_float as_double "
                    + "abs sign step mix dot cross length exp log sin cos tan pow erf tanh round "
                    + "atomic_add atomic_cmpxchg exchange SUB_GROUP NULL INFINITY NAN M_PI EOF linux unix quad complex imaginary")
            .split(" ")));

    @Override
    public String prelude(boolean doubles) {
        return "#pragma OPENCL FP_CONTRACT OFF\n"
                + (doubles ? "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n" : "")
                + (hasLongAtomics
                        ? "#ifdef cl_khr_int64_base_atomics\n#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable\n#endif\n"
                        : "")
                + (warp > 1
                        ? SUB_GROUPS.replace("WARP", Long.toString(warp)).replace("PART", warp > 64 ? "full" : "half")
                        : "");
    }

    @Override
    public Set<String> reserved() {
        return RESERVED;
    }

    @Override
    public List<Integer> widths() {
        return vectorBytes >= 64 ? List.of(16, 8, 4, 2, 1) : vectorBytes >= 32 ? List.of(8, 4, 2, 1) : List.of(4, 2, 1);
    }

    // ------------------------------------------------------------------------------------------------------- functions

    @Override
    public String kernelHead(String name, List<Parameter> buffers, List<String> symbols, long block) {
        var head = new StringBuilder("__kernel ");
        if (block > 0) {
            head.append(warp > 1 ? "SUB_GROUP " : "").append("__attribute__((reqd_work_group_size(").append(block).append(", 1, 1))) ");
        }
        head.append("void ").append(name).append('(');
        for (var buffer : buffers) {
            head.append("__global uchar* restrict ").append(buffer.name()).append("_memory, ulong ")
                    .append(buffer.name()).append("_start, ");
        }
        symbols.forEach(symbol -> head.append("long ").append(symbol).append(", "));
        return head + "__global uint* error) {";
    }

    @Override
    public String place(Parameter buffer) {
        var pointer = pointer(buffer.element(), Space.GLOBAL, !buffer.written(), false);
        return pointer + " " + buffer.name() + " = (" + pointer + ")(" + buffer.name() + "_memory + " + buffer.name()
                + "_start);";
    }

    @Override
    public String helperHead(CType result) {
        return "static inline " + type(result);
    }

    @Override
    public String globalNumber(boolean blocks) {
        return blocks ? "get_group_id(0)" : "get_global_id(0)";
    }

    @Override
    public String threadNumber() {
        return "get_local_id(0)";
    }

    @Override
    public String barrier() {
        return "barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);";
    }

    @Override
    public Optional<String> exchange(String value, long distance) {
        return warp > distance ? Optional.of("exchange(" + value + ", " + distance + ")") : Optional.empty();
    }

    /// The word's upper half is the code; whoever stores it stores the lower half, too.
    @Override
    public String recordError(long code, int failure) {
        return "if (atomic_cmpxchg(error + 1, 0u, " + code + "u) == 0u) error[0] = " + failure + "u;";
    }

    // ---------------------------------------------------------------------------------------------------------- memory

    private static String qualifier(Space space, boolean shared) {
        return space == Space.GLOBAL ? "__global " : shared ? "__local " : "";
    }

    @Override
    public String pointer(CType element, Space space, boolean constant, boolean shared) {
        return qualifier(space, shared) + (constant ? "const " : "") + type(element) + "*";
    }

    @Override
    public String array(CType element, String name, long elements, Space space, boolean shared) {
        return qualifier(space, shared) + type(element) + " " + name + "[" + elements + "] __attribute__((aligned(64)));";
    }

    @Override
    public String load(CType vector, String pointer) {
        return "vload" + vector.lanes() + "(0, " + pointer + ")";
    }

    @Override
    public String store(CType vector, String value, String pointer) {
        return "vstore" + vector.lanes() + "(" + value + ", 0, " + pointer + ");";
    }

    @Override
    public String prefetch(String pointer) {
        return "prefetch(" + pointer + ", 1);";
    }

    @Override
    public Optional<String> atomic(
            Combine combine, CType element, String pointer, String value, Space space, boolean shared) {
        if (element.bits() != 32) {
            return Optional.empty();
        }
        var name = switch (combine) {
            case SUM -> "add";
            case PRODUCT -> "";
            case MINIMUM -> "min";
            case MAXIMUM -> "max";
            case AND -> "and";
            case OR -> "or";
            case XOR -> "xor";
        };
        boolean own = space != Space.GLOBAL && !shared;
        return name.isEmpty() || own ? Optional.empty() : Optional.of("atomic_" + name + "(" + pointer + ", " + value + ")");
    }

    @Override
    public String compareAndSwap(
            CType element, String pointer, String expected, String wanted, Space space, boolean shared) {
        if (element.bits() == 64 && !hasLongAtomics) {
            throw new EmitException(
                    "the device has no atomic operations on 64 bits (cl_khr_int64_base_atomics)");
        }
        return (element.bits() == 64 ? "atom_cmpxchg(" : "atomic_cmpxchg(") + pointer + ", " + expected + ", " + wanted + ")";
    }

    // ------------------------------------------------------------------------------------------------------ arithmetic

    @Override
    public String type(CType type) {
        if (type.base() == Base.TRUTH) {
            return type.isVector() ? "int" + type.lanes() : "bool";
        }
        return word(type.base()) + (type.isVector() ? type.lanes() : "");
    }

    private static String word(Base base) {
        return switch (base) {
            case I8 -> "char";
            case U8 -> "uchar";
            case I16 -> "short";
            case U16 -> "ushort";
            case I32, TRUTH -> "int";
            case U32 -> "uint";
            case I64 -> "long";
            case U64 -> "ulong";
            case F32 -> "float";
            case F64 -> "double";
        };
    }

    @Override
    public String integer(CType type, long value) {
        return switch (type.base()) {
            case U64 -> Long.toUnsignedString(value) + "ul";
            case I64 -> value == Long.MIN_VALUE ? "(-9223372036854775807l - 1)" : signed(value, "l");
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
        boolean single = type.base() == Base.F32;
        boolean plain = value == Math.rint(value) && Math.abs(value) < 1e7 && !(value == 0 && 1 / value < 0);
        var text = plain ? String.format(Locale.ROOT, "%.1f", value) : Double.toHexString(value);
        return (value < 0 || 1 / value < 0 ? "(" + text : text) + (single ? "f" : "")
                + (value < 0 || 1 / value < 0 ? ")" : "");
    }

    @Override
    public String splat(CType vector, String scalar) {
        return "((" + type(vector) + ")(" + (vector.base() == Base.TRUTH ? "-" : "") + scalar + "))";
    }

    @Override
    public String build(CType vector, List<String> lanes) {
        var sign = vector.base() == Base.TRUTH ? "-" : "";
        return "((" + type(vector) + ")(" + sign + String.join(", " + sign, lanes) + "))";
    }

    @Override
    public String lane(CType vector, String value, int lane) {
        var text = value + ".s" + Integer.toHexString(lane);
        return vector.base() == Base.TRUTH ? "(" + text + " != 0)" : text;
    }

    @Override
    public String convert(CType from, CType to, String value) {
        return to.isVector() ? "convert_" + type(to) + "(" + value + ")" : "((" + type(to) + ")" + value + ")";
    }

    @Override
    public String bits(CType from, CType to, String value) {
        boolean integers = !from.isFloat() && !to.isFloat() && !to.isVector();
        return integers ? convert(from, to, value) : "as_" + type(to) + "(" + value + ")";
    }

    @Override
    public String compare(String operator, CType operands, String left, String right) {
        var text = "(" + left + " " + operator + " " + right + ")";
        return operands.isVector() && operands.bits() != 32 ? "convert_int" + operands.lanes() + text : text;
    }

    /// A vector is chosen lane by lane where the sign of a lane as wide as its own is set.
    @Override
    public String choose(CType condition, CType result, String truth, String yes, String no) {
        if (condition.isVector() && result.bits() != 32) {
            var wide = "convert_" + type(result.of(result.base().signed())) + "(" + truth + ")";
            return "(" + wide + " ? " + yes + " : " + no + ")";
        }
        return "(" + truth + " ? " + yes + " : " + no + ")";
    }

    @Override
    public String not(CType truth, String value) {
        return truth.isVector() ? "(~" + value + ")" : "(!" + value + ")";
    }

    @Override
    public String number(CType truth, CType to, String value) {
        var one = truth.isVector() ? "(" + value + " & 1)" : value;
        return to.equals(truth.of(Base.I32)) && truth.isVector() ? one : convert(truth, to, one);
    }

    @Override
    public String any(CType truth, String value) {
        return "(any(" + value + ") != 0)";
    }

    @Override
    public String all(CType truth, String value) {
        return "(all(" + value + ") != 0)";
    }

    @Override
    public String function(Function function, CType type, List<String> arguments) {
        var name = switch (function) {
            case FMA -> "fma";
            case FLOOR -> "floor";
            case CEIL -> "ceil";
            case ROUND -> "rint";
            case TRUNC -> "trunc";
            case SQRT -> "sqrt";
            case ABS -> "fabs";
            case COPYSIGN -> "copysign";
            case MIN -> "min";
            case MAX -> "max";
            case LEADING_ZEROS -> "clz";
        };
        // A number among the arguments has a type of its own.
        boolean cast = !type.isVector() && !type.isFloat() && type.base() != Base.I32;
        return name + arguments.stream()
                .map(argument -> cast ? "(" + type(type) + ")(" + argument + ")" : argument)
                .collect(Collectors.joining(", ", "(", ")"));
    }

    @Override
    public String call(String spelling, List<String> arguments) {
        return spelling + "(" + String.join(", ", arguments) + ")";
    }
}
