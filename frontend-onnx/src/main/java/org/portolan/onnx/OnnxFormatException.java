package org.portolan.onnx;

/// Bytes that are no ONNX file. Names the place in the file where reading stopped making sense.
public final class OnnxFormatException extends OnnxException {
    private static final long serialVersionUID = 1L;

    private final long offset;

    /// @param where the message field that was being read, such as `model.graph.node`
    /// @param offset bytes from the start of the file
    public OnnxFormatException(String where, long offset, String problem) {
        super("%s, at byte %d of the file: %s".formatted(where, offset, problem));
        this.offset = offset;
    }

    /// Bytes from the start of the file.
    public long offset() {
        return offset;
    }
}
