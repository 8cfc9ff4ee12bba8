package org.portolan.runtime;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/// What a run gave. Closing it lets later runs use its memory again; without that the garbage collector frees it some
/// time after the last tensor is gone. It outlives its session.
public final class Outputs implements AutoCloseable {
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Runnable release;

    Outputs(Runnable release) {
        this.release = release;
    }

    void put(String name, Tensor tensor) {
        tensors.put(name, tensor);
    }

    boolean isClosed() {
        return closed.get();
    }

    /// The output of that name.
    ///
    /// @throws IllegalArgumentException if the model has none
    public Tensor get(String name) {
        var tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("the model has no output '" + name + "'; it has " + names());
        }
        return tensor;
    }

    /// The names, in the order of the model.
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    /// All outputs, in the order of the model.
    public Map<String, Tensor> asMap() {
        return Collections.unmodifiableMap(tensors);
    }

    /// Ends the use of the tensors; segments and buffers taken from them must not be used either. May be called again.
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            release.run();
        }
    }
}
