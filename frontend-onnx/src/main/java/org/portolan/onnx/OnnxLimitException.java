package org.portolan.onnx;

/// A file that goes beyond one of the {@link OnnxLimits}. The message names the limit and its value.
public final class OnnxLimitException extends OnnxException {
    private static final long serialVersionUID = 1L;

    private final String limit;

    public OnnxLimitException(String limit, long value, String what) {
        super("%s exceeds the limit %s = %d; a trusted model may be read with a larger limit"
                .formatted(what, limit, value));
        this.limit = limit;
    }

    /// The name of the record component of {@link OnnxLimits}.
    public String limit() {
        return limit;
    }
}
