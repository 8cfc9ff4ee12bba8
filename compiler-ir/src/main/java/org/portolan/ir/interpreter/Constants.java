package org.portolan.ir.interpreter;

import java.lang.foreign.Arena;
import java.util.List;
import org.portolan.ir.IrException;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Value;

/// Makes arrays of {@link Resource}s.
final class Constants {
    private Constants() {}

    /// @throws IrException if the resource does not have the elements that the value's type says
    static NdArray decode(Resource data, Value result, long[] shape, Memory memory) {
        var type = result.tensor().element();
        var what = "constant " + result;
        if (data instanceof Resource.External external) {
            int size = memory.check(type, shape, what);
            if (type.bytes(size) != external.bytes()) {
                throw new IrException(what + " takes " + type.bytes(size) + " bytes, and its resource has "
                        + external.bytes());
            }
            return new NdArray(Strided.ints(shape), NdArray.decode(type, external.segment(), size));
        }
        var array = memory.allocate(type, shape, what);
        var elements = array.elements();
        switch (data) {
            case Resource.External _ -> throw new AssertionError("handled above");
            case Resource.Splat(double value) -> {
                if (array.size() > 0) {
                    elements.setDouble(0, value);
                    elements.fill(0, array.size(), elements, 0);
                }
            }
            case Resource.SplatInteger(long value) -> {
                if (array.size() > 0) {
                    elements.setLong(0, value);
                    elements.fill(0, array.size(), elements, 0);
                }
            }
            case Resource.Floats(List<Double> values) -> {
                expect(values.size(), array, what);
                for (int i = 0; i < array.size(); i++) {
                    elements.setDouble(i, values.get(i));
                }
            }
            case Resource.Integers(List<Long> values) -> {
                expect(values.size(), array, what);
                for (int i = 0; i < array.size(); i++) {
                    elements.setLong(i, values.get(i));
                }
            }
            case Resource.Texts(List<String> values) -> {
                expect(values.size(), array, what);
                for (int i = 0; i < array.size(); i++) {
                    ((Elements.Texts) elements).values()[i] = values.get(i);
                }
            }
            case Resource.Random _ -> {
                try (var arena = Arena.ofConfined()) {
                    var bytes = ResourceBytes.rowMajor(data, type, array.size(), arena);
                    return new NdArray(array.shape(), NdArray.decode(type, bytes, array.size()));
                }
            }
        }
        return array;
    }

    private static void expect(int found, NdArray array, String what) {
        if (found != array.size()) {
            throw new IrException(what + " has " + array.size() + " elements, and " + found + " are given");
        }
    }
}
