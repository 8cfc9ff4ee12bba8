package org.portolan.llvm.emit;

import org.portolan.ir.Type;
import org.portolan.runtime.type.ElementType;

/// How the types of the IR are held in LLVM registers. Floats of fewer than 32 bits are held as their bits, in
/// integers: LLVM would call into a compiler runtime for them where the processor has no such instructions.
final class Words {
    private Words() {}

    /// The type of a scalar, vector or mask; of a fragment, what one lane holds of it.
    ///
    /// @throws EmitException for types that have no value in a register
    static LlvmType of(Type type) {
        return switch (type) {
            case Type.Scalar(ElementType element) -> LlvmType.scalar(of(element));
            case Type.Vector(long lanes, ElementType element) -> new LlvmType(of(element), lanes);
            case Type.Mask(long lanes) -> new LlvmType("i1", lanes);
            case Type.Fragment fragment ->
                new LlvmType(of(fragment.element()), Spread.of(fragment).registers());
            case Type.Tensor _,
                    Type.Buffer _,
                    Type.Ring _,
                    Type.Sequence _,
                    Type.Maybe _ -> throw new EmitException("a value of type " + type + " fits no register of this target");
        };
    }

    private static String of(ElementType element) {
        return switch (element) {
            case F64 -> "double";
            case F32 -> "float";
            case F16, BF16, I16, U16 -> "i16";
            case F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, I8, U8 -> "i8";
            case F4E2M1, I4, U4 -> "i4";
            case I2, U2 -> "i2";
            case I32, U32 -> "i32";
            case I64, U64, INDEX -> "i64";
            case BOOL -> "i1";
            case STRING -> throw new EmitException("text is handled on the host, never in a kernel");
        };
    }

    /// What an element is in memory, for loads and address arithmetic; elements of less than a byte are packed and
    /// have none.
    static String inMemory(ElementType element) {
        return element == ElementType.BOOL ? "i8" : of(element);
    }

    static boolean isPacked(ElementType element) {
        return element.bits() < 8;
    }

    /// Whether a float is held as its bits and computed in `f32`.
    static boolean isSmallFloat(ElementType element) {
        return element.isFloat() && element.bits() < 32;
    }
}
