package org.portolan.onnx.importer;

import java.util.List;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.OnnxLimitException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The block that is being written, and the constants in it.
abstract class BlockWriter {
    private final Symbols symbols;
    private final long tensorBytes;
    private Block block;
    private String hint = "";

    BlockWriter(Symbols symbols, long tensorBytes, Block block) {
        this.symbols = symbols;
        this.tensorBytes = tensorBytes;
        this.block = block;
    }

    Symbols symbols() {
        return symbols;
    }

    Block block() {
        return block;
    }

    /// Writes into another block from now on; gives the one before.
    Block enter(Block inner) {
        var before = block;
        block = inner;
        return before;
    }

    /// What results are called from now on.
    void hint(String name) {
        hint = name;
    }

    String hint() {
        return hint;
    }

    /// A fresh value for a result, after a check of its size.
    Value fresh(ElementType element, List<Dim> dims) {
        var type = Type.tensor(element, dims);
        checkSize(type);
        return Value.of(type, hint);
    }

    void checkSize(Type.Tensor type) {
        long bytes;
        try {
            for (var dim : type.dims()) {
                if (dim.constant().orElse(0) < 0) {
                    throw new OnnxException("a negative extent in " + type);
                }
            }
            bytes = type.elements().isConstant()
                    ? type.element().bytes(type.elements().constant().getAsLong())
                    : 0;
        } catch (ArithmeticException e) {
            bytes = Long.MAX_VALUE;
        }
        if (bytes > tensorBytes) {
            throw new OnnxLimitException("tensorBytes", tensorBytes, "A tensor of type " + type);
        }
    }

    Operand known(ElementType element, List<Dim> dims, List<Element> elements) {
        checkSize(Type.tensor(element, dims));
        return Operand.known(element, dims, elements, hint, block);
    }

    Operand scalar(ElementType element, double value) {
        return known(
                element, List.of(), List.of(element.isFloat() ? new Element.Real(value) : Element.of((long) value)));
    }

    /// A tensor of rank 1 that holds extents.
    Operand extents(ElementType element, List<Dim> values) {
        return known(
                element,
                Dim.list(values.size()),
                values.stream().<Element>map(Element.Whole::new).toList());
    }

    Operand extent(Dim value) {
        return known(ElementType.I64, List.of(), List.of(new Element.Whole(value)));
    }
}
