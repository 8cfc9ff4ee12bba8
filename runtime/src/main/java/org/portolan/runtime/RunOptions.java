package org.portolan.runtime;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// How one run differs from the usual.
///
/// @param timeout counts from the call of {@code run}, the wait for a free run state included
/// @param outputs tensors of the caller that the run writes in place of new ones, by output name; off-heap, writable
///     and of the output's exact type and shape
public record RunOptions(Optional<Duration> timeout, Optional<CancelToken> cancelToken, Map<String, Tensor> outputs) {
    private static final RunOptions NONE = new RunOptions(Optional.empty(), Optional.empty(), Map.of());

    public RunOptions {
        outputs = Map.copyOf(outputs);
    }

    /// No deadline, no token, new outputs.
    public static RunOptions none() {
        return NONE;
    }

    public RunOptions withTimeout(Duration duration) {
        return new RunOptions(Optional.of(duration), cancelToken, outputs);
    }

    public RunOptions withCancelToken(CancelToken token) {
        return new RunOptions(timeout, Optional.of(token), outputs);
    }

    public RunOptions withOutput(String name, Tensor tensor) {
        var more = new HashMap<>(outputs);
        more.put(name, tensor);
        return new RunOptions(timeout, cancelToken, more);
    }
}
