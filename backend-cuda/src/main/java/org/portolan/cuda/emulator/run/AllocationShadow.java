package org.portolan.cuda.emulator.run;

/// Who wrote and read the pieces of an allocation last. Room is made for what is touched; host threads that run blocks at
/// once may lose each other's entries, which a check for races can live with.
final class AllocationShadow {
    private static final int CHUNK_SHIFT = 12;
    private static final int CHUNK = 1 << CHUNK_SHIFT;

    private final long[][] writes;
    private final long[][] reads;

    /// @param bytes of the allocation
    AllocationShadow(long bytes) {
        int chunks = (int) ((bytes >>> CHUNK_SHIFT) + 1);
        writes = new long[chunks][];
        reads = new long[chunks][];
    }

    long write(long granule) {
        return get(writes, granule);
    }

    void write(long granule, long account) {
        set(writes, granule, account);
    }

    long read(long granule) {
        return get(reads, granule);
    }

    void read(long granule, long account) {
        set(reads, granule, account);
    }

    private static long get(long[][] chunks, long granule) {
        var chunk = chunks[(int) (granule >>> CHUNK_SHIFT)];
        return chunk == null ? 0 : chunk[(int) granule & CHUNK - 1];
    }

    private static void set(long[][] chunks, long granule, long account) {
        int index = (int) (granule >>> CHUNK_SHIFT);
        var chunk = chunks[index];
        if (chunk == null) {
            synchronized (chunks) {
                chunk = chunks[index];
                if (chunk == null) {
                    chunk = new long[CHUNK];
                    chunks[index] = chunk;
                }
            }
        }
        chunk[(int) granule & CHUNK - 1] = account;
    }
}
