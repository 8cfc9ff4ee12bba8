package org.portolan.onnx;

/// A named value with its declared type: a graph's input or output, or a hint about a value inside.
public record OnnxValueInfo(String name, OnnxType type) {}
