package org.portolan.runtime;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import org.portolan.runtime.FlatPlan.FlatPort;
import org.portolan.runtime.plan.Slot;

/// Where a run writes its outputs, and how they become tensors.
final class OutputPlaces implements AutoCloseable {
    private final RunState state;
    private final FlatPlan plan;
    private final OutputMemory memory;
    /// The outputs on a device that does not share the host's memory.
    private final DeviceBlock deviceBlock;
    private final long[] addresses;
    private final MemorySegment[] hostSegments;
    /// The outputs' bytes and shapes at the end of a run.
    private final MemorySegment[] results;
    private final long[][] shapes;
    /// On the way from a device that copies faster to such memory.
    private final HostBlock staging;
    /// For each output its offset there, or -1.
    private final long[] stagedAt;
    private Map<String, Tensor> given = Map.of();
    private MemorySegment piece;

    OutputPlaces(RunState state, OutputMemory memory) {
        this.state = state;
        this.memory = memory;
        plan = state.plan;
        deviceBlock = new DeviceBlock(state, state.device());
        addresses = new long[plan.outputs.length];
        hostSegments = new MemorySegment[plan.outputs.length];
        results = new MemorySegment[plan.outputs.length];
        shapes = new long[plan.outputs.length][];
        staging = new HostBlock(state.device());
        stagedAt = new long[plan.outputs.length];
    }

    boolean isLate(int port) {
        return !plan.isEarlyOutput(port);
    }

    long address(int port) {
        return addresses[port];
    }

    long size(int port) {
        return state.binding.values[plan.outputs[port].bytes()];
    }

    /// Makes room for the outputs whose sizes are known.
    void begin(Tensor[] inputs, Map<String, Tensor> givenOutputs) {
        given = givenOutputs;
        if (!given.isEmpty()) {
            checkGivenNames();
            checkOverlaps(inputs);
        }
        var binding = state.binding;
        long total = binding.outputOffsets[plan.outputs.length];
        if (total > 0) {
            piece = memory.take(total);
        }
        boolean shared = state.target.sharesHostMemory;
        if (!shared) {
            deviceBlock.reserve(total);
        }
        for (int port = 0; port < addresses.length; port++) {
            if (isLate(port)) {
                continue;
            }
            long offset = binding.outputOffsets[port];
            hostSegments[port] = piece == null ? MemorySegment.NULL : piece.asSlice(offset, size(port));
            var target = given.isEmpty() ? null : given.get(plan.outputs[port].name());
            if (target != null) {
                checkGiven(port, target);
                if (SlotMemory.isUsableInPlace(target.data())) {
                    hostSegments[port] = target.data();
                }
            }
            addresses[port] = shared ? hostSegments[port].address() : deviceBlock.address() + offset;
        }
    }

    private void checkGivenNames() {
        for (var name : given.keySet()) {
            if (plan.plan.outputs().stream().noneMatch(output -> output.name().equals(name))) {
                throw new PortolanException.InvalidInput("the model has no output '" + name + "' to write to a given "
                        + "tensor; it has " + plan.plan.outputs().stream().map(output -> output.name()).toList());
            }
        }
    }

    /// Kernels rely on it that what they write overlaps nothing else.
    private void checkOverlaps(Tensor[] inputs) {
        for (var output : plan.outputs) {
            var target = given.get(output.name());
            if (target == null || !(plan.plan.slots().get(output.slot()) instanceof Slot.Output)) {
                continue;
            }
            for (int port = 0; port < inputs.length; port++) {
                if (target.data().asOverlappingSlice(inputs[port].data()).isPresent()) {
                    throw overlap(output.name(), "input '" + plan.inputs[port].name() + "'");
                }
            }
            for (var other : given.entrySet()) {
                if (!other.getKey().equals(output.name())
                        && target.data().asOverlappingSlice(other.getValue().data()).isPresent()) {
                    throw overlap(output.name(), "that for output '" + other.getKey() + "'");
                }
            }
        }
    }

    private static PortolanException overlap(String output, String other) {
        return new PortolanException.InvalidInput(
                "the tensor given for output '" + output + "' overlaps " + other + "; give it memory of its own");
    }

    private void checkGiven(int port, Tensor target) {
        var shape = shape(plan.outputs[port]);
        boolean fits = target.type() == plan.outputs[port].type() && Arrays.equals(target.shape(), shape);
        if (!fits || target.data().isReadOnly()) {
            throw new PortolanException.InvalidInput("the tensor given for output '" + plan.outputs[port].name()
                    + "' must be writable and " + Tensor.print(plan.outputs[port].type(), shape) + ", and is "
                    + target);
        }
    }

    private long[] shape(FlatPort output) {
        int[] dims = output.dims();
        var shape = new long[dims.length];
        for (int axis = 0; axis < dims.length; axis++) {
            shape[axis] = state.value(dims[axis]);
            if (shape[axis] < 0) {
                throw new PortolanException.RunFailed("output '" + output.name() + "' has the extent "
                        + plan.expressions.dim(dims[axis]) + " = " + shape[axis], 0, -1);
            }
        }
        return shape;
    }

    /// Starts the copies of those outputs that are not on the host.
    void copyOut(Tensor[] inputs, InputStaging inputStaging) {
        boolean stages = !state.target.sharesHostMemory && HostBlock.helps(state.device());
        for (int port = 0; port < results.length; port++) {
            shapes[port] = shape(plan.outputs[port]);
            results[port] = inPlace(port, inputs, inputStaging);
            stagedAt[port] = -1;
        }
        if (stages) {
            staging.reserve(fetchedBytes());
        }
        long staged = 0;
        for (int port = 0; port < results.length; port++) {
            if (results[port] != null) {
                continue;
            }
            var output = plan.outputs[port];
            long bytes = state.value(output.bytes());
            boolean own = isOwn(port);
            results[port] = own ? hostSegments[port] : OutputMemory.allocate(bytes);
            if (bytes == 0) {
                continue;
            }
            long from = own ? addresses[port] : state.slots.addressForRead(output.slot(), 0, bytes);
            if (stages) {
                stagedAt[port] = staged;
                state.queue().copyOut(from, staging.slice(staged, bytes), bytes);
                staged = Binding.align(staged + bytes);
            } else {
                state.queue().copyOut(from, results[port], bytes);
            }
        }
    }

    private long fetchedBytes() {
        long bytes = 0;
        for (int port = 0; port < results.length; port++) {
            if (results[port] == null) {
                bytes = Binding.align(bytes + state.value(plan.outputs[port].bytes()));
            }
        }
        return bytes;
    }

    /// Collects the tensors, after all work is done.
    Outputs finish() {
        var held = piece;
        var outputs = new Outputs(() -> {
            if (held != null) {
                memory.giveBack(held);
            }
        });
        for (int port = 0; port < addresses.length; port++) {
            var output = plan.outputs[port];
            var shape = shapes[port];
            var data = results[port];
            if (stagedAt[port] >= 0) {
                MemorySegment.copy(staging.slice(stagedAt[port], data.byteSize()), 0, data, 0, data.byteSize());
            }
            var target = given.isEmpty() ? null : given.get(output.name());
            if (target != null && target.data() != data) {
                checkGiven(port, target);
                MemorySegment.copy(data, 0, target.data(), 0, data.byteSize());
            }
            outputs.put(output.name(),
                    target != null ? target : new Tensor(output.type(), shape, data, null, outputs));
        }
        piece = null;
        return outputs;
    }

    /// The bytes of an output that needs no copy; null for the others.
    private MemorySegment inPlace(int port, Tensor[] inputs, InputStaging inputStaging) {
        if (plan.plan.slots().get(plan.outputs[port].slot()) instanceof Slot.Input(int input)
                && !inputStaging.isCopied(input)) {
            return inputs[input].data().asSlice(0, state.value(plan.outputs[port].bytes()));
        }
        return isOwn(port) && state.target.sharesHostMemory ? hostSegments[port] : null;
    }

    /// Whether kernels write to the output's own memory; else it is another output's slot, a weight, a temporary, or a
    /// late result, and gets a copy.
    private boolean isOwn(int port) {
        return plan.plan.slots().get(plan.outputs[port].slot()) instanceof Slot.Output(int own)
                && own == port
                && !isLate(port);
    }

    /// Gives back what a failed run has taken.
    void end() {
        if (piece != null) {
            memory.giveBack(piece);
            piece = null;
        }
        given = Map.of();
        Arrays.fill(hostSegments, null);
        Arrays.fill(results, null);
    }

    @Override
    public void close() {
        deviceBlock.close();
        staging.close();
    }
}
