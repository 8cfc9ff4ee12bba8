package org.portolan.runtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.portolan.runtime.plan.Plan;

/// Host memory for outputs, handed out per run and used again once its {@link Outputs} are closed. It belongs to the
/// garbage collector, so that outputs may outlive the session and a forgotten close does not leak.
final class OutputMemory {
    private final int kept;
    private final ArrayDeque<MemorySegment> free = new ArrayDeque<>();

    /// @param kept how many free pieces to hold on to
    OutputMemory(int kept) {
        this.kept = kept;
    }

    /// Memory of at least so many bytes, aligned, its contents undefined.
    synchronized MemorySegment take(long bytes) {
        for (var pieces = free.iterator(); pieces.hasNext(); ) {
            var piece = pieces.next();
            // A much larger piece is left for a run that needs it.
            if (piece.byteSize() >= bytes && piece.byteSize() / 4 <= bytes) {
                pieces.remove();
                return piece;
            }
        }
        return allocate(bytes);
    }

    synchronized void giveBack(MemorySegment piece) {
        if (free.size() == kept) {
            free.removeLast();
        }
        free.addFirst(piece);
    }

    static MemorySegment allocate(long bytes) {
        return Arena.ofAuto().allocate(bytes, Plan.ALIGNMENT);
    }
}
