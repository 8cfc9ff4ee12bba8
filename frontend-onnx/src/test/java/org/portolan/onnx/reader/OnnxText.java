package org.portolan.onnx.reader;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.TextFormat;
import java.lang.foreign.MemorySegment;
import org.portolan.onnx.OnnxModel;

/// Models written in protobuf's text form, for tests.
public final class OnnxText {
    private OnnxText() {}

    /// The bytes of a message.
    public static byte[] bytes(String message, String text) {
        var builder = DynamicMessage.newBuilder(OnnxSchema.message(message));
        try {
            TextFormat.merge(text, builder);
        } catch (TextFormat.ParseException e) {
            throw new IllegalArgumentException(text, e);
        }
        return builder.build().toByteArray();
    }

    /// The bytes of a model with this graph.
    public static byte[] model(String graph) {
        return bytes("ModelProto", "ir_version: 8 opset_import { version: 21 } graph { %s }".formatted(graph));
    }

    /// The model with this graph, read back.
    public static OnnxModel read(String graph) {
        return new OnnxReader().model(MemorySegment.ofArray(model(graph)));
    }
}
