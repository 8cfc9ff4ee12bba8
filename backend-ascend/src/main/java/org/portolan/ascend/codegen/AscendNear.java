package org.portolan.ascend.codegen;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.Relation;
import org.portolan.ir.TileOp.Unit;
import org.portolan.lowering.c.CType;
import org.portolan.lowering.c.CType.Base;
import org.portolan.lowering.c.EmitException;
import org.portolan.lowering.c.NearWords;
import org.portolan.lowering.c.Words;
import org.portolan.runtime.type.ElementType;

/// How vectors in memory are spelled in Ascend C: {@code TBuf} and {@code TQue}, the operations on whole tensors of the
/// basic API, {@code DataCopyPad} and {@code PipeBarrier}. Truth values in near memory are bits, as {@code Compare} makes
/// them. A float of 16 bits is held as its bits and seen as {@code half} or {@code bfloat16_t} where it is computed with.
record AscendNear(AscendWords words) implements NearWords {

    // --------------------------------------------------------------------------------------------------------- kernels

    @Override
    public List<String> begin(List<Words.Parameter> buffers, List<String> symbols, String function, boolean matrices) {
        var lines = new ArrayList<String>();
        lines.add("KERNEL_TASK_TYPE_DEFAULT(" + (matrices ? "KERNEL_TYPE_AIC_ONLY" : "KERNEL_TYPE_AIV_ONLY") + ");");
        lines.add("TPipe pipe;");
        if (matrices) {
            lines.add("Cube cube;");
            lines.add("cube.open(pipe);");
        } else {
            lines.add("TBuf<TPosition::VECCALC> stage_buffer;");
            lines.add("pipe.InitBuffer(stage_buffer, 32);");
            lines.add("const auto stage = stage_buffer.Get<uint8_t>();");
        }
        if (!symbols.isEmpty()) {
            lines.add("const auto tiling = (__gm__ " + function + "_tiling *)tiling_memory;");
            symbols.forEach(symbol -> lines.add("const int64_t " + symbol + " = tiling->" + symbol + ";"));
        }
        for (var buffer : buffers) {
            var type = inMemory(buffer.element());
            lines.add("GlobalTensor<" + type + "> " + buffer.name() + ";");
            lines.add(buffer.name() + ".SetGlobalBuffer((__gm__ " + type + " *)" + buffer.name() + "_memory);");
        }
        if (!matrices) {
            lines.add("int64_t error = 0;");
        }
        return lines;
    }

    @Override
    public List<String> end(boolean matrices) {
        return matrices ? List.of() : List.of("report(error_memory, error, stage);");
    }

    /// The result, the left matrix and the right one, whose rows are the columns of the result.
    @Override
    public String call(String spelling, List<Matrix> matrices) {
        var text = new StringBuilder(spelling + "(cube");
        matrices.forEach(matrix -> text.append(", ").append(matrix.buffer().name()).append(", ").append(matrix.place())
                .append(", ").append(matrix.stride()));
        var result = matrices.getFirst();
        return text + ", " + result.rows() + ", " + result.columns() + ", " + matrices.get(1).columns() + ");";
    }

    @Override
    public String firstPoint(String points) {
        return "GetBlockIdx() * ((" + points + " + GetBlockNum() - 1) / GetBlockNum())";
    }

    @Override
    public String endPoint(String points) {
        return "least(" + points + ", (GetBlockIdx() + 1) * ((" + points + " + GetBlockNum() - 1) / GetBlockNum()))";
    }

    @Override
    public String elements(Words.Parameter buffer) {
        var elements = buffer.written() ? "at(" + buffer.name() + ", stage)" : "at(" + buffer.name() + ")";
        return buffer.element().base() == Base.F64 ? "doubles(" + elements + ")" : elements;
    }

    /// Numbers that the chip lacks are integers in memory.
    private String inMemory(CType type) {
        return words.type(type.base() == Base.F64 ? type.of(Base.U64) : type);
    }

    @Override
    public String elements(Piece piece) {
        return switch (piece.element()) {
            case BOOL -> "bits(" + piece.name() + ")";
            case F64 -> "doubles(at(" + piece.name() + "))";
            case F32, F16, BF16, F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1, I64, I32, I16, I8, I4, I2, U64, U32, U16,
                    U8, U4, U2, INDEX, STRING -> "at(" + piece.name() + ")";
        };
    }

    @Override
    public String packed(Words.Parameter buffer, String name, int bits, String elements) {
        return "Packed<" + bits + "> " + name + " = {at(" + buffer.name() + ", stage), " + elements + "};";
    }

    @Override
    public String store(String packed, String element, String value) {
        return packed + ".set(" + element + ", " + value + ");";
    }

    // ------------------------------------------------------------------------------------------------------ near memory

    /// What a tensor in near memory is declared with.
    private String held(ElementType element) {
        return words.type(new CType(base(element), 1));
    }

    static Base base(ElementType element) {
        return switch (element) {
            case F32 -> Base.F32;
            case F16, BF16, U16 -> Base.U16;
            case I16 -> Base.I16;
            case I32 -> Base.I32;
            case U32 -> Base.U32;
            case I64, INDEX -> Base.I64;
            case U64, F64 -> Base.U64;
            case I8 -> Base.I8;
            case F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, U8, BOOL -> Base.U8;
            case F4E2M1, I4, I2, U4, U2, STRING ->
                throw new EmitException("near memory holds no elements of type " + element.text());
        };
    }

    /// The bytes of a piece; comparisons and what takes their results work on whole multiples of 256 elements' bytes.
    static long bytes(Piece piece) {
        long bytes = piece.element() == ElementType.BOOL
                ? Math.ceilDiv(piece.count(), 8)
                : piece.element().bytes(piece.count());
        return Math.ceilDiv(bytes, 32) * 32;
    }

    @Override
    public List<String> allocate(Piece piece) {
        return List.of(
                "TBuf<TPosition::VECCALC> " + piece.name() + "_buffer;",
                "pipe.InitBuffer(" + piece.name() + "_buffer, " + bytes(piece) + ");",
                "const auto " + piece.name() + " = " + piece.name() + "_buffer.Get<" + held(piece.element()) + ">();");
    }

    @Override
    public List<String> queue(String name, Piece slot, long depth, boolean incoming) {
        return List.of(
                "TQue<TPosition::" + (incoming ? "VECIN" : "VECOUT") + ", 1> " + name + ";",
                "pipe.InitBuffer(" + name + ", " + depth + ", " + bytes(slot) + ");");
    }

    @Override
    public String acquire(String queue, Piece slot) {
        return "const auto " + slot.name() + " = " + queue + ".AllocTensor<" + held(slot.element()) + ">();";
    }

    @Override
    public String publish(String queue, Piece slot) {
        return queue + ".EnQue(" + slot.name() + ");";
    }

    @Override
    public String consume(String queue, Piece slot) {
        return "const auto " + slot.name() + " = " + queue + ".DeQue<" + held(slot.element()) + ">();";
    }

    @Override
    public String release(String queue, Piece slot) {
        return queue + ".FreeTensor(" + slot.name() + ");";
    }

    @Override
    public String view(Piece whole, Piece part, String first) {
        return "const auto " + part.name() + " = " + whole.name() + "[" + first + "];";
    }

    @Override
    public List<String> fetch(
            Words.Parameter from, String place, Optional<String> first, Optional<String> limit, Optional<String> other,
            Piece to, long count) {
        var type = held(to.element());
        return List.of("fetch<" + type + ">(" + to.name() + ", " + from.name() + ", " + place + ", " + first.orElse("0")
                + ", " + limit.orElse(Long.toString(count)) + ", "
                + other.map(text -> whole(to.element(), text)).orElse(type + "(0)") + ", " + count + ");");
    }

    @Override
    public List<String> rows(
            Words.Parameter from, String place, Steps steps, Optional<String> first, Optional<String> limit, Optional<String> other,
            Piece to) {
        var type = held(to.element());
        return List.of("rows<" + type + ">(" + to.name() + ", " + from.name() + ", " + place + ", " + steps.step() + ", " + steps.width()
                + ", " + first.orElse("0") + ", " + limit.orElse(Long.toString(steps.count())) + ", "
                + other.map(text -> whole(to.element(), text)).orElse(type + "(0)") + ", " + steps.count() + ", " + steps.spread() + ");");
    }

    @Override
    public String take(Piece to, Piece from, Piece places, long count) {
        // Gather moves 16 or 32 bits: what is wider goes in halves, each with a place of its own.
        return to.element().bits() == 64
                ? "Gather(" + as(to, "uint32_t") + ", " + as(from, "uint32_t") + ", " + places.name() + ", uint32_t(0), " + 2 * count + ");"
                : "Gather(" + to.name() + ", " + from.name() + ", " + places.name() + ", uint32_t(0), " + count + ");";
    }

    @Override
    public List<String> put(
            Piece from, Words.Parameter to, String place, Optional<String> first, Optional<String> limit, long count) {
        return List.of("put<" + held(from.element()) + ">(" + to.name() + ", " + place + ", " + from.name() + ", "
                + first.orElse("0") + ", " + limit.orElse(Long.toString(count)) + ", " + count + ", stage);");
    }

    @Override
    public String order(Unit before, Unit after) {
        return before == after
                ? "PipeBarrier<PIPE_" + pipe(before) + ">();"
                : "order<HardEvent::" + pipe(before) + "_" + pipe(after) + ">();";
    }

    private static String pipe(Unit unit) {
        return switch (unit) {
            case SCALAR -> "S";
            case VECTOR -> "V";
            case MATRIX -> "M";
            case COPY_IN -> "MTE2";
            case COPY_OUT -> "MTE3";
        };
    }

    // ------------------------------------------------------------------------------------------------------- arithmetic

    /// The type in which the vector unit computes with an element.
    private static String computed(ElementType element) {
        return switch (element) {
            case F32 -> "float";
            case F16 -> "half";
            case BF16 -> "bfloat16_t";
            case I8 -> "int8_t";
            case U8 -> "uint8_t";
            case I16, U16 -> "int16_t";
            case I32, U32 -> "int32_t";
            case I64 -> "int64_t";
            case U64, F64, F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1, I4, I2, U4, U2, BOOL, INDEX, STRING ->
                throw new EmitException("the vector unit computes with no elements of type " + element.text());
        };
    }

    private String as(Piece piece, String type) {
        return held(piece.element()).equals(type) && piece.element() != ElementType.BOOL
                ? piece.name()
                : piece.name() + ".ReinterpretCast<" + type + ">()";
    }

    private String as(Operand operand, String type) {
        return as(operand.piece().orElseThrow(), type);
    }

    /// A scalar operand as the type that is computed with.
    private String scalar(Operand operand, String type) {
        var held = held(operand.element());
        return held.equals(type) ? type + "(" + operand.scalar() + ")" : "as<" + type + ">(" + held + "(" + operand.scalar() + "))";
    }

    /// The 16-bit words of a piece, for what works on bits.
    private static long words16(ElementType element, long count) {
        return element == ElementType.BOOL ? Math.ceilDiv(count, 16) : element.bytes(count) / 2;
    }

    @Override
    public List<String> map(Piece to, List<Operand> from, Optional<ArithOp> op, long count) {
        return List.of(op.map(own -> instruction(to, from, own, count)).orElseGet(() -> copy(to, from.getFirst(), count)));
    }

    private String copy(Piece to, Operand from, long count) {
        if (from.piece().isPresent()) {
            return "copy(" + to.name() + ", " + from.piece().get().name() + ", " + 2 * words16(to.element(), count) + ");";
        }
        if (to.element() == ElementType.BOOL) {
            return "fill<uint8_t>(" + to.name() + ", " + from.scalar() + " ? 255 : 0, " + 2 * words16(to.element(), count) + ");";
        }
        return "fill<" + held(to.element()) + ">(" + to.name() + ", " + whole(to.element(), from.scalar()) + ", " + count + ");";
    }

    /// A scalar as what stands for it in near memory.
    private static String whole(ElementType element, String scalar) {
        return element == ElementType.F64 ? "(" + scalar + ").bits" : scalar;
    }

    private String instruction(Piece to, List<Operand> from, ArithOp op, long count) {
        return switch (op) {
            case ArithOp.Add _ -> binary("Add", to, from, count);
            case ArithOp.Sub _ -> binary("Sub", to, from, count);
            case ArithOp.Mul _ -> binary("Mul", to, from, count);
            case ArithOp.Max _ -> binary("Max", to, from, count);
            case ArithOp.Min _ -> binary("Min", to, from, count);
            case ArithOp.Div _ -> binary("Div", to, from, count);
            case ArithOp.And _ -> bitwise("And", to, from, count);
            case ArithOp.Or _ -> bitwise("Or", to, from, count);
            case ArithOp.Not _ -> bitwise("Not", to, from, count);
            case ArithOp.Abs _ -> unary("Abs", to, from, count);
            case ArithOp.Sqrt _ -> unary("Sqrt", to, from, count);
            case ArithOp.Neg _ -> {
                var type = computed(to.element());
                yield "Muls(" + as(to, type) + ", " + as(from.getFirst(), type) + ", " + type + "(-1), " + count + ");";
            }
            case ArithOp.Floor _ -> cast(to, from.getFirst(), "CAST_FLOOR", count);
            case ArithOp.Ceil _ -> cast(to, from.getFirst(), "CAST_CEIL", count);
            case ArithOp.Round _ -> cast(to, from.getFirst(), "CAST_RINT", count);
            case ArithOp.Trunc _ -> cast(to, from.getFirst(), "CAST_TRUNC", count);
            case ArithOp.Cast _ -> cast(to, from.getFirst(), rounding(from.getFirst().element(), to.element()), count);
            case ArithOp.Bitcast _ -> {
                var source = as(from.getFirst(), held(to.element()));
                yield "copy(" + to.name() + ", " + source + ", " + to.element().bytes(count) + ");";
            }
            case ArithOp.Shl _ -> shift("ShiftLeft", to, from, count);
            case ArithOp.Shr _ -> shift("ShiftRight", to, from, count);
            case ArithOp.Compare compare -> compare(to, from, compare.relation(), count);
            case ArithOp.Select _ -> {
                // Bits are chosen, whatever they stand for.
                var type = to.element().bits() == 32 ? "float" : "half";
                yield "Select(" + as(to, type) + ", " + from.getFirst().piece().orElseThrow().name() + ", "
                        + as(from.get(1), type) + ", " + as(from.get(2), type)
                        + ", SELMODE::VSEL_TENSOR_TENSOR_MODE, " + count + ");";
            }
            case ArithOp.Const _, ArithOp.Integer _, ArithOp.Fma _, ArithOp.Unary _, ArithOp.Binary _ ->
                throw new EmitException("the vector unit has no " + OpSchema.of(op).name());
        };
    }

    private String binary(String name, Piece to, List<Operand> from, long count) {
        var type = computed(to.element());
        var right = from.get(1);
        return right.piece().isPresent()
                ? name + "(" + as(to, type) + ", " + as(from.getFirst(), type) + ", " + as(right, type) + ", " + count + ");"
                : name + "s(" + as(to, type) + ", " + as(from.getFirst(), type) + ", " + scalar(right, type) + ", " + count
                        + ");";
    }

    private String unary(String name, Piece to, List<Operand> from, long count) {
        var type = computed(to.element());
        return name + "(" + as(to, type) + ", " + as(from.getFirst(), type) + ", " + count + ");";
    }

    private String bitwise(String name, Piece to, List<Operand> from, long count) {
        var text = new StringBuilder(name + "(" + as(to, "uint16_t"));
        from.forEach(operand -> text.append(", ").append(as(operand, "uint16_t")));
        return text + ", " + words16(to.element(), count) + ");";
    }

    /// To the right the sign comes along where there is one.
    private String shift(String name, Piece to, List<Operand> from, long count) {
        var type = held(to.element());
        return name + "(" + as(to, type) + ", " + as(from.getFirst(), type) + ", " + type + "(" + from.get(1).scalar() + "), "
                + count + ");";
    }

    private String cast(Piece to, Operand from, String mode, long count) {
        return "Cast(" + as(to, computed(to.element())) + ", " + as(from, computed(from.element())) + ", RoundMode::" + mode
                + ", " + count + ");";
    }

    private static String rounding(ElementType from, ElementType to) {
        if (from.isFloat() && !to.isFloat()) {
            return "CAST_TRUNC";
        }
        boolean exact = from.isFloat() && from.bits() < to.bits() || from.bits() <= 16 && !from.isFloat();
        return exact ? "CAST_NONE" : "CAST_RINT";
    }

    private String compare(Piece to, List<Operand> from, Relation relation, long count) {
        var type = computed(from.getFirst().element());
        var mode = switch (relation) {
            case EQUAL -> "EQ";
            case NOT_EQUAL -> "NE";
            case LESS -> "LT";
            case LESS_OR_EQUAL -> "LE";
            case GREATER -> "GT";
            case GREATER_OR_EQUAL -> "GE";
        };
        var right = from.get(1);
        return right.piece().isPresent()
                ? "Compare(" + to.name() + ", " + as(from.getFirst(), type) + ", " + as(right, type) + ", CMPMODE::" + mode
                        + ", " + count + ");"
                : "CompareScalar(" + to.name() + ", " + as(from.getFirst(), type) + ", " + scalar(right, type)
                        + ", CMPMODE::" + mode + ", " + count + ");";
    }
}
