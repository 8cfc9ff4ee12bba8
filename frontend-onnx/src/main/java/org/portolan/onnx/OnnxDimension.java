package org.portolan.onnx;

/// One axis of a declared shape.
public sealed interface OnnxDimension {
    /// A number, never negative.
    record Known(long size) implements OnnxDimension {}

    /// A name. Two axes of one name are usually, but not always, of one size: it is a hint, not a promise.
    record Named(String name) implements OnnxDimension {}

    /// An axis of which the file says nothing.
    record Unknown() implements OnnxDimension {}
}
