/// ONNX models in, `graph` operations out.
module org.portolan.onnx {
    requires transitive org.portolan.ir;

    exports org.portolan.onnx;
    exports org.portolan.onnx.conformance;
    exports org.portolan.onnx.importer;
    exports org.portolan.onnx.reader;
}
