/// The host processor as a target.
module org.portolan.cpu {
    requires transitive org.portolan.runtime;
    requires static org.portolan.lowering;
    requires static org.portolan.llvm;

    exports org.portolan.cpu.driver;

    provides org.portolan.runtime.device.Driver with
            org.portolan.cpu.driver.CpuDriver;
}
