package org.portolan.runtime.plan;

import java.util.List;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// An input or an output of the model.
///
/// An axis of an input that is nothing but a symbol binds that symbol, the first such axis in the order of the inputs;
/// every other axis is checked against the value of its Dim. An output may name the slot of an input: it is then
/// that input's memory, updated in place or handed through.
///
/// @param name as in the source model
/// @param dims the extents, outermost first; empty for a scalar
/// @param slot the number of the slot that holds the data
public record Port(String name, ElementType type, List<Dim> dims, int slot) {
    public Port {
        dims = List.copyOf(dims);
    }
}
