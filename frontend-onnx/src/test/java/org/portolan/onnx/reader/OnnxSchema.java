package org.portolan.onnx.reader;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import java.util.Locale;

/// The messages of onnx.proto as protobuf descriptors, so that protobuf's own parser can be the oracle.
final class OnnxSchema {
    private static final String MESSAGES = """
        StringStringEntryProto: key string 1, value string 2
        AttributeProto: name string 1, f float 2, i int64 3, s bytes 4, t TensorProto 5, g GraphProto 6, \
        floats float* 7, ints int64* 8, strings bytes* 9, tensors TensorProto* 10, graphs GraphProto* 11, \
        tp TypeProto 14, type_protos TypeProto* 15, type int64 20, ref_attr_name string 21, \
        sparse_tensor SparseTensorProto 22, sparse_tensors SparseTensorProto* 23
        ValueInfoProto: name string 1, type TypeProto 2
        NodeProto: input string* 1, output string* 2, name string 3, op_type string 4, \
        attribute AttributeProto* 5, domain string 7, overload string 8
        ModelProto: ir_version int64 1, producer_name string 2, graph GraphProto 7, \
        opset_import OperatorSetIdProto* 8, metadata_props StringStringEntryProto* 14, functions FunctionProto* 25
        OperatorSetIdProto: domain string 1, version int64 2
        GraphProto: node NodeProto* 1, name string 2, initializer TensorProto* 5, input ValueInfoProto* 11, \
        output ValueInfoProto* 12, value_info ValueInfoProto* 13, sparse_initializer SparseTensorProto* 15
        TensorProto: dims int64* 1, data_type int64 2, float_data float* 4, int32_data int32* 5, \
        string_data bytes* 6, int64_data int64* 7, name string 8, raw_data bytes 9, double_data double* 10, \
        uint64_data uint64* 11, external_data StringStringEntryProto* 13, data_location int64 14
        SparseTensorProto: values TensorProto 1, indices TensorProto 2, dims int64* 3
        TypeProto: tensor_type TensorTypeProto 1, sequence_type ElementProto 4, map_type MapProto 5, \
        sparse_tensor_type TensorTypeProto 8, optional_type ElementProto 9
        TensorTypeProto: elem_type int64 1, shape TensorShapeProto 2
        ElementProto: elem_type TypeProto 1
        MapProto: key_type int64 1, value_type TypeProto 2
        TensorShapeProto: dim DimensionProto* 1
        DimensionProto: dim_value int64 1, dim_param string 2
        FunctionProto: name string 1, input string* 4, output string* 5, attribute string* 6, node NodeProto* 7, \
        opset_import OperatorSetIdProto* 9, domain string 10, attribute_proto AttributeProto* 11, overload string 13
        SequenceProto: name string 1, tensor_values TensorProto* 3, sequence_values SequenceProto* 5, \
        optional_values OptionalProto* 7
        OptionalProto: name string 1, tensor_value TensorProto 3, sequence_value SequenceProto 5, \
        optional_value OptionalProto 7
        """;

    private static final FileDescriptor FILE = file();

    private OnnxSchema() {}

    static Descriptor message(String name) {
        return FILE.findMessageTypeByName(name);
    }

    private static FileDescriptor file() {
        var file = FileDescriptorProto.newBuilder().setName("onnx.proto").setPackage("onnx");
        for (var line : MESSAGES.lines().toList()) {
            var message = DescriptorProto.newBuilder().setName(line.substring(0, line.indexOf(':')));
            for (var field : line.substring(line.indexOf(':') + 1).split(",")) {
                message.addField(field(field.strip().split(" ")));
            }
            file.addMessageType(message);
        }
        try {
            return FileDescriptor.buildFrom(file.build(), new FileDescriptor[0]);
        } catch (DescriptorValidationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static FieldDescriptorProto field(String[] words) {
        boolean repeated = words[1].endsWith("*");
        var type = repeated ? words[1].substring(0, words[1].length() - 1) : words[1];
        var field = FieldDescriptorProto.newBuilder()
                .setName(words[0])
                .setNumber(Integer.parseInt(words[2]))
                .setLabel(
                        repeated
                                ? FieldDescriptorProto.Label.LABEL_REPEATED
                                : FieldDescriptorProto.Label.LABEL_OPTIONAL);
        if (Character.isUpperCase(type.charAt(0))) {
            return field.setType(FieldDescriptorProto.Type.TYPE_MESSAGE)
                    .setTypeName(".onnx." + type)
                    .build();
        }
        return field.setType(FieldDescriptorProto.Type.valueOf("TYPE_" + type.toUpperCase(Locale.ROOT)))
                .build();
    }
}
