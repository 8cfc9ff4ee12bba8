package org.portolan.onnx.cases;

import static org.portolan.onnx.cases.OperatorCases.integer;
import static org.portolan.onnx.cases.OperatorCases.ints;
import static org.portolan.onnx.cases.OperatorCases.number;
import static org.portolan.onnx.cases.OperatorCases.text;

import java.util.ArrayList;
import java.util.List;

/// Cases of operators that sort and select, transform signals, and read regions.
final class SelectionCases {
    private SelectionCases() {}

    static List<OperatorCase> all() {
        var cases = new ArrayList<OperatorCase>();
        sorting(cases);
        selection(cases);
        signals(cases);
        regions(cases);
        return cases;
    }

    private static OperatorCase of(String operator, int opset, String attributes, String... inputs) {
        return OperatorCase.of(operator, opset, attributes, inputs);
    }

    /// Rows of up to 512 elements are counted, longer ones go through a network.
    private static void sorting(List<OperatorCase> cases) {
        cases.add(of("TopK", 11, "", "f32[3,7]", "!i64[1]=3").withOutputs(2));
        cases.add(of("TopK", 11, integer("axis", 0) + integer("largest", 0), "i32[9,4]", "i64[1]=5").withOutputs(2));
        cases.add(of("TopK", 1, integer("k", 2), "f32[2,3,4]").withOutputs(2));
        cases.add(of("TopK", 11, "", "f32[2,700]", "!i64[1]=700").withOutputs(2));
        cases.add(of("TopK", 11, integer("axis", 0) + integer("largest", 0), "i64[1025,2]", "i64[1]=1000").withOutputs(2));
        cases.add(of("TopK", 11, "", "f32[1]", "!i64[1]=1").withOutputs(2));
        cases.add(of("TopK", 11, "", "f32[3]", "!i64[1]=0").withOutputs(2));
        for (int sorted = 0; sorted < 2; sorted++) {
            cases.add(of("Unique", 11, integer("sorted", sorted), "i64[5,8]").withOutputs(4));
            cases.add(of("Unique", 11, integer("sorted", sorted), "i64[600]").withOutputs(4));
            cases.add(of("Unique", 11, integer("sorted", sorted) + integer("axis", 1), "f32[2,6]=1,0,1,2,0,1,1,0,1,0,0,1").withOutputs(4));
        }
    }

    private static void selection(List<OperatorCase> cases) {
        cases.add(of("NonZero", 13, "", "bool[3,4,2]"));
        cases.add(of("NonZero", 13, "", "f32[4]=0"));
        cases.add(of("NonZero", 13, "", "bool[70,20]"));
        cases.add(of("Compress", 11, integer("axis", -1), "f32[3,4]", "bool[4]=0,1,1,0"));
        cases.add(of("Compress", 11, "", "f32[3,4]", "bool[5]=1,0,0,1,1"));
        cases.add(of("Compress", 11, "", "f32[1000]", "bool[1000]"));
        var boxes = new StringBuilder("f32[1,12,4]=");
        for (int i = 0; i < 12; i++) {
            boxes.append(i == 0 ? "" : ",").append("%d,%d,%d,%d".formatted(i % 4, i / 4, i % 4 + 2 + i % 3, i / 4 + 2));
        }
        var scores = "f32[1,2,12]=0.9,0.8,0.1,0.95,0.3,0.4,0.5,0.6,0.7,0.2,0.15,0.85,"
                + "0.11,0.12,0.13,0.14,0.95,0.16,0.17,0.18,0.19,0.2,0.99,0.22";
        for (var overlap : List.of("0", "0.2", "0.5", "0.9")) {
            for (int centred = 0; centred < 2; centred++) {
                cases.add(of("NonMaxSuppression", 11, integer("center_point_box", centred), boxes.toString(), scores,
                        "i64[]=5", "f32[]=" + overlap, "f32[]=0.125"));
            }
        }
        cases.add(of("NonMaxSuppression", 11, "", boxes.toString(), scores, "!i64[]=12"));
        cases.add(of("NonMaxSuppression", 11, "", boxes.toString(), scores, "i64[]=3", "f32[]=0.5", "f32[]=2"));
        cases.add(of("NonMaxSuppression", 11, "", boxes.toString(), scores));
    }

    private static void signals(List<OperatorCase> cases) {
        for (int parts = 1; parts < 3; parts++) {
            cases.add(of("DFT", 20, "", "f32[2,10,3,%d]".formatted(parts), "", "!i64[]=1"));
            cases.add(of("DFT", 20, "", "f32[2,10,%d]".formatted(parts), "!i64[]=7"));
            cases.add(of("DFT", 20, "", "f32[2,5,%d]".formatted(parts), "i64[]=8"));
            cases.add(of("DFT", 17, integer("inverse", 1), "f32[2,9,%d]".formatted(parts)));
        }
        cases.add(of("DFT", 17, integer("onesided", 1), "f32[2,9,1]"));
        cases.add(of("STFT", 17, "", "f32[2,50,1]", "i64[]=5", "f32[12]"));
        cases.add(of("STFT", 17, integer("onesided", 0), "f32[1,50,1]", "!i64[]=7", "", "!i64[]=16"));
        cases.add(of("MelWeightMatrix", 17, "", "!i64[]=8", "!i64[]=64", "!i64[]=8192", "!f32[]=0", "!f32[]=4096"));
    }

    private static void regions(List<OperatorCase> cases) {
        cases.add(of("Col2Im", 18, ints("pads", 1, 0, 0, 1) + ints("strides", 2, 1), "f32[2,12,9]", "!i64[2]=6,3", "!i64[2]=3,2"));
        cases.add(of("Col2Im", 18, ints("dilations", 2, 1), "f32[1,6,8]", "i64[2]=12,1", "!i64[2]=3,1"));
        cases.add(of("MaxUnpool", 11, ints("kernel_shape", 2, 2) + ints("strides", 2, 2), "f32[1,1,2,2]", "i64[1,1,2,2]=5,7,8,15"));
        for (var mode : List.of("avg", "max")) {
            for (int ratio = 0; ratio < 3; ratio += 2) {
                for (var places : List.of("half_pixel", "output_half_pixel")) {
                    cases.add(of("RoiAlign", 16, text("mode", mode) + integer("sampling_ratio", ratio) + integer("output_height", 3)
                                    + integer("output_width", 2) + number("spatial_scale", 0.5)
                                    + text("coordinate_transformation_mode", places),
                            "f32[2,3,8,9]", "f32[3,4]=1,2,13,15,0,0,5,4,3,1,30,12", "i64[3]=0,1,1"));
                }
            }
        }
        cases.add(of("DeformConv", 19, ints("pads", 1, 1, 1, 1) + ints("strides", 2, 1) + integer("group", 2)
                        + integer("offset_group", 2), "f32[2,4,5,6]", "f32[6,2,3,3]", "f32[2,36,3,6]", "f32[6]", "f32[2,18,3,6]"));
        cases.add(of("OptionalHasElement", 18, "", "f32[2]"));
    }
}
