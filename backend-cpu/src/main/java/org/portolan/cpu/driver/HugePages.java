package org.portolan.cpu.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Memory in pages of 2 MiB where Linux gives them: a walk over a large arena then misses the address cache much less.
/// The memory is mapped for this purpose, since {@code Arena.allocate} touches (and so places) what it gives.
final class HugePages {
    private static final long PAGE = 2L << 20;
    /// Smaller pieces gain nothing and would waste up to a page.
    private static final long LEAST = 2 * PAGE;
    private static final int READ_AND_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int ADVISE_HUGE_PAGES = 14;
    private static final long FAILED = -1;

    private static final MethodHandle MAP = handle("mmap", FunctionDescriptor.of(
            ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
    private static final MethodHandle ADVISE = handle("madvise", FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    private static final MethodHandle UNMAP = handle("munmap", FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

    private HugePages() {}

    private static MethodHandle handle(String function, FunctionDescriptor descriptor) {
        var linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find(function)
                .map(address -> linker.downcallHandle(address, descriptor))
                .orElse(null);
    }

    /// Memory that begins on a large page, if so much is wanted that it pays and if the system can.
    static Optional<MemorySegment> allocate(Arena arena, long bytes) {
        if (bytes < LEAST || bytes > Long.MAX_VALUE - 2 * PAGE || MAP == null || ADVISE == null || UNMAP == null) {
            return Optional.empty();
        }
        long length = Math.ceilDiv(bytes, PAGE) * PAGE + PAGE;
        try {
            long mapped = (long) MAP.invokeExact(0L, length, READ_AND_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            if (mapped == FAILED) {
                return Optional.empty();
            }
            long begin = Math.ceilDiv(mapped, PAGE) * PAGE;
            // Where large pages are switched off this fails, and the memory is as good as any.
            int _ = (int) ADVISE.invokeExact(begin, length - PAGE, ADVISE_HUGE_PAGES);
            return Optional.of(MemorySegment.ofAddress(begin).reinterpret(bytes, arena, _ -> unmap(mapped, length)));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static void unmap(long mapped, long length) {
        try {
            int _ = (int) UNMAP.invokeExact(mapped, length);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
