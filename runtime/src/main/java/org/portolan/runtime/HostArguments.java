package org.portolan.runtime;

import java.util.Arrays;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.plan.Slot;

/// What kernels on the host beside a device work on, where the device does not share the host's memory: copies of the
/// slots, brought before each launch and handed back after it. What is on the host already and was not written on the device
/// since is not brought again. Weights, and inputs that nothing updates, lie on the host anyway.
final class HostArguments implements AutoCloseable {
    private final RunState state;
    private final DeviceBlock[] copies;
    /// For each slot how many bytes of its copy are those on the device; -1 where it is not known.
    private final long[] current;
    private boolean handingBack;

    HostArguments(RunState state, Device host) {
        this.state = state;
        copies = new DeviceBlock[state.plan.slotBytes.length];
        current = new long[copies.length];
        for (int slot = 0; slot < copies.length; slot++) {
            copies[slot] = new DeviceBlock(state, host);
        }
    }

    /// Begins a run: nothing is here.
    void begin() {
        Arrays.fill(current, -1);
    }

    /// The device writes a slot.
    void written(int slot) {
        current[slot] = -1;
    }

    /// Brings the arguments of a launch, after all work so far.
    ///
    /// @param addresses gets the address of each argument
    void bring(Instruction.Launch launch, long[] addresses) {
        int[] slots = launch.slots();
        if (handingBack) {
            state.queue().record().await();
            handingBack = false;
        }
        for (int argument = 0; argument < slots.length; argument++) {
            int slot = slots[argument];
            long there = state.slots.addressForLaunch(slot);
            addresses[argument] = addressOnHost(slot);
            if (addresses[argument] == 0) {
                long bytes = state.slots.bytesForLaunch(slot);
                copies[slot].reserve(bytes);
                addresses[argument] = copies[slot].address();
                if (bytes > 0 && current[slot] != bytes) {
                    state.queue().copyOut(there, copies[slot].slice(0, bytes), bytes);
                    current[slot] = bytes;
                }
            }
        }
    }

    private long addressOnHost(int slot) {
        return switch (state.plan.plan.slots().get(slot)) {
            case Slot.Weight _ -> state.target.hostWeightAddresses[slot];
            case Slot.Input(int port) -> state.slots.inputOnHost(port);
            case Slot.Output _, Slot.Temporary _, Slot.Late _ -> 0;
        };
    }

    /// Hands back what a launch may have written; it must have ended.
    void handBack(Instruction.Launch launch) {
        for (int argument : launch.writes()) {
            int slot = launch.slots()[argument];
            long bytes = state.slots.bytesForLaunch(slot);
            if (bytes > 0 && addressOnHost(slot) == 0) {
                state.queue().copyIn(copies[slot].slice(0, bytes), state.slots.addressForLaunch(slot), bytes);
                handingBack = true;
            }
        }
    }

    /// All copies have ended.
    void settled() {
        handingBack = false;
    }

    @Override
    public void close() {
        for (var copy : copies) {
            copy.close();
        }
    }
}
