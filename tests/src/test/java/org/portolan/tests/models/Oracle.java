package org.portolan.tests.models;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// A model in ONNX Runtime.
final class Oracle implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    private final OrtSession session;

    Oracle(Path file) throws OrtException {
        options.setIntraOpNumThreads(1);
        // A model may hold more initializers than it reads; that is no news.
        options.setSessionLogLevel(ai.onnxruntime.OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
        session = environment.createSession(file.toString(), options);
    }

    /// The declared type and extents of each input; an extent that is not known is -1.
    Map<String, TensorInfo> inputs() throws OrtException {
        var inputs = new LinkedHashMap<String, TensorInfo>();
        for (var entry : session.getInputInfo().entrySet()) {
            inputs.put(entry.getKey(), (TensorInfo) entry.getValue().getInfo());
        }
        return inputs;
    }

    Map<String, Tensor> run(Map<String, Tensor> inputs) throws OrtException {
        var given = new LinkedHashMap<String, OnnxTensor>();
        try {
            for (var entry : inputs.entrySet()) {
                given.put(entry.getKey(), toTheirs(entry.getValue()));
            }
            var outputs = new LinkedHashMap<String, Tensor>();
            try (var results = session.run(given)) {
                for (var result : results) {
                    outputs.put(result.getKey(), toOurs((OnnxTensor) result.getValue()));
                }
            }
            return outputs;
        } finally {
            given.values().forEach(OnnxTensor::close);
        }
    }

    private OnnxTensor toTheirs(Tensor tensor) throws OrtException {
        var bytes = ByteBuffer.allocateDirect(Math.toIntExact(tensor.data().byteSize())).order(ByteOrder.nativeOrder());
        MemorySegment.ofBuffer(bytes).copyFrom(tensor.data());
        return switch (tensor.type()) {
            case ElementType type when type == ElementType.I64 ->
                OnnxTensor.createTensor(environment, bytes.asLongBuffer(), tensor.shape());
            case ElementType type when type == ElementType.F32 ->
                OnnxTensor.createTensor(environment, bytes.asFloatBuffer(), tensor.shape());
            case ElementType type when type == ElementType.BOOL ->
                OnnxTensor.createTensor(environment, bytes, tensor.shape(), ai.onnxruntime.OnnxJavaType.BOOL);
            case ElementType other -> throw new IllegalArgumentException("inputs of type " + other);
        };
    }

    private static Tensor toOurs(OnnxTensor tensor) {
        var type = switch (tensor.getInfo().type) {
            case FLOAT -> ElementType.F32;
            case INT32 -> ElementType.I32;
            case INT64 -> ElementType.I64;
            case UINT8, INT8, INT16, FLOAT16, BFLOAT16, DOUBLE, STRING, BOOL, UNKNOWN ->
                throw new IllegalArgumentException("outputs of type " + tensor.getInfo().type);
        };
        var copy = ByteBuffer.allocate(tensor.getByteBuffer().remaining()).order(ByteOrder.nativeOrder());
        copy.put(tensor.getByteBuffer()).flip();
        return Tensor.of(type, copy, tensor.getInfo().getShape());
    }

    @Override
    public void close() throws OrtException {
        session.close();
        options.close();
    }
}
