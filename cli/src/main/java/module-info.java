/// The command line of Portolan.
module org.portolan.cli {
    requires info.picocli;
    requires java.management;
    requires jdk.management;
    requires org.portolan.ir;
    requires org.portolan.lowering;
    requires org.portolan.onnx;
    requires org.portolan.runtime;

    exports org.portolan.cli;
    exports org.portolan.cli.argument;
    exports org.portolan.cli.report;

    opens org.portolan.cli to
            info.picocli;
    opens org.portolan.cli.argument to
            info.picocli;

    uses org.portolan.lowering.Codegen;
    uses org.portolan.runtime.device.Driver;

    provides org.portolan.runtime.ModelCompiler with
            org.portolan.cli.ChildCompiler;
}
