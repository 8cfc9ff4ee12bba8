package org.portolan.cuda.emulator.text;

/// The types of PTX by name.
public final class PtxTypes {
    private PtxTypes() {}

    /// Bits of a type without its dot, 1 for {@code pred}; 0 if it is no type.
    public static int bits(String type) {
        return switch (type) {
            case "pred" -> 1;
            case "b8", "u8", "s8" -> 8;
            case "b16", "u16", "s16", "f16", "bf16" -> 16;
            case "b32", "u32", "s32", "f32", "f16x2", "bf16x2", "tf32", "u16x2", "s16x2" -> 32;
            case "b64", "u64", "s64", "f64", "f32x2" -> 64;
            case "b128" -> 128;
            default -> 0;
        };
    }
}
