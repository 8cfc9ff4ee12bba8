package org.portolan.cuda.emulator.run;

import java.util.Arrays;

/// Counts what memory requests of a worker cost, by instruction: sectors of global memory, and how often shared memory
/// must be accessed one after the other because lanes want different words of one bank.
public final class MemoryCounters {
    static final int SECTOR_SHIFT = 5;
    private static final int BANKS = 32;
    private static final int WORD_SHIFT = 2;

    final long[] requests;
    final long[] parts;
    private final long[] seen = new long[Warp.LANES * 2];
    private final int[] perBank = new int[BANKS];

    MemoryCounters(int instructions) {
        requests = new long[instructions];
        parts = new long[instructions];
    }

    /// A request for global memory: sectors of 32 bytes that it touches.
    void global(int instruction, long[] addresses, int mask, int bytes) {
        int count = 0;
        for (int left = mask; left != 0; left &= left - 1) {
            long address = addresses[Integer.numberOfTrailingZeros(left)];
            count = add(count, address >>> SECTOR_SHIFT);
            if (bytes > 1) {
                count = add(count, address + bytes - 1 >>> SECTOR_SHIFT);
            }
        }
        requests[instruction]++;
        parts[instruction] += count;
    }

    /// A copy of neighbouring bytes.
    void bulk(int instruction, long address, int bytes) {
        requests[instruction]++;
        parts[instruction] += (address + bytes - 1 >>> SECTOR_SHIFT) - (address >>> SECTOR_SHIFT) + 1;
    }

    /// A request for shared memory: rounds that it takes. Wide accesses are served in as many parts of the warp as 128
    /// bytes a round need.
    void shared(int instruction, long[] addresses, int mask, int bytes) {
        int lanesAtOnce = Math.max(1, Math.min(Warp.LANES, Warp.LANES * Integer.BYTES / bytes));
        int rounds = 0;
        for (int first = 0; first < Warp.LANES; first += lanesAtOnce) {
            Arrays.fill(perBank, 0);
            int count = 0;
            int worst = 0;
            for (int lane = first; lane < first + lanesAtOnce; lane++) {
                if ((mask >>> lane & 1) == 0) {
                    continue;
                }
                long end = addresses[lane] + bytes - 1 >>> WORD_SHIFT;
                for (long word = addresses[lane] >>> WORD_SHIFT; word <= end; word++) {
                    int more = add(count, word);
                    if (more > count) {
                        int bank = (int) word & BANKS - 1;
                        worst = Math.max(worst, ++perBank[bank]);
                        count = more;
                    }
                }
            }
            rounds += worst;
        }
        requests[instruction]++;
        parts[instruction] += rounds;
    }

    private int add(int count, long value) {
        for (int index = count - 1; index >= 0; index--) {
            if (seen[index] == value) {
                return count;
            }
        }
        seen[count] = value;
        return count + 1;
    }
}
