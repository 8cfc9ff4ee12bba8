package org.portolan.runtime;

import java.util.List;
import java.util.Map;
import org.portolan.runtime.plan.Port;

/// A model that is ready to run. Immutable and thread-safe: many threads call {@code run} at once.
public interface Model extends AutoCloseable {

    /// The inputs in the order of the source model; the dims name its symbols.
    List<Port> inputs();

    List<Port> outputs();

    /// Runs the model once, on the calling thread and those of the device.
    ///
    /// @param inputs a tensor for every input, by name
    /// @throws PortolanException of the kind that fits; the model can be used on
    Outputs run(Map<String, Tensor> inputs, RunOptions options);

    default Outputs run(Map<String, Tensor> inputs) {
        return run(inputs, RunOptions.none());
    }

    /// Whether the device was lost and runs go on on the host: {@link SessionOptions#hostFallback}.
    default boolean fellBack() {
        return false;
    }

    /// Waits for all runs under way and frees what they used. A later run gets
    /// {@link PortolanException.SessionClosed}; a second call does nothing.
    @Override
    void close();
}
