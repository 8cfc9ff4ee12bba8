package org.portolan.runtime.data;

import java.lang.foreign.Arena;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Tensors as tensors of another element type.
public final class TensorConversion {
    private TensorConversion() {}

    /// The same numbers as another type, by the numerics contract of {@link ElementTypes}; the tensor itself if it has
    /// that type.
    ///
    /// @throws BadDataFile if one of the types is that of strings and the other is not
    public static Tensor convert(Tensor tensor, ElementType type) {
        if (tensor.type() == type) {
            return tensor;
        }
        if (tensor.type() == ElementType.STRING || type == ElementType.STRING) {
            throw new BadDataFile("a tensor " + tensor + " cannot become one of " + type.text());
        }
        var result = Tensor.allocate(type, Arena.ofAuto(), tensor.shape());
        var from = tensor.data();
        var to = result.data();
        for (long index = 0; index < tensor.elements(); index++) {
            long bits = ElementTypes.getBits(tensor.type(), from, index);
            ElementTypes.setBits(type, to, index, ElementTypes.convert(tensor.type(), type, bits));
        }
        return result;
    }
}
