package org.portolan.onnx;

/// How large a model may be. The defaults are far above every model that was met, and low enough that a hostile file
/// is refused within its own size in memory.
///
/// @param messageDepth nesting of protobuf messages; a graph inside an `If` inside a graph costs three levels
/// @param nodes nodes of all graphs and functions together, after model-local functions were inlined
/// @param nameBytes bytes of one name or string attribute that is kept as text
/// @param rank axes of one tensor
/// @param functionDepth nesting of calls of model-local functions
/// @param externalFiles different files that hold weights
/// @param denseBytes bytes that sparse tensors may grow to
public record OnnxLimits(
        int messageDepth, long nodes, int nameBytes, int rank, int functionDepth, int externalFiles, long denseBytes) {
    /// The limits that hold where the caller says nothing.
    public static final OnnxLimits DEFAULT = new OnnxLimits(400, 4_000_000, 1 << 20, 64, 64, 4096, 1L << 30);

    /// Throws where `value` is above `limit`.
    public static void check(String name, long limit, long value, String what) {
        if (value > limit) {
            throw new OnnxLimitException(name, limit, what);
        }
    }
}
