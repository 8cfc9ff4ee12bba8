package org.portolan.cuda.emulator.run;

/// A variable in shared memory.
///
/// @param offset where it begins
/// @param bytes of it; those of the variable whose size the launch decides are set at the launch
/// @param alignment in bytes, as it is declared
/// @param dynamic whether the launch decides its size
public record SharedVariable(String name, int offset, int bytes, int alignment, boolean dynamic) {
    /// Bytes between two variables, which belong to nobody: a multiple of the banks, so that these stay as they are.
    public static final int GAP = 1024;

    /// The same with a size.
    SharedVariable withBytes(int size) {
        return new SharedVariable(name, offset, size, alignment, dynamic);
    }

    String describe() {
        return "the " + bytes + " bytes of " + name;
    }
}
