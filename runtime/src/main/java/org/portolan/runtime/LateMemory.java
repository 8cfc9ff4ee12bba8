package org.portolan.runtime;

import java.util.ArrayList;
import java.util.List;
import org.portolan.runtime.device.SynchronousQueue;

/// Memory of the slots whose size a run finds out. Each grows by itself and keeps its contents; what they take together
/// is limited.
final class LateMemory implements AutoCloseable {
    /// Memory beyond this is given back after a run that needed it.
    private static final long KEPT = 64L << 20;
    private static final long SMALLEST = 256;

    private final RunState state;
    private final DeviceBlock[] blocks;
    private final long limit;
    private long total;
    /// Blocks that have been replaced and that the device may still copy from.
    private final List<DeviceBlock> replaced = new ArrayList<>();

    LateMemory(RunState state, long limit) {
        this.state = state;
        this.limit = limit;
        blocks = new DeviceBlock[state.plan.slotBytes.length];
    }

    void begin() {
        if (total > KEPT) {
            close();
        }
    }

    long capacity(int slot) {
        return blocks[slot] == null ? 0 : blocks[slot].capacity();
    }

    long address(int slot) {
        return blocks[slot] == null ? 0 : blocks[slot].address();
    }

    DeviceBlock block(int slot) {
        return blocks[slot];
    }

    /// Makes room in a slot and gives its address.
    long reserve(int slot, long bytes) {
        if (blocks[slot] == null) {
            blocks[slot] = new DeviceBlock(state, state.device());
        }
        var block = blocks[slot];
        if (bytes > block.capacity()) {
            grow(block, bytes);
        }
        return block.address();
    }

    private void grow(DeviceBlock block, long bytes) {
        long others = total - block.capacity();
        if (bytes > limit - others) {
            throw new PortolanException.LimitExceeded("results whose size depends on the data need " + bytes
                    + " bytes beside " + others + "; the limit is " + limit
                    + " (SessionOptions.withLateLimit raises it)");
        }
        long capacity = Math.min(limit - others, Math.max(Math.max(SMALLEST, bytes), block.capacity() * 2));
        var larger = new DeviceBlock(state, state.device());
        larger.reserve(capacity);
        if (block.capacity() > 0) {
            state.queue().copy(block.address(), larger.address(), block.capacity());
        }
        total = others + capacity;
        var old = new DeviceBlock(state, state.device());
        old.replaceBy(block);
        replaced.add(old);
        block.replaceBy(larger);
        if (state.queue() instanceof SynchronousQueue) {
            settled();
        }
    }

    /// All queues have done what they were given.
    void settled() {
        if (!replaced.isEmpty()) {
            replaced.forEach(DeviceBlock::close);
            replaced.clear();
        }
    }

    @Override
    public void close() {
        for (var block : blocks) {
            if (block != null) {
                block.close();
            }
        }
        settled();
        total = 0;
    }
}
