package org.portolan.onnx;

/// A model that cannot be used: the message names the node or tensor, what was expected, and what to do.
public class OnnxException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private String place = "";

    public OnnxException(String message) {
        super(message);
    }

    public OnnxException(String message, Throwable cause) {
        super(message, cause);
    }

    /// The same error with the node or tensor that it is about, unless a more exact one stands there already.
    public final OnnxException at(String where) {
        if (place.isEmpty()) {
            place = where;
        }
        return this;
    }

    @Override
    public String getMessage() {
        return place.isEmpty() ? super.getMessage() : place + ": " + super.getMessage();
    }
}
