package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Resource;
import org.portolan.ir.ResourceBytes;
import org.portolan.ir.Type;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxTensor;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// ONNX's constant tensors as operands.
final class Constants {
    private static final int LITERAL = 64;

    private Constants() {}

    /// Our element type for ONNX's.
    ///
    /// @throws Unsupported for complex numbers
    static ElementType elementType(OnnxDataType type) {
        return switch (type) {
            case FLOAT -> ElementType.F32;
            case DOUBLE -> ElementType.F64;
            case FLOAT16 -> ElementType.F16;
            case BFLOAT16 -> ElementType.BF16;
            case FLOAT8E4M3FN -> ElementType.F8E4M3;
            case FLOAT8E4M3FNUZ -> ElementType.F8E4M3FNUZ;
            case FLOAT8E5M2 -> ElementType.F8E5M2;
            case FLOAT8E5M2FNUZ -> ElementType.F8E5M2FNUZ;
            case FLOAT8E8M0 -> ElementType.F8E8M0;
            case FLOAT4E2M1 -> ElementType.F4E2M1;
            case INT64 -> ElementType.I64;
            case INT32 -> ElementType.I32;
            case INT16 -> ElementType.I16;
            case INT8 -> ElementType.I8;
            case INT4 -> ElementType.I4;
            case INT2 -> ElementType.I2;
            case UINT64 -> ElementType.U64;
            case UINT32 -> ElementType.U32;
            case UINT16 -> ElementType.U16;
            case UINT8 -> ElementType.U8;
            case UINT4 -> ElementType.U4;
            case UINT2 -> ElementType.U2;
            case BOOL -> ElementType.BOOL;
            case STRING -> throw new Unsupported("strings");
            case COMPLEX64, COMPLEX128 -> throw new Unsupported("complex numbers");
        };
    }

    /// @param resources what was made of tensors before
    static Operand operand(OnnxTensor tensor, String name, Block owner, Map<OnnxTensor, Resource> resources) {
        var element = elementType(tensor.type());
        var dims = tensor.dims().stream().map(Dim::of).toList();
        var type = Type.tensor(element, dims);
        long count = tensor.elements();
        var elements = elements(tensor, element, count);
        if (elements != null && count <= LITERAL) {
            return Operand.known(element, dims, elements, name, owner);
        }
        var resource = resources.computeIfAbsent(tensor, key -> ResourceBytes.external(name, key.data()));
        return Operand.constant(type, resource, elements, name, owner);
    }

    /// Integers are followed up to the tracked size, floats only where they would be literal. An u64 too large for 63
    /// bits is no extent.
    private static List<Element> elements(OnnxTensor tensor, ElementType element, long count) {
        if (count > (element.isFloat() ? LITERAL : Operand.TRACKED)) {
            return null;
        }
        var elements = new ArrayList<Element>((int) count);
        for (long i = 0; i < count; i++) {
            elements.add(
                    element.isFloat()
                            ? new Element.Real(ElementTypes.getDouble(element, tensor.data(), i))
                            : Element.of(ElementTypes.getLong(element, tensor.data(), i)));
        }
        return elements;
    }
}
