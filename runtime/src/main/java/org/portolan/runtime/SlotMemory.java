package org.portolan.runtime;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;

/// The address of every slot in the current run, and the memory of a run state behind them.
final class SlotMemory implements AutoCloseable {
    private final RunState state;
    private final FlatPlan plan;
    private final long[] addresses;
    private final DeviceBlock arena;
    private final InputStaging inputs;
    private final OutputPlaces outputs;
    private final LateMemory late;
    /// The bytes of each slot that has a fixed size in this run; copies are checked against them.
    private final long[] sizes;

    SlotMemory(RunState state, OutputMemory outputMemory, long lateLimit) {
        this.state = state;
        plan = state.plan;
        addresses = state.target.weightAddresses.clone();
        sizes = new long[addresses.length];
        for (int slot = 0; slot < sizes.length; slot++) {
            if (plan.plan.slots().get(slot) instanceof Slot.Weight weight) {
                sizes[slot] = weight.bytes();
            }
        }
        arena = new DeviceBlock(state, state.device());
        inputs = new InputStaging(state);
        outputs = new OutputPlaces(state, outputMemory);
        late = new LateMemory(state, lateLimit);
    }

    /// Gives every slot its address for a run.
    ///
    /// @param rebound whether the binding differs from that of the run before
    void begin(Tensor[] tensors, Map<String, Tensor> givenOutputs, boolean rebound) {
        boolean moved = state.binding.arenaBytes > arena.capacity();
        if (moved) {
            arena.reserve(state.binding.arenaBytes);
        }
        if (moved || rebound) {
            placeTemporaries();
        }
        inputs.begin(tensors);
        for (int port = 0; port < tensors.length; port++) {
            addresses[plan.inputs[port].slot()] = inputs.address(port);
            sizes[plan.inputs[port].slot()] = state.binding.values[plan.inputs[port].bytes()];
        }
        outputs.begin(tensors, givenOutputs);
        late.begin();
    }

    private void placeTemporaries() {
        for (int slot = 0; slot < addresses.length; slot++) {
            if (plan.slotOffset[slot] != FlatPlan.NONE) {
                addresses[slot] = arena.address() + state.binding.values[plan.slotOffset[slot]];
                sizes[slot] = state.binding.values[plan.slotBytes[slot]];
            }
        }
    }

    /// Where a kernel finds a slot; one whose size the run decides grows to it.
    long addressForLaunch(int slot) {
        return switch (plan.plan.slots().get(slot)) {
            case Slot.Late _ -> late.reserve(slot, state.value(plan.slotBytes[slot]));
            case Slot.Output(int port) ->
                outputs.isLate(port)
                        ? late.reserve(slot, state.value(plan.slotBytes[slot]))
                        : outputs.address(port);
            case Slot.Input _, Slot.Weight _, Slot.Temporary _ -> addresses[slot];
        };
    }

    /// Where to put bytes; a slot whose size the run decides grows to hold them.
    long addressForWrite(int slot, long offset, long bytes) {
        return switch (plan.plan.slots().get(slot)) {
            case Slot.Late _ -> late.reserve(slot, end(slot, offset, bytes)) + offset;
            case Slot.Output(int port) -> {
                if (outputs.isLate(port)) {
                    yield late.reserve(slot, end(slot, offset, bytes)) + offset;
                }
                checkRange(slot, offset, bytes, outputs.size(port));
                yield outputs.address(port) + offset;
            }
            case Slot.Input _, Slot.Weight _, Slot.Temporary _ -> {
                checkRange(slot, offset, bytes, sizes[slot]);
                yield addresses[slot] + offset;
            }
        };
    }

    /// Where to find bytes that are there.
    long addressForRead(int slot, long offset, long bytes) {
        return switch (plan.plan.slots().get(slot)) {
            case Slot.Late _ -> {
                checkRange(slot, offset, bytes, late.capacity(slot));
                yield late.address(slot) + offset;
            }
            case Slot.Output(int port) -> {
                boolean isLate = outputs.isLate(port);
                checkRange(slot, offset, bytes, isLate ? late.capacity(slot) : outputs.size(port));
                yield (isLate ? late.address(slot) : outputs.address(port)) + offset;
            }
            case Slot.Input _, Slot.Weight _, Slot.Temporary _ -> {
                checkRange(slot, offset, bytes, sizes[slot]);
                yield addresses[slot] + offset;
            }
        };
    }

    private static long end(int slot, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > Long.MAX_VALUE - bytes) {
            throw outside(slot, offset, bytes, Long.MAX_VALUE);
        }
        return offset + bytes;
    }

    private static void checkRange(int slot, long offset, long bytes, long size) {
        if (offset < 0 || bytes < 0 || bytes > size || offset > size - bytes) {
            throw outside(slot, offset, bytes, size);
        }
    }

    private static PortolanException outside(int slot, long offset, long bytes, long size) {
        return new PortolanException.RunFailed("a step copies " + bytes + " bytes at offset " + offset + " of slot "
                + slot + ", which has " + size, 0, -1);
    }

    /// Where every slot lies whose size is known before the run; 0 for the others.
    void fixedAddresses(long[] found) {
        System.arraycopy(addresses, 0, found, 0, addresses.length);
        for (int port = 0; port < plan.outputs.length; port++) {
            int slot = plan.outputs[port].slot();
            if (plan.plan.slots().get(slot) instanceof Slot.Output(int own) && !outputs.isLate(own)) {
                found[slot] = outputs.address(own);
            }
        }
    }

    /// How many bytes a kernel finds in a slot.
    long bytesForLaunch(int slot) {
        return switch (plan.plan.slots().get(slot)) {
            case Slot.Late _ -> state.value(plan.slotBytes[slot]);
            case Slot.Output(int port) ->
                outputs.isLate(port) ? state.value(plan.slotBytes[slot]) : outputs.size(port);
            case Slot.Input _, Slot.Weight _, Slot.Temporary _ -> sizes[slot];
        };
    }

    /// Where the host finds an input that nothing updates; 0 if nowhere.
    long inputOnHost(int port) {
        return inputs.addressOnHost(port);
    }

    /// Starts the copies of those outputs that are not on the host.
    void copyOut(Tensor[] tensors) {
        outputs.copyOut(tensors, inputs);
    }

    /// All queues have done what they were given.
    void settled() {
        late.settled();
    }

    /// The outputs, after all work is done.
    Outputs finish(Tensor[] tensors) {
        return outputs.finish();
    }

    /// Lets go of what belongs to the run.
    void end() {
        outputs.end();
        inputs.end();
    }

    @Override
    public void close() {
        arena.close();
        inputs.close();
        outputs.close();
        late.close();
    }

    static boolean isUsableInPlace(MemorySegment data) {
        return data.isNative() && data.address() % Plan.ALIGNMENT == 0;
    }
}
