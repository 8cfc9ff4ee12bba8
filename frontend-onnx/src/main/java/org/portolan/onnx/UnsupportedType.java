package org.portolan.onnx;

/// A model or a data file that needs a type which is not supported: sequences, optional values, strings where tensors
/// of
/// numbers are expected, complex numbers.
public final class UnsupportedType extends OnnxException {
    private static final long serialVersionUID = 1L;

    public UnsupportedType(String message) {
        super(message);
    }
}
