package org.portolan.onnx.reader;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.portolan.onnx.OnnxAttribute;
import org.portolan.onnx.OnnxGraph;
import org.portolan.onnx.OnnxSparseTensor;
import org.portolan.onnx.OnnxTensor;
import org.portolan.onnx.OnnxType;

/// One `AttributeProto` to a record. The message has a field for each kind of value and says in `type` which one holds;
/// files of the first IR version leave `type` out.
final class AttributeDecoder {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final TensorDecoder tensorDecoder;
    private final Function<WireCursor, OnnxGraph> graphDecoder;

    private String name = "";
    private String reference = "";
    private long type;
    private int lastField;
    private float number;
    private long integer;
    private String text = "";
    private OnnxTensor tensor;
    private OnnxSparseTensor sparse;
    private OnnxGraph graph;
    private OnnxType typeValue;
    private final List<Float> floats = new ArrayList<>();
    private final LongValues integers = new LongValues();
    private final List<String> strings = new ArrayList<>();
    private final List<OnnxTensor> tensors = new ArrayList<>();
    private final List<OnnxSparseTensor> sparses = new ArrayList<>();
    private final List<OnnxGraph> graphs = new ArrayList<>();
    private final List<OnnxType> types = new ArrayList<>();

    AttributeDecoder(TensorDecoder tensorDecoder, Function<WireCursor, OnnxGraph> graphDecoder) {
        this.tensorDecoder = tensorDecoder;
        this.graphDecoder = graphDecoder;
    }

    OnnxAttribute attribute(WireCursor in) {
        while (in.next()) {
            int field = in.field();
            switch (field) {
                case 1 -> name = in.text();
                case 2 -> number = in.number();
                case 3 -> integer = in.integer();
                case 4 -> text = in.text();
                case 5 -> tensor = tensorDecoder.tensor(in.message("t"));
                case 6 -> graph = graphDecoder.apply(in.message("g"));
                case 7 -> floats(in);
                case 8 -> in.integers(integers);
                case 9 -> strings.add(in.text());
                case 10 -> tensors.add(tensorDecoder.tensor(in.message("tensors")));
                case 11 -> graphs.add(graphDecoder.apply(in.message("graphs")));
                case 14 -> typeValue = TypeDecoder.type(in.message("tp"));
                case 15 -> types.add(TypeDecoder.type(in.message("type_protos")));
                case 20 -> type = in.integer();
                case 21 -> reference = in.text();
                case 22 -> sparse = tensorDecoder.sparse(in.message("sparse_tensor"));
                case 23 -> sparses.add(tensorDecoder.sparse(in.message("sparse_tensors")));
                default -> {}
            }
            if (field >= 2 && field <= 11 || field == 14 || field == 15 || field == 22 || field == 23) {
                lastField = field;
            }
        }
        return finish(in);
    }

    private void floats(WireCursor in) {
        var packed = in.fixed(4);
        for (long offset = 0; offset < packed.byteSize(); offset += 4) {
            floats.add(packed.get(FLOAT, offset));
        }
    }

    private OnnxAttribute finish(WireCursor in) {
        if (name.isEmpty()) {
            throw in.error("an attribute without a name");
        }
        if (!reference.isEmpty()) {
            return new OnnxAttribute.Reference(name, reference);
        }
        long kind = type != 0 ? type : kindOfField();
        if (kind < 1 || kind > 14) {
            throw in.error("attribute '%s' has the unknown type %d".formatted(name, kind));
        }
        return switch ((int) kind) {
            case 1 -> new OnnxAttribute.FloatValue(name, number);
            case 2 -> new OnnxAttribute.IntValue(name, integer);
            case 3 -> new OnnxAttribute.StringValue(name, text);
            case 4 -> new OnnxAttribute.TensorValue(name, present(in, tensor));
            case 5 -> new OnnxAttribute.GraphValue(name, present(in, graph));
            case 6 -> new OnnxAttribute.Floats(name, floats);
            case 7 -> new OnnxAttribute.Ints(name, integers.boxed());
            case 8 -> new OnnxAttribute.Strings(name, strings);
            case 9 -> new OnnxAttribute.Tensors(name, tensors);
            case 10 -> new OnnxAttribute.Graphs(name, graphs);
            case 11 -> new OnnxAttribute.SparseValue(name, present(in, sparse));
            case 12 -> new OnnxAttribute.SparseTensors(name, sparses);
            case 13 -> new OnnxAttribute.TypeValue(name, present(in, typeValue));
            default -> new OnnxAttribute.Types(name, types);
        };
    }

    private int kindOfField() {
        return switch (lastField) {
            case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 -> lastField - 1;
            case 22 -> 11;
            case 23 -> 12;
            case 14 -> 13;
            case 15 -> 14;
            default -> 0;
        };
    }

    private <T> T present(WireCursor in, T value) {
        if (value == null) {
            throw in.error("attribute '%s' has no value of the type it announces".formatted(name));
        }
        return value;
    }
}
