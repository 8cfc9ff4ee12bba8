/// The runtime of Portolan: no dependency but the JDK.
module org.portolan.runtime {
    exports org.portolan.runtime;
    exports org.portolan.runtime.data;
    exports org.portolan.runtime.device;
    exports org.portolan.runtime.parallel;
    exports org.portolan.runtime.plan;
    exports org.portolan.runtime.program;
    exports org.portolan.runtime.selftest;
    exports org.portolan.runtime.selftest.suite;
    exports org.portolan.runtime.type;

    uses org.portolan.runtime.ModelCompiler;
    uses org.portolan.runtime.device.Driver;
}
