package org.portolan.llvm.emit;

import org.portolan.ir.Type;

/// Buffers that the threads of a block share. As long as they fit what every launch may have, each is a variable of the
/// module; else all of them lie one behind the other in memory that the launch asks for.
final class SharedMemory {
    /// More than this is only given to a launch that asks for it.
    static final long PLAIN_BYTES = 48 << 10;

    /// Wide enough for the widest load, and for a row of eight of them.
    private static final long ALIGNMENT = 128;
    /// Eight such rows, after which the order of their pieces repeats; for buffers of a size that matters.
    private static final long PATTERN = 8 * ALIGNMENT;

    private static final long LARGE = 4 * PATTERN;

    private final FunctionBuilder builder;
    private final String kernel;
    private final boolean byLaunch;
    private long used;

    /// @param bytes of all shared buffers of the kernel
    SharedMemory(FunctionBuilder builder, String kernel, long bytes) {
        this.builder = builder;
        this.kernel = kernel;
        byLaunch = bytes > PLAIN_BYTES;
        if (byLaunch) {
            builder.module.global(name("shared") + " = external addrspace(3) global [0 x i8], align " + PATTERN);
        }
    }

    static long rounded(long bytes) {
        return up(Math.max(1, bytes), alignment(bytes));
    }

    /// A slot that a copy engine fills begins where the order of its pieces does.
    static long slotBytes(long bytes) {
        return up(bytes, PATTERN);
    }

    /// The barrier objects of a ring that signals.
    static long barrierBytes(long depth) {
        return 2 * depth * BoxCopies.OBJECT_BYTES;
    }

    private static long alignment(long bytes) {
        return bytes >= LARGE ? PATTERN : ALIGNMENT;
    }

    private static long up(long bytes, long alignment) {
        return Math.ceilDiv(bytes, alignment) * alignment;
    }

    boolean holds(Type.Buffer type) {
        return type.space() == Type.Space.SHARED;
    }

    /// What a launch must ask for.
    long askedBytes() {
        return byLaunch ? used : 0;
    }

    /// Memory for one buffer, as a pointer to any memory.
    Operand reserve(String hint, long bytes) {
        long offset = up(used, alignment(bytes));
        used = offset + rounded(bytes);
        var hinted = hint.isEmpty() ? "shared" : hint;
        return builder.inEntry(() -> {
            if (byLaunch) {
                var base = builder.assign(
                        hinted, LlvmType.POINTER, "addrspacecast ptr addrspace(3) " + name("shared") + " to ptr");
                return builder.assign("place", LlvmType.POINTER, "getelementptr i8, " + base + ", i64 " + offset);
            }
            var global = name(builder.fresh("shared_" + hinted));
            builder.module.global(
                    global + " = internal addrspace(3) global [" + rounded(bytes) + " x i8] undef, align " + alignment(bytes));
            return builder.assign(hinted, LlvmType.POINTER, "addrspacecast ptr addrspace(3) " + global + " to ptr");
        });
    }

    private String name(String variable) {
        return "@\"" + kernel + "_" + variable + "\"";
    }
}
