package org.portolan.runtime;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.portolan.runtime.FlatPlan.FlatPort;

/// Inputs where kernels read them: in place where that is possible, else copied once into memory of the run state.
final class InputStaging implements AutoCloseable {
    private final RunState state;
    private final FlatPort[] ports;
    private final DeviceBlock block;
    private final long[] addresses;
    private final boolean[] copied;
    /// Whether an output has the memory of the input, so that kernels may write to it.
    private final boolean[] updated;

    InputStaging(RunState state) {
        this.state = state;
        ports = state.plan.inputs;
        block = new DeviceBlock(state.device());
        addresses = new long[ports.length];
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
        long offset = 0;
        for (int port = 0; port < ports.length; port++) {
            var data = tensors[port].data();
            if (copied[port]) {
                addresses[port] = block.address() + offset;
                state.queue().copyIn(data, addresses[port], data.byteSize());
                offset = Binding.align(offset + data.byteSize());
            } else {
                addresses[port] = data.address();
            }
        }
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
    }

    @Override
    public void close() {
        block.close();
    }
}
