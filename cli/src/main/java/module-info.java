/// The command line of Portolan.
module org.portolan.cli {
    requires org.portolan.runtime;
    requires org.portolan.ir;
    requires org.portolan.onnx;
    requires org.portolan.lowering;
    requires info.picocli;
}
