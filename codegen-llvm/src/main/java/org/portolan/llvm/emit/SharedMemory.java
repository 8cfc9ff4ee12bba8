package org.portolan.llvm.emit;

import org.portolan.ir.Type;
import org.portolan.ir.Value;

/// Buffers that the threads of a block share. As long as they fit what every launch may have, they are variables of the
/// module, each its own where none takes the place of another; else they lie in memory that the launch asks for.
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
    private final SharedPlan plan;
    private long used;

    /// @param bytes of all shared buffers of the kernel, if each had a place of its own
    /// @param plan where those lie that are known before
    SharedMemory(FunctionBuilder builder, String kernel, long bytes, SharedPlan plan) {
        this.builder = builder;
        this.kernel = kernel;
        this.plan = plan;
        byLaunch = bytes - plan.saved() > PLAIN_BYTES;
        used = plan.total();
        if (byLaunch) {
            builder.module.global(name("shared") + " = external addrspace(3) global [0 x i8], align " + PATTERN);
        } else if (plan.saved() > 0) {
            builder.module.global(
                    name("shared") + " = internal addrspace(3) global [" + used + " x i8] undef, align " + PATTERN);
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

    static long alignment(long bytes) {
        return bytes >= LARGE ? PATTERN : ALIGNMENT;
    }

    /// Of a ring; a copy engine's order of pieces is one of addresses, however small the slots are.
    static long alignment(long bytes, boolean signals) {
        return signals ? PATTERN : alignment(bytes);
    }

    static long up(long bytes, long alignment) {
        return Math.ceilDiv(bytes, alignment) * alignment;
    }

    boolean holds(Type.Buffer type) {
        return type.space() == Type.Space.SHARED;
    }

    /// What a launch must ask for.
    long askedBytes() {
        return byLaunch ? used : 0;
    }

    Operand reserve(Value value, long bytes) {
        return reserve(value, bytes, alignment(bytes));
    }

    /// Memory for one buffer or ring, as a pointer to any memory.
    Operand reserve(Value value, long bytes, long alignment) {
        var planned = plan.offset(value);
        var hinted = value.hint().isEmpty() ? "shared" : value.hint();
        return builder.inEntry(() -> {
            if (byLaunch || planned.isPresent() && plan.saved() > 0) {
                long offset = planned.orElseGet(() -> up(used, alignment));
                used = Math.max(used, offset + rounded(bytes));
                var base = builder.assign(
                        hinted, LlvmType.POINTER, "addrspacecast ptr addrspace(3) " + name("shared") + " to ptr");
                return builder.assign("place", LlvmType.POINTER, "getelementptr i8, " + base + ", i64 " + offset);
            }
            var global = name(builder.fresh("shared_" + hinted));
            builder.module.global(
                    global + " = internal addrspace(3) global [" + rounded(bytes) + " x i8] undef, align " + alignment);
            return builder.assign(hinted, LlvmType.POINTER, "addrspacecast ptr addrspace(3) " + global + " to ptr");
        });
    }

    private String name(String variable) {
        return "@\"" + kernel + "_" + variable + "\"";
    }
}
