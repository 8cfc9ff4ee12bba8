package org.portolan.onnx.cases;

import java.util.ArrayList;
import java.util.List;

/// One or more cases for each operator of the table that ONNX Runtime knows too.
final class OperatorCases {
    private OperatorCases() {}

    static String ints(String name, long... values) {
        var text = new StringBuilder("attribute { name: '%s' type: 7 ".formatted(name));
        for (long value : values) {
            text.append("ints: ").append(value).append(' ');
        }
        return text.append("} ").toString();
    }

    static String integer(String name, long value) {
        return "attribute { name: '%s' type: 2 i: %d } ".formatted(name, value);
    }

    static String number(String name, double value) {
        return "attribute { name: '%s' type: 1 f: %s } ".formatted(name, value);
    }

    static String text(String name, String value) {
        return "attribute { name: '%s' type: 3 s: '%s' } ".formatted(name, value);
    }

    static List<OperatorCase> all() {
        var cases = new ArrayList<OperatorCase>();
        elementwise(cases);
        shapes(cases);
        reductions(cases);
        layers(cases);
        quantized(cases);
        cases.addAll(SelectionCases.all());
        return cases;
    }

    private static void add(List<OperatorCase> cases, String operator, int opset, String attributes, String... inputs) {
        cases.add(OperatorCase.of(operator, opset, attributes, inputs));
    }

    private static void elementwise(List<OperatorCase> cases) {
        for (var name : List.of(
                "Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh",
                "Asinh", "Erf", "Reciprocal", "IsNaN", "IsInf", "Relu", "Sigmoid", "Tanh", "Softsign", "Softplus",
                "Mish", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Shrink",
                "Gelu", "Identity", "Size", "Shape", "GlobalMaxPool", "GlobalAveragePool", "Dropout")) {
            add(cases, name, 20, "", name.startsWith("Global") ? "f32[1,2,3,4]" : "f32[3,5]");
        }
        for (var name : List.of("Sqrt", "Log", "Asin", "Acos", "Atanh")) {
            add(cases, name, 20, "", "f32[4]=0.1,0.5,0.7,0.99");
        }
        add(cases, "Acosh", 20, "", "f32[3]=1,2,10");
        add(cases, "Gelu", 20, text("approximate", "tanh"), "f32[7]");
        add(cases, "Not", 20, "", "bool[4]=1,0,1,0");
        add(cases, "BitwiseNot", 18, "", "i32[3]=1,-5,7");
        for (var name : List.of("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Less", "LessOrEqual", "Greater",
                "GreaterOrEqual", "PRelu")) {
            add(cases, name, 16, "", "f32[2,3,4]", "f32[3,1]");
        }
        for (var name : List.of("And", "Or", "Xor")) {
            add(cases, name, 16, "", "bool[4]=1,0,1,0", "bool[4]=1,1,0,0");
        }
        for (var name : List.of("BitwiseAnd", "BitwiseOr", "BitwiseXor")) {
            add(cases, name, 18, "", "i32[4]=12,10,-1,7", "i32[1]=6");
        }
        add(cases, "Equal", 16, "", "i64[4]=1,2,3,4", "i64[1]=3");
        add(cases, "Mod", 13, "", "i32[4]=7,-7,7,-7", "i32[4]=3,3,-3,-3");
        add(cases, "Mod", 13, integer("fmod", 1), "f32[4]=7.5,-7.5,7.5,-7.5", "f32[4]=2,2,-2,-2");
        add(cases, "BitShift", 11, text("direction", "LEFT"), "u8[3]=1,2,3", "u8[3]=1,2,3");
        add(cases, "BitShift", 11, text("direction", "RIGHT"), "u8[3]=16,64,3", "u8[3]=1,2,3");
        add(cases, "Pow", 15, "", "f32[3]=1.5,2,3", "f32[3]=2,0.5,-1");
        add(cases, "Where", 16, "", "bool[2,1]=1,0", "f32[2,3]", "f32[3]");
        add(cases, "Clip", 13, "", "f32[5]=-2,-1,0,1,2", "!f32[]=-1", "f32[]=1");
        add(cases, "Clip", 6, number("min", -0.5), "f32[5]=-2,-1,0,1,2");
        add(cases, "Cast", 13, integer("to", 7), "f32[4]=1.5,-1.5,2.9,0");
        add(cases, "CastLike", 15, "", "f32[4]=1.5,-1.5,2.9,0", "i32[1]");
    }

    private static void shapes(List<OperatorCase> cases) {
        add(cases, "Reshape", 14, "", "f32[2,3,4]", "!i64[2]=0,-1");
        add(cases, "Reshape", 14, "", "f32[2,3,4]", "i64[3]=4,-1,2");
        add(cases, "Flatten", 13, integer("axis", 2), "f32[2,3,4]");
        add(cases, "Squeeze", 13, "", "f32[2,1,4]", "i64[1]=1");
        add(cases, "Squeeze", 11, ints("axes", 1), "f32[2,1,4]");
        add(cases, "Unsqueeze", 13, "", "f32[2,4]", "i64[2]=0,-1");
        add(cases, "Transpose", 13, ints("perm", 2, 0, 1), "f32[2,3,4]");
        add(cases, "Expand", 13, "", "f32[3,1]", "i64[3]=2,1,4");
        add(cases, "Concat", 13, integer("axis", 1), "f32[2,3]", "f32[2,1]");
        cases.add(OperatorCase.of("Split", 13, integer("axis", 1), "f32[2,6]", "i64[2]=2,4").withOutputs(2));
        add(cases, "Slice", 13, "", "f32[5,6]", "i64[2]=1,-1", "i64[2]=1000,-5", "i64[2]=0,1", "i64[2]=2,-2");
        add(cases, "Slice", 9, ints("starts", 1) + ints("ends", -1), "f32[5,6]");
        add(cases, "Tile", 13, "", "f32[2,3]", "i64[2]=2,3");
        for (var mode : List.of("constant", "reflect", "edge", "wrap")) {
            add(cases, "Pad", 19, text("mode", mode), "f32[3,4]", "i64[4]=1,2,0,1");
        }
        add(cases, "DepthToSpace", 13, integer("blocksize", 2) + text("mode", "CRD"), "f32[1,8,2,3]");
        add(cases, "SpaceToDepth", 13, integer("blocksize", 2), "f32[1,2,4,6]");
        add(cases, "CenterCropPad", 18, "", "f32[5,4]", "i64[2]=3,7");
        add(cases, "Gather", 13, integer("axis", 1), "f32[2,5]", "i64[2,2]=0,-1,3,2");
        add(cases, "GatherElements", 13, integer("axis", 1), "f32[2,3]", "i64[2,2]=0,2,-1,1");
        add(cases, "GatherND", 13, "", "f32[2,3,4]", "i64[2,2]=0,1,1,-1");
        add(cases, "Scatter", 9, "", "f32[3,3]", "i64[1,2]=0,2", "f32[1,2]");
        add(cases, "ScatterElements", 18, text("reduction", "add"), "f32[3,3]", "i64[2,1]=1,1", "f32[2,1]");
        add(cases, "ScatterND", 18, "", "f32[4,2]", "i64[2,1]=3,0", "f32[2,2]");
        add(cases, "OneHot", 11, integer("axis", 0), "i64[3]=1,-1,9", "i64[]=4", "f32[2]=2,5");
        add(cases, "Trilu", 14, integer("upper", 0), "f32[3,4]", "i64[]=-1");
        add(cases, "ReverseSequence", 10, "", "f32[4,2,3]", "i64[2]=2,4");
        add(cases, "ConstantOfShape", 9, "", "i64[2]=2,3");
        add(cases, "Constant", 13, ints("value_ints", 3, 1, 4));
        add(cases, "Range", 11, "", "f32[]=1", "f32[]=4", "f32[]=0.75");
        add(cases, "EyeLike", 9, integer("k", 1), "f32[3,4]");
        for (var name : List.of("HannWindow", "HammingWindow", "BlackmanWindow")) {
            add(cases, name, 17, "", "i64[]=8");
        }
        for (var places : List.of("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel")) {
            for (var mode : List.of("nearest", "linear", "cubic")) {
                add(
                        cases,
                        "Resize",
                        13,
                        text("mode", mode) + text("coordinate_transformation_mode", places),
                        "f32[1,1,4,5]",
                        "",
                        "!f32[4]=1,1,1.5,2");
            }
        }
        add(cases, "Upsample", 9, "", "f32[1,1,2,3]", "!f32[4]=1,1,2,3");
    }

    private static void reductions(List<OperatorCase> cases) {
        for (var name : List.of(
                "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                "ReduceSumSquare", "ReduceLogSumExp")) {
            add(cases, name, 18, integer("keepdims", 0), "f32[2,3,4]", "!i64[2]=0,-1");
            add(cases, name, 18, "", "f32[2,3,4]");
        }
        add(cases, "ReduceSum", 11, ints("axes", 1), "f32[2,3,4]");
        add(cases, "ReduceLogSum", 18, "", "f32[2,3]=1,2,3,4,5,6", "!i64[1]=1");
        for (var name : List.of("ArgMax", "ArgMin")) {
            add(cases, name, 13, integer("axis", 1) + integer("select_last_index", 1), "f32[2,4]=1,3,3,1,0,0,2,2");
        }
        for (var name : List.of("Softmax", "LogSoftmax", "Hardmax")) {
            add(cases, name, 13, integer("axis", 1), "f32[2,3,4]");
            add(cases, name, 11, integer("axis", 1), "f32[2,3,4]");
        }
        add(cases, "CumSum", 14, integer("reverse", 1) + integer("exclusive", 1), "f32[3,4]", "i64[]=1");
    }

    private static void layers(List<OperatorCase> cases) {
        add(cases, "MatMul", 13, "", "f32[2,1,3,4]", "f32[5,4,2]");
        add(cases, "MatMul", 13, "", "f32[4]", "f32[3,4,2]");
        add(cases, "Gemm", 13, integer("transA", 1) + number("alpha", 0.5) + number("beta", 2), "f32[4,3]", "f32[4,2]", "f32[2]");
        add(cases, "Einsum", 12, text("equation", "bij,bjk->bik"), "f32[2,3,4]", "f32[2,4,5]");
        add(cases, "Conv", 11, ints("pads", 1, 0, 2, 1) + ints("strides", 2, 1) + integer("group", 2), "f32[1,4,7,6]", "f32[6,2,3,2]", "f32[6]");
        add(cases, "Conv", 11, text("auto_pad", "SAME_LOWER") + ints("strides", 2), "f32[2,3,9]", "f32[4,3,3]");
        add(cases, "ConvTranspose", 11, ints("strides", 2, 2) + ints("output_padding", 1, 0), "f32[1,3,4,3]", "f32[3,2,3,3]", "f32[2]");
        add(cases, "MaxPool", 12, ints("kernel_shape", 3, 2) + ints("strides", 2, 2) + ints("pads", 1, 0, 1, 1) + integer("ceil_mode", 1), "f32[1,2,6,7]");
        cases.add(OperatorCase.of("MaxPool", 12, ints("kernel_shape", 2, 2), "f32[1,2,4,4]").withOutputs(2));
        for (int counted = 0; counted < 2; counted++) {
            add(cases, "AveragePool", 11, ints("kernel_shape", 3, 3) + ints("strides", 2, 2) + ints("pads", 1, 1, 1, 1) + integer("count_include_pad", counted), "f32[1,2,6,7]");
        }
        for (var name : List.of("MaxPool", "AveragePool")) {
            add(cases, name, 11, ints("kernel_shape", 3, 2) + ints("strides", 2, 2), "f32[1,2,2,1]");
        }
        add(cases, "LpPool", 11, ints("kernel_shape", 2, 2) + integer("p", 3), "f32[1,2,4,4]");
        add(cases, "GlobalLpPool", 2, integer("p", 2), "f32[1,2,4,4]");
        add(cases, "BatchNormalization", 15, "", "f32[2,3,4]", "f32[3]", "f32[3]", "f32[3]", "f32[3]=0.5,1,2");
        add(cases, "InstanceNormalization", 6, "", "f32[2,3,4]", "f32[3]", "f32[3]");
        cases.add(OperatorCase.of("LayerNormalization", 17, integer("axis", 1), "f32[2,3,4]", "f32[3,4]", "f32[3,4]").withOutputs(3));
        add(cases, "GroupNormalization", 21, integer("num_groups", 2), "f32[2,4,3]", "f32[4]", "f32[4]");
        add(cases, "LRN", 13, integer("size", 3), "f32[1,5,2,2]");
        add(cases, "LpNormalization", 1, integer("axis", 1) + integer("p", 1), "f32[2,3]");
        add(cases, "MeanVarianceNormalization", 13, "", "f32[2,3,2,2]");
        for (var direction : List.of("forward", "reverse", "bidirectional")) {
            var two = direction.equals("bidirectional") ? 2 : 1;
            var attributes = integer("hidden_size", 3) + text("direction", direction);
            cases.add(OperatorCase.of("LSTM", 14, attributes, "f32[4,2,5]", "f32[%d,12,5]".formatted(two), "f32[%d,12,3]".formatted(two), "f32[%d,24]".formatted(two), "i32[2]=4,2").withOutputs(3));
            cases.add(OperatorCase.of("GRU", 14, attributes + integer("linear_before_reset", 1), "f32[4,2,5]", "f32[%d,9,5]".formatted(two), "f32[%d,9,3]".formatted(two), "f32[%d,18]".formatted(two)).withOutputs(2));
            cases.add(OperatorCase.of("RNN", 14, attributes, "f32[4,2,5]", "f32[%d,3,5]".formatted(two), "f32[%d,3,3]".formatted(two)).withOutputs(2));
        }
        for (var mode : List.of("bilinear", "nearest", "bicubic")) {
            for (var padding : List.of("zeros", "border", "reflection")) {
                add(cases, "GridSample", 16, text("mode", mode) + text("padding_mode", padding), "f32[1,2,4,5]", "f32[1,3,3,2]");
            }
        }
        add(cases, "AffineGrid", 20, integer("align_corners", 1), "f32[2,2,3]", "!i64[4]=2,1,3,4");
        add(cases, "NegativeLogLikelihoodLoss", 13, text("reduction", "mean") + integer("ignore_index", 1), "f32[3,4]", "i64[3]=0,1,3", "f32[4]");
        cases.add(OperatorCase.of("SoftmaxCrossEntropyLoss", 13, text("reduction", "sum"), "f32[3,4]", "i64[3]=0,1,3").withOutputs(2));
        add(cases, "Attention", 23, integer("is_causal", 1), "f32[1,4,3,8]", "f32[1,2,5,8]", "f32[1,2,5,8]");
        add(cases, "RotaryEmbedding", 23, "", "f32[1,2,3,8]", "f32[10,4]", "f32[10,4]", "i64[1,3]=0,1,2");
        add(cases, "RMSNormalization", 23, "", "f32[2,3,4]", "f32[4]");
        var scalar = "type { tensor_type { elem_type: %d shape { } } }";
        var branch = "attribute { name: '%s' type: 5 g { name: 'b' node { op_type: '%s' input: 'x1' output: 'r' } output { name: 'r' type { tensor_type { elem_type: 1 } } } } } ";
        add(cases, "If", 13, branch.formatted("then_branch", "Neg") + branch.formatted("else_branch", "Abs"), "bool[]=1", "~f32[3]");
        cases.add(OperatorCase.of("Loop", 13, "attribute { name: 'body' type: 5 g { name: 'b' input { name: 'i' " + scalar.formatted(7)
                + " } input { name: 'c' " + scalar.formatted(9) + " } input { name: 's' type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } }"
                + " node { op_type: 'Identity' input: 'c' output: 'd' } node { op_type: 'Add' input: ['s', 's'] output: 't' }"
                + " node { op_type: 'Neg' input: 't' output: 'u' } output { name: 'd' " + scalar.formatted(9) + " } output { name: 't' type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } }"
                + " output { name: 'u' type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } } } }",
                "i64[]=3", "bool[]=1", "f32[2]").withOutputs(2));
        cases.add(OperatorCase.of("Scan", 11, integer("num_scan_inputs", 1) + "attribute { name: 'body' type: 5 g { name: 'b'"
                + " input { name: 's' type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } } input { name: 'e' type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } }"
                + " node { op_type: 'Add' input: ['s', 'e'] output: 't' } node { op_type: 'Neg' input: 't' output: 'u' }"
                + " output { name: 't' type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } } output { name: 'u' type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } } } }",
                "f32[2]", "f32[3,2]").withOutputs(2));
    }

    private static void quantized(List<OperatorCase> cases) {
        add(cases, "QuantizeLinear", 13, integer("axis", 0), "f32[2,3]", "f32[2]=0.1,0.05", "u8[2]=10,128");
        add(cases, "DequantizeLinear", 13, "", "u8[2,3]", "f32[]=0.1", "u8[]=3");
        cases.add(OperatorCase.of("DynamicQuantizeLinear", 11, "", "f32[2,3]").withOutputs(3));
        add(cases, "MatMulInteger", 10, "", "u8[3,4]", "u8[4,2]", "!u8[]=3", "!u8[]=1");
        add(cases, "ConvInteger", 10, "", "u8[1,1,4,4]", "u8[1,1,2,2]", "!u8[]=3");
        add(cases, "QLinearMatMul", 10, "", "u8[3,4]", "!f32[]=0.1", "!u8[]=3", "u8[4,2]", "!f32[]=0.2", "!u8[]=1", "!f32[]=0.4", "!u8[]=100");
        add(cases, "QLinearConv", 10, "", "u8[1,1,4,4]", "!f32[]=0.1", "!u8[]=3", "!u8[1,1,2,2]=1,2,3,4", "!f32[]=0.2", "!u8[]=1", "!f32[]=0.4", "!u8[]=100");
    }
}
