package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Type;

/// Where a buffer value lies.
///
/// @param type extents and layout
/// @param pointer to the first byte
/// @param offset elements from there to the buffer's first; other than 0 only for packed elements, which have no
///     address
/// @param scope what loads and stores say about aliasing; empty if nothing is known
/// @param part of which other buffer this is a part, where its elements lie as that one has them
/// @param whole whether this is all of a buffer of the kernel's, which is aligned as these are
record BufferPlace(
        Type.Buffer type, Operand pointer, Operand offset, String scope, Optional<Part> part, boolean whole) {

    /// The last axes of a whole, from the offsets on.
    record Part(BufferPlace whole, List<Operand> offsets) {
        /// The whole's indices of an element of the part.
        List<Operand> indices(FunctionBuilder builder, List<Operand> own) {
            var indices = new ArrayList<>(offsets);
            int first = offsets.size() - own.size();
            for (int axis = 0; axis < own.size(); axis++) {
                indices.set(first + axis, builder.add(offsets.get(first + axis), own.get(axis)));
            }
            return indices;
        }
    }

    BufferPlace(Type.Buffer type, Operand pointer, Operand offset, String scope) {
        this(type, pointer, offset, scope, Optional.empty(), false);
    }

    /// All of a buffer of the kernel's.
    static BufferPlace parameter(Type.Buffer type, Operand pointer, String scope) {
        return new BufferPlace(type, pointer, Operand.index(0), scope, Optional.empty(), true);
    }

    /// Whether the elements lie row by row, with nothing between those of a row.
    boolean isPlain() {
        return type.layout().isEmpty() && part.map(own -> own.whole().isPlain()).orElse(true);
    }

    /// The axis along which neighbours lie side by side in memory; -1 if it is none of these.
    int fastest() {
        if (part.isPresent()) {
            var whole = part.get().whole();
            return whole.fastest() - (whole.type().rank() - type.rank());
        }
        if (type.layout().isEmpty()) {
            return type.rank() - 1;
        }
        var last = type.layout().get().results().getLast().symbols();
        return last.size() == 1 ? type.layout().get().inputs().indexOf(last.iterator().next()) : -1;
    }
}
