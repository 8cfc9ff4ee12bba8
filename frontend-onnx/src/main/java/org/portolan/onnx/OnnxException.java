package org.portolan.onnx;

/// A model that cannot be used: the message names the node or tensor, what was expected, and what to do.
public class OnnxException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OnnxException(String message) {
        super(message);
    }

    public OnnxException(String message, Throwable cause) {
        super(message, cause);
    }
}
