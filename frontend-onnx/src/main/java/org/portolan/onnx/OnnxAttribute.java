package org.portolan.onnx;

import java.util.List;

/// A constant parameter of a node.
public sealed interface OnnxAttribute {
    String name();

    record IntValue(String name, long value) implements OnnxAttribute {}

    record FloatValue(String name, float value) implements OnnxAttribute {}

    record StringValue(String name, String value) implements OnnxAttribute {}

    record TensorValue(String name, OnnxTensor value) implements OnnxAttribute {}

    record SparseValue(String name, OnnxSparseTensor value) implements OnnxAttribute {}

    record GraphValue(String name, OnnxGraph value) implements OnnxAttribute {}

    record TypeValue(String name, OnnxType value) implements OnnxAttribute {}

    record Ints(String name, List<Long> values) implements OnnxAttribute {
        public Ints {
            values = List.copyOf(values);
        }
    }

    record Floats(String name, List<Float> values) implements OnnxAttribute {
        public Floats {
            values = List.copyOf(values);
        }
    }

    record Strings(String name, List<String> values) implements OnnxAttribute {
        public Strings {
            values = List.copyOf(values);
        }
    }

    record Tensors(String name, List<OnnxTensor> values) implements OnnxAttribute {
        public Tensors {
            values = List.copyOf(values);
        }
    }

    record SparseTensors(String name, List<OnnxSparseTensor> values) implements OnnxAttribute {
        public SparseTensors {
            values = List.copyOf(values);
        }
    }

    record Graphs(String name, List<OnnxGraph> values) implements OnnxAttribute {
        public Graphs {
            values = List.copyOf(values);
        }
    }

    record Types(String name, List<OnnxType> values) implements OnnxAttribute {
        public Types {
            values = List.copyOf(values);
        }
    }

    /// Inside a function: the value of the caller's attribute `attribute`, or none where the caller gives none.
    record Reference(String name, String attribute) implements OnnxAttribute {}

    /// The same value under another name.
    default OnnxAttribute named(String newName) {
        return switch (this) {
            case IntValue(var _, var value) -> new IntValue(newName, value);
            case FloatValue(var _, var value) -> new FloatValue(newName, value);
            case StringValue(var _, var value) -> new StringValue(newName, value);
            case TensorValue(var _, var value) -> new TensorValue(newName, value);
            case SparseValue(var _, var value) -> new SparseValue(newName, value);
            case GraphValue(var _, var value) -> new GraphValue(newName, value);
            case TypeValue(var _, var value) -> new TypeValue(newName, value);
            case Ints(var _, var values) -> new Ints(newName, values);
            case Floats(var _, var values) -> new Floats(newName, values);
            case Strings(var _, var values) -> new Strings(newName, values);
            case Tensors(var _, var values) -> new Tensors(newName, values);
            case SparseTensors(var _, var values) -> new SparseTensors(newName, values);
            case Graphs(var _, var values) -> new Graphs(newName, values);
            case Types(var _, var values) -> new Types(newName, values);
            case Reference(var _, var attribute) -> new Reference(newName, attribute);
        };
    }
}
