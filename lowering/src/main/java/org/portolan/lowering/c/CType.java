package org.portolan.lowering.c;

import org.portolan.runtime.type.ElementType;

/// A type that a variable can have: a number or truth value, alone or in the lanes of a vector that the language has.
/// Floats of fewer than 32 bits are held as their bits, integers of fewer than 8 in a byte.
///
/// @param lanes 1 for a scalar
public record CType(Base base, int lanes) {

    /// What a lane is.
    public enum Base {
        I8(8, true),
        U8(8, false),
        I16(16, true),
        U16(16, false),
        I32(32, true),
        U32(32, false),
        I64(64, true),
        U64(64, false),
        F32(32, true),
        F64(64, true),
        /// The result of a comparison: as a vector all bits of a lane of 32 bits.
        TRUTH(32, true);

        private final int bits;
        private final boolean signed;

        Base(int bits, boolean signed) {
            this.bits = bits;
            this.signed = signed;
        }

        public int bits() {
            return bits;
        }

        public boolean isSigned() {
            return signed;
        }

        public boolean isFloat() {
            return this == F32 || this == F64;
        }

        /// The unsigned integer of as many bits.
        public Base unsigned() {
            return integer(bits, false);
        }

        /// The signed integer of as many bits.
        public Base signed() {
            return integer(bits, true);
        }

        private static Base integer(int bits, boolean signed) {
            return switch (bits) {
                case 8 -> signed ? I8 : U8;
                case 16 -> signed ? I16 : U16;
                case 32 -> signed ? I32 : U32;
                default -> signed ? I64 : U64;
            };
        }

        /// In names of functions: {@code i32}.
        public String word() {
            return this == TRUTH ? "truth" : (isFloat() ? "f" : signed ? "i" : "u") + bits;
        }
    }

    public static final CType INDEX = new CType(Base.I64, 1);
    public static final CType INT = new CType(Base.I32, 1);
    public static final CType TRUTH = new CType(Base.TRUTH, 1);

    /// How an element is held in a variable.
    static CType of(ElementType element) {
        return new CType(
                switch (element) {
                    case F64 -> Base.F64;
                    case F32 -> Base.F32;
                    case F16, BF16, U16 -> Base.U16;
                    case F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1, U8, U4, U2 -> Base.U8;
                    case I8, I4, I2 -> Base.I8;
                    case I16 -> Base.I16;
                    case I32 -> Base.I32;
                    case U32 -> Base.U32;
                    case I64, INDEX -> Base.I64;
                    case U64 -> Base.U64;
                    case BOOL -> Base.TRUTH;
                    case STRING -> throw new EmitException("text is handled on the host, never in a kernel");
                },
                1);
    }

    /// What an element is in memory; elements of less than a byte share bytes.
    static CType inMemory(ElementType element) {
        return element == ElementType.BOOL || element.bits() < 8 ? new CType(Base.U8, 1) : of(element);
    }

    static boolean isPacked(ElementType element) {
        return element.bits() < 8;
    }

    /// Whether a float is held as its bits and computed in {@code f32}.
    static boolean isSmallFloat(ElementType element) {
        return element.isFloat() && element.bits() < 32;
    }

    public boolean isVector() {
        return lanes > 1;
    }

    public boolean isFloat() {
        return base.isFloat();
    }

    public int bits() {
        return base.bits();
    }

    /// The same lanes of something else.
    public CType of(Base other) {
        return new CType(other, lanes);
    }

    public CType withLanes(int other) {
        return new CType(base, other);
    }

    public CType lane() {
        return withLanes(1);
    }

    /// In names of functions: {@code f32x8}.
    public String word() {
        return isVector() ? base.word() + "x" + lanes : base.word();
    }
}
