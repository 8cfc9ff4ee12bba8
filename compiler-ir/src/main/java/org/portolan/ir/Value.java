package org.portolan.ir;

import java.util.Objects;

/// Something computed once. Identity is all that a value has besides its type: it knows neither its uses nor the
/// operation that defines it.
public final class Value {
    private final Type type;
    private final String hint;

    private Value(Type type, String hint) {
        this.type = Objects.requireNonNull(type, "type");
        this.hint = hint;
    }

    /// A fresh value. The hint is what it would like to be called; for values that stem from a model it is the name in
    /// the model, so that errors and reports can say it.
    public static Value of(Type type, String hint) {
        return new Value(type, hint);
    }

    public static Value of(Type type) {
        return new Value(type, "");
    }

    public Type type() {
        return type;
    }

    /// The name it would like to have; may be empty and need not be unique.
    public String hint() {
        return hint;
    }

    /// The type as a tensor's.
    ///
    /// @throws IrException if it is none
    public Type.Tensor tensor() {
        return type instanceof Type.Tensor tensor ? tensor : IrException.expected("a tensor", this);
    }

    /// The type as a buffer's.
    ///
    /// @throws IrException if it is none
    public Type.Buffer buffer() {
        return type instanceof Type.Buffer buffer ? buffer : IrException.expected("a buffer", this);
    }

    /// A fresh value of the same type and hint.
    public Value copy() {
        return new Value(type, hint);
    }

    @Override
    public String toString() {
        return "%" + (hint.isEmpty() ? "value" : hint) + ": " + type;
    }
}
