package org.portolan.lowering.vectors;

import java.util.Optional;
import org.portolan.ir.Value;

/// Where a vector of the registers' kind is, once vectors live in memory.
sealed interface Place {
    /// In a buffer, one element a lane.
    record Buffer(Value buffer) implements Place {}

    /// The same scalar in every lane; nowhere yet.
    record Uniform(Value scalar) implements Place {}

    /// The lane's number in every lane; nowhere yet.
    record Ascending() implements Place {}

    /// {@code base} in the first lane and {@code step} more in each that follows, at least 1; nowhere yet.
    record Affine(Value base, long step) implements Place {}

    /// On from {@code first} (0) below {@code limit} (all lanes); nowhere yet.
    record Interval(Optional<Value> first, Optional<Value> limit) implements Place {}
}
