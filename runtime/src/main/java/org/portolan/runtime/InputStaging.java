package org.portolan.runtime;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.portolan.runtime.FlatPlan.FlatPort;

/// Inputs where kernels read them: in place where that is possible, else copied once into memory of the run state.
final class InputStaging implements AutoCloseable {
    private final RunState state;
    private final FlatPort[] ports;
    private final DeviceBlock block;
    /// On the way to a device that does not share the host's memory.
    private final HostBlock staging;
    private final boolean stagesAll;
    private final long[] addresses;
    private final long[] hostAddresses;
    private final boolean[] copied;
    /// Whether an output has the memory of the input, so that kernels may write to it.
    private final boolean[] updated;

    InputStaging(RunState state) {
        this.state = state;
        ports = state.plan.inputs;
        block = new DeviceBlock(state, state.device());
        staging = new HostBlock(state.device());
        stagesAll = HostBlock.helps(state.device());
        addresses = new long[ports.length];
        hostAddresses = new long[ports.length];
        copied = new boolean[ports.length];
        updated = new boolean[ports.length];
        for (int port = 0; port < ports.length; port++) {
            for (var output : state.plan.outputs) {
                updated[port] |= output.slot() == ports[port].slot();
            }
        }
    }

    void begin(Tensor[] tensors) {
        long bytes = 0;
        for (int port = 0; port < ports.length; port++) {
            var data = data(port, tensors[port]);
            copied[port] = !state.target.sharesHostMemory
                    || !SlotMemory.isUsableInPlace(data)
                    || updated[port] && data.isReadOnly();
            if (copied[port]) {
                bytes = Binding.align(bytes + data.byteSize());
            }
        }
        block.reserve(bytes);
        if (!state.target.sharesHostMemory) {
            staging.reserve(stagedBytes(tensors));
        }
        long offset = 0;
        long staged = 0;
        for (int port = 0; port < ports.length; port++) {
            var data = tensors[port].data();
            if (!copied[port]) {
                addresses[port] = data.address();
                continue;
            }
            addresses[port] = block.address() + offset;
            if (state.target.sharesHostMemory) {
                block.slice(offset, data.byteSize()).copyFrom(data);
            } else if (isStaged(data)) {
                var piece = staging.slice(staged, data.byteSize()).copyFrom(data);
                staged = Binding.align(staged + data.byteSize());
                copyIn(port, piece);
            } else {
                copyIn(port, data);
            }
            offset = Binding.align(offset + data.byteSize());
        }
    }

    /// A driver is given memory outside of the heap only.
    private boolean isStaged(MemorySegment data) {
        return stagesAll || !data.isNative();
    }

    private long stagedBytes(Tensor[] tensors) {
        long bytes = 0;
        for (var tensor : tensors) {
            if (isStaged(tensor.data())) {
                bytes = Binding.align(bytes + tensor.data().byteSize());
            }
        }
        return bytes;
    }

    private void copyIn(int port, MemorySegment data) {
        if (data.byteSize() > 0) {
            state.queue().copyIn(data, addresses[port], data.byteSize());
        }
        hostAddresses[port] = updated[port] || !SlotMemory.isUsableInPlace(data) ? 0 : data.address();
    }

    /// Where the host finds the input of a device that does not share its memory, if nothing updates it; else 0.
    long addressOnHost(int port) {
        return hostAddresses[port];
    }

    private MemorySegment data(int port, Tensor tensor) {
        var data = tensor.data();
        if (!data.scope().isAlive() || !data.isAccessibleBy(Thread.currentThread())) {
            throw new PortolanException.InvalidInput("input '" + ports[port].name() + "' lies in memory that "
                    + (data.scope().isAlive() ? "only another thread may read" : "has been freed"));
        }
        return data;
    }

    long address(int port) {
        return addresses[port];
    }

    /// Whether the run works on a copy of the caller's data.
    boolean isCopied(int port) {
        return copied[port];
    }

    void end() {
        Arrays.fill(addresses, 0);
        Arrays.fill(hostAddresses, 0);
    }

    @Override
    public void close() {
        block.close();
        staging.close();
    }
}
