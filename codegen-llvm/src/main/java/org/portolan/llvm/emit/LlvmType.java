package org.portolan.llvm.emit;

/// A type of LLVM IR as far as kernels need it: a scalar, or a vector of scalars.
///
/// @param element `i1`, `i32`, `float`, `ptr` and so on
/// @param lanes 0 for a scalar
record LlvmType(String element, long lanes) {
    static final LlvmType BIT = scalar("i1");
    static final LlvmType INT = scalar("i32");
    static final LlvmType LONG = scalar("i64");
    static final LlvmType POINTER = scalar("ptr");

    static LlvmType scalar(String element) {
        return new LlvmType(element, 0);
    }

    static LlvmType integer(int bits) {
        return scalar("i" + bits);
    }

    boolean isVector() {
        return lanes > 0;
    }

    boolean isFloat() {
        return switch (element) {
            case "half", "float", "double" -> true;
            default -> false;
        };
    }

    /// The width of one lane; a pointer's is 64.
    int bits() {
        return switch (element) {
            case "half" -> 16;
            case "float" -> 32;
            case "double", "ptr" -> 64;
            default -> Integer.parseInt(element.substring(1));
        };
    }

    /// The same lanes of another element.
    LlvmType of(String otherElement) {
        return new LlvmType(otherElement, lanes);
    }

    /// The same lanes of integers.
    LlvmType ofBits(int bits) {
        return of("i" + bits);
    }

    LlvmType withLanes(long otherLanes) {
        return new LlvmType(element, otherLanes);
    }

    LlvmType lane() {
        return scalar(element);
    }

    /// How the type is spelled in the name of an intrinsic: `v16f32`.
    String suffix() {
        var word = switch (element) {
            case "half" -> "f16";
            case "float" -> "f32";
            case "double" -> "f64";
            case "ptr" -> "p0";
            default -> element;
        };
        return isVector() ? "v" + lanes + word : word;
    }

    @Override
    public String toString() {
        return isVector() ? "<" + lanes + " x " + element + ">" : element;
    }
}
