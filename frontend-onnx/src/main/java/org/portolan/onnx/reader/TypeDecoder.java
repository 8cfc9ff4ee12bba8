package org.portolan.onnx.reader;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.onnx.OnnxDataType;
import org.portolan.onnx.OnnxDimension;
import org.portolan.onnx.OnnxLimits;
import org.portolan.onnx.OnnxType;
import org.portolan.onnx.OnnxValueInfo;

/// `TypeProto` and `ValueInfoProto` to records.
final class TypeDecoder {
    private TypeDecoder() {}

    static OnnxValueInfo valueInfo(WireCursor in) {
        var name = "";
        OnnxType type = new OnnxType.Undeclared();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> name = in.text();
                case 2 -> type = type(in.message("type"));
                default -> {}
            }
        }
        return new OnnxValueInfo(name, type);
    }

    static OnnxType type(WireCursor in) {
        OnnxType type = new OnnxType.Undeclared();
        while (in.next()) {
            type = switch (in.field()) {
                case 1 -> tensor(in.message("tensor_type"), false);
                case 4 -> new OnnxType.Sequence(element(in.message("sequence_type")));
                case 5 -> mapping(in.message("map_type"));
                case 7 -> opaque(in.message("opaque_type"));
                case 8 -> tensor(in.message("sparse_tensor_type"), true);
                case 9 -> new OnnxType.Maybe(element(in.message("optional_type")));
                default -> type;
            };
        }
        return type;
    }

    private static OnnxType tensor(WireCursor in, boolean sparse) {
        long code = 0;
        Optional<List<OnnxDimension>> shape = Optional.empty();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> code = in.integer();
                case 2 -> shape = Optional.of(shape(in.message("shape")));
                default -> {}
            }
        }
        if (code == 0) {
            return new OnnxType.Undeclared();
        }
        var elementType = elementType(in, code);
        return sparse ? new OnnxType.Sparse(elementType, shape) : new OnnxType.Tensor(elementType, shape);
    }

    private static OnnxDataType elementType(WireCursor in, long code) {
        return OnnxDataType.ofCode(code).orElseThrow(() -> in.error("unknown element type " + code));
    }

    private static List<OnnxDimension> shape(WireCursor in) {
        var dimensions = new ArrayList<OnnxDimension>();
        while (in.next()) {
            if (in.field() == 1) {
                dimensions.add(dimension(in.message("dim")));
            }
        }
        OnnxLimits.check("rank", in.limits().rank(), dimensions.size(), "A declared shape");
        return dimensions;
    }

    private static OnnxDimension dimension(WireCursor in) {
        OnnxDimension dimension = new OnnxDimension.Unknown();
        while (in.next()) {
            dimension = switch (in.field()) {
                case 1 -> known(in.integer());
                case 2 -> named(in.text());
                default -> dimension;
            };
        }
        return dimension;
    }

    /// Exporters write -1 for an axis they do not know.
    private static OnnxDimension known(long size) {
        return size < 0 ? new OnnxDimension.Unknown() : new OnnxDimension.Known(size);
    }

    private static OnnxDimension named(String name) {
        return name.isBlank() || name.equals("?") ? new OnnxDimension.Unknown() : new OnnxDimension.Named(name);
    }

    private static OnnxType element(WireCursor in) {
        OnnxType type = new OnnxType.Undeclared();
        while (in.next()) {
            if (in.field() == 1) {
                type = type(in.message("elem_type"));
            }
        }
        return type;
    }

    private static OnnxType mapping(WireCursor in) {
        long key = 0;
        OnnxType value = new OnnxType.Undeclared();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> key = in.integer();
                case 2 -> value = type(in.message("value_type"));
                default -> {}
            }
        }
        return new OnnxType.Mapping(elementType(in, key), value);
    }

    private static OnnxType opaque(WireCursor in) {
        var domain = "";
        var name = "";
        while (in.next()) {
            switch (in.field()) {
                case 1 -> domain = in.text();
                case 2 -> name = in.text();
                default -> {}
            }
        }
        return new OnnxType.Opaque(domain, name);
    }
}
